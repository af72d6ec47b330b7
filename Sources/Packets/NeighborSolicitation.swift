public import Addresses

/// Asks a neighbour for its link-layer address, or whether an address is taken
/// (RFC 4861 §4.3): 24 bytes and options.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |   Type 135    |    Code 0     |           Checksum            |
///   +---------------+---------------+-------------------------------+
///   |                           Reserved                            |
///   +---------------------------------------------------------------+
///   |                   Target Address (128 bits)                   |
///   +---------------------------------------------------------------+
///   |   Options ...
/// ```
public struct NeighborSolicitation: Equatable, Sendable {
  public var target: IPv6Address
  /// The sender's; absent when it asks whether an address is taken.
  public var sourceLinkLayerAddress: EthernetAddress?
  /// Six octets (RFC 7527 §4.1).
  public var nonce: UInt64?

  @inline(__always)
  public init(
    target: IPv6Address, sourceLinkLayerAddress: EthernetAddress? = nil, nonce: UInt64? = nil
  ) {
    self.target = target
    self.sourceLinkLayerAddress = sourceLinkLayerAddress
    self.nonce = nonce
  }

  /// - Parameters:
  ///   - bytes: the ICMPv6 message.
  ///   - header: of the packet it came in.
  public init(
    parsing bytes: Span<UInt8>, in header: IPv6Header, verifyingChecksum: Bool = true
  ) throws(Malformed) {
    try NeighborDiscovery.check(
      bytes, type: 135, size: 24, header: header, verifyingChecksum: verifyingChecksum)
    target = bytes.ipv6Address(at: 8)
    guard !target.isMulticast else { throw .badAddress }
    var options = try NeighborDiscoveryOptions(validating: bytes.slice(from: 24))
    while let option = options.next() {
      switch option {
      case .sourceLinkLayerAddress(let address): sourceLinkLayerAddress = address
      case .nonce(let octets): nonce = octets
      default: break
      }
    }
    // RFC 4861 §7.1.1 MUST: a probe for a duplicate goes to the solicited-node group, and says
    // nothing about a sender that has no address yet.
    if header.source.isUnspecified {
      guard header.destination.isSolicitedNode else { throw .badAddress }
      guard sourceLinkLayerAddress == nil else { throw .badOption }
    }
  }

  /// The bytes that ``write(into:at:source:destination:)`` writes.
  public var size: Int {
    24 &+ (sourceLinkLayerAddress == nil ? 0 : 8) &+ (nonce == nil ? 0 : 8)
  }

  /// Writes ``size`` bytes, with the checksum of everything from `offset` to the end of `bytes`.
  public func write(
    into bytes: inout MutableSpan<UInt8>, at offset: Int = 0, source: IPv6Address,
    destination: IPv6Address
  ) {
    bytes.store(135 &<< 56 as UInt64, at: offset)
    bytes.store(target, at: offset &+ 8)
    var position = offset &+ 24
    if let address = sourceLinkLayerAddress {
      NeighborDiscovery.write(option: 1, address.rawValue, into: &bytes, at: position)
      position &+= 8
    }
    if let nonce { NeighborDiscovery.write(option: 14, nonce, into: &bytes, at: position) }
    ICMPv6Message.fillChecksum(in: &bytes, at: offset, source: source, destination: destination)
  }
}
