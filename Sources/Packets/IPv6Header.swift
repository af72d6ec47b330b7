public import Addresses

/// An IPv6 header (RFC 8200 §3), 40 bytes.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-------+---------------+---------------------------------------+
///   |Version| Traffic Class |              Flow Label               |
///   +-------+-------+-------+-------+---------------+---------------+
///   |         Payload Length        |  Next Header  |   Hop Limit   |
///   +-------------------------------+---------------+---------------+
///   |                                                               |
///   +                    Source Address (128 bits)                  +
///   |                                                               |
///   +---------------------------------------------------------------+
///   |                                                               |
///   +                 Destination Address (128 bits)                +
///   |                                                               |
///   +---------------------------------------------------------------+
/// ```
public struct IPv6Header: Equatable, Sendable {
  /// Bytes on the wire.
  public static var size: Int { 40 }

  /// Differentiated services codepoint, 6 bits (RFC 2474).
  public var dscp: UInt8
  public var ecn: ECNCodepoint
  /// 20 bits (RFC 6437).
  public var flowLabel: UInt32
  /// Bytes behind this header, extension headers included.
  public var payloadLength: Int
  public var nextHeader: IPProtocol
  public var hopLimit: UInt8
  public var source: IPv6Address
  public var destination: IPv6Address

  /// Bytes of header and payload.
  public var totalLength: Int { Self.size &+ payloadLength }

  @inline(__always)
  public init(
    source: IPv6Address, destination: IPv6Address, nextHeader: IPProtocol, payloadLength: Int,
    hopLimit: UInt8 = 64, flowLabel: UInt32 = 0, dscp: UInt8 = 0,
    ecn: ECNCodepoint = .notCapable
  ) {
    self.dscp = dscp
    self.ecn = ecn
    self.flowLabel = flowLabel
    self.payloadLength = payloadLength
    self.nextHeader = nextHeader
    self.hopLimit = hopLimit
    self.source = source
    self.destination = destination
  }

  /// Parses a packet's header; bytes behind the payload are padding of the link.
  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    let first = bytes.uint32(at: 0)
    guard first &>> 28 == 6 else { throw .badVersion }
    payloadLength = Int(bytes.uint16(at: 4))
    guard payloadLength <= bytes.count &- Self.size else { throw .badLength }
    dscp = UInt8(truncatingIfNeeded: first &>> 22) & 0x3F
    ecn = ECNCodepoint(bits: UInt8(truncatingIfNeeded: first &>> 20))
    flowLabel = first & 0xF_FFFF
    nextHeader = IPProtocol(rawValue: bytes.uint8(at: 6))
    hopLimit = bytes.uint8(at: 7)
    source = bytes.ipv6Address(at: 8)
    destination = bytes.ipv6Address(at: 24)
  }

  /// Writes ``size`` bytes.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    let trafficClass = UInt32(dscp & 0x3F) &<< 2 | UInt32(ecn.rawValue)
    bytes.store(0x6000_0000 | trafficClass &<< 20 | flowLabel & 0xF_FFFF, at: offset)
    bytes.store(UInt16(truncatingIfNeeded: payloadLength), at: offset &+ 4)
    bytes.store(nextHeader.rawValue, at: offset &+ 6)
    bytes.store(hopLimit, at: offset &+ 7)
    bytes.store(source, at: offset &+ 8)
    bytes.store(destination, at: offset &+ 24)
  }
}
