public import Addresses

/// What a link carries, and what it takes off the stack's hands.
///
/// Constant while the link is open. A link that can neither checksum nor cut is
/// `LinkAbilities(mtu: 1500)`: every packet it takes is whole and no larger than ``mtu``.
public struct LinkAbilities: Equatable, Sendable {
  /// What the bytes of a packet on this link begin with.
  public enum Framing: Hashable, Sendable {
    /// The IP header; there are no neighbours to resolve (a TUN device, a tunnel).
    case ip
    /// An Ethernet header (IEEE 802.3); our own station on the link has this address.
    case ethernet(EthernetAddress)
  }

  /// The largest IP packet the link carries whole, in bytes, IP header included and link header
  /// excluded (RFC 1122 §3.3.2, RFC 8200 §5).
  public var mtu: Int
  /// The link completes a transport checksum marked with ``Offload/needsChecksum``, and marks
  /// arriving packets whose checksum it knows.
  public var checksumOffload: Bool
  /// The largest super-segment the link cuts into pieces of ``Offload/segmentSize``, in bytes of
  /// IP packet; zero where it cuts none.
  public var segmentationOffload: Int
  /// Arriving packets may be super-segments, larger than ``mtu``, that carry
  /// ``Offload/segmentation``.
  public var receiveCoalescing: Bool
  public var framing: Framing

  /// Defaults describe the plainest link: IP packets, whole and checksummed.
  public init(
    mtu: Int, checksumOffload: Bool = false, segmentationOffload: Int = 0,
    receiveCoalescing: Bool = false, framing: Framing = .ip
  ) {
    self.mtu = mtu
    self.checksumOffload = checksumOffload
    self.segmentationOffload = segmentationOffload
    self.receiveCoalescing = receiveCoalescing
    self.framing = framing
  }

  /// Bytes of link header in front of every IP packet.
  @inline(__always)
  public var linkHeaderSize: Int {
    switch framing {
    case .ip: 0
    case .ethernet: 14
    }
  }
}
