public import Addresses

/// A UDP header (RFC 768), 8 bytes.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-------------------------------+-------------------------------+
///   |          Source Port          |        Destination Port       |
///   +-------------------------------+-------------------------------+
///   |             Length            |            Checksum           |
///   +-------------------------------+-------------------------------+
/// ```
public struct UDPHeader: Equatable, Sendable {
  /// Bytes on the wire.
  public static var size: Int { 8 }

  public var sourcePort: PortNumber
  public var destinationPort: PortNumber
  /// Bytes of header and payload. What lies behind them in the IP payload is not the datagram's
  /// (RFC 9868 puts options there, which this stack does not read).
  public var length: Int
  /// As on the wire: zero says that the sender computed none.
  public var checksum: UInt16

  /// Bytes of payload.
  public var payloadLength: Int { length &- Self.size }

  @inline(__always)
  public init(
    sourcePort: PortNumber, destinationPort: PortNumber, payloadLength: Int, checksum: UInt16 = 0
  ) {
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    length = Self.size &+ payloadLength
    self.checksum = checksum
  }

  /// - Parameter bytes: the whole payload of the IP packet.
  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    sourcePort = PortNumber(rawValue: bytes.uint16(at: 0))
    destinationPort = PortNumber(rawValue: bytes.uint16(at: 2))
    length = Int(bytes.uint16(at: 4))
    guard length >= Self.size, length <= bytes.count else { throw .badLength }
    checksum = bytes.uint16(at: 6)
  }

  /// Writes ``size`` bytes.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    bytes.store(sourcePort.rawValue, at: offset)
    bytes.store(destinationPort.rawValue, at: offset &+ 2)
    bytes.store(UInt16(truncatingIfNeeded: length), at: offset &+ 4)
    bytes.store(checksum, at: offset &+ 6)
  }

  /// Whether the datagram's checksum is right or rightly absent. Linear in ``length``.
  ///
  /// - Parameter bytes: what the header was parsed from.
  public func hasValidChecksum(
    in bytes: Span<UInt8>, source: IPAddress, destination: IPAddress
  ) -> Bool {
    // RFC 768: zero on IPv4 is no checksum. RFC 8200 §8.1 MUST: on IPv6 there is always one.
    if checksum == 0 { return source.isIPv4 }
    var sum = InternetChecksum.pseudoHeader(
      source: source, destination: destination, protocol: .udp, length: length)
    sum.add(bytes.slice(from: 0, length: length))
    return sum.value == 0
  }
}
