public import Addresses

/// What an Ethernet frame carries (IEEE 802.3, the IANA "IEEE 802 Numbers").
public struct EtherType: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt16

  @inline(__always)
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static var ipv4: Self { Self(rawValue: 0x0800) }
  public static var arp: Self { Self(rawValue: 0x0806) }
  public static var ipv6: Self { Self(rawValue: 0x86DD) }
  /// A frame with a VLAN tag (IEEE 802.1Q), which this stack does not look behind.
  public static var vlan: Self { Self(rawValue: 0x8100) }

  /// Whether the field is the length of an LLC frame and no type at all: below 1536.
  public var isLength: Bool { rawValue < 0x0600 }
}

/// The header of an Ethernet II frame, 14 bytes.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-------------------------------+-------------------------------+
///   |                      Destination (48 bits)                    |
///   +-------------------------------+-------------------------------+
///   |         ... Destination       |             Source ...        |
///   +-------------------------------+-------------------------------+
///   |                       Source (48 bits)                        |
///   +-------------------------------+-------------------------------+
///   |           EtherType           |            payload            |
///   +-------------------------------+-------------------------------+
/// ```
public struct EthernetHeader: Equatable, Sendable {
  /// Bytes on the wire.
  public static var size: Int { 14 }
  /// The least length of a frame without its checksum; shorter ones are padded with zeros.
  public static var minimumFrameSize: Int { 60 }

  public var destination: EthernetAddress
  public var source: EthernetAddress
  public var etherType: EtherType

  @inline(__always)
  public init(destination: EthernetAddress, source: EthernetAddress, etherType: EtherType) {
    self.destination = destination
    self.source = source
    self.etherType = etherType
  }

  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    destination = bytes.ethernetAddress(at: 0)
    source = bytes.ethernetAddress(at: 6)
    etherType = EtherType(rawValue: bytes.uint16(at: 12))
  }

  /// Writes ``size`` bytes.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    bytes.store(destination, at: offset)
    bytes.store(source, at: offset &+ 6)
    bytes.store(etherType.rawValue, at: offset &+ 12)
  }
}
