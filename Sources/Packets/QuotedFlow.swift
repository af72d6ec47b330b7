public import Addresses

/// Whose packet an ICMP error is about, read from the beginning of the packet that the error
/// quotes. Any cut of any bytes either parses or is refused.
///
/// The addresses are those of the quoted packet: `source` is the host the error was sent to.
public struct QuotedFlow: Equatable, Sendable {
  public var source: IPAddress
  public var destination: IPAddress
  public var `protocol`: IPProtocol
  /// The first eight bytes of the transport header.
  public var transport: UInt64
  /// Bytes of the whole quoted packet, as its header says.
  public var totalLength: Int

  /// Of a TCP or UDP packet.
  public var sourcePort: PortNumber {
    PortNumber(rawValue: UInt16(truncatingIfNeeded: transport &>> 48))
  }
  /// Of a TCP or UDP packet.
  public var destinationPort: PortNumber {
    PortNumber(rawValue: UInt16(truncatingIfNeeded: transport &>> 32))
  }
  /// Of a TCP segment; nothing for other protocols.
  public var sequenceNumber: SequenceNumber? {
    guard `protocol` == .tcp else { return nil }
    return SequenceNumber(rawValue: UInt32(truncatingIfNeeded: transport))
  }
  /// Of an echo request or reply; nothing for other protocols and messages.
  public var echo: (identifier: UInt16, sequence: UInt16)? {
    let type = UInt8(truncatingIfNeeded: transport &>> 56)
    switch (`protocol`, type) {
    case (.icmpv4, 0), (.icmpv4, 8), (.icmpv6, 128), (.icmpv6, 129):
      return (
        UInt16(truncatingIfNeeded: transport &>> 16), UInt16(truncatingIfNeeded: transport)
      )
    default: return nil
    }
  }

  /// Parses what an ICMPv4 error carries behind its ``ICMPv4Message/size`` bytes: the whole IPv4
  /// header and eight bytes more, or nothing is believed.
  public init(parsingIPv4 bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= IPv4Header.size else { throw .truncated }
    let first = bytes.uint8(at: 0)
    guard first &>> 4 == 4 else { throw .badVersion }
    let headerLength = Int(first & 15) &* 4
    guard headerLength >= IPv4Header.size else { throw .badHeaderLength }
    guard bytes.count >= headerLength &+ 8 else { throw .truncated }
    totalLength = Int(bytes.uint16(at: 2))
    guard totalLength >= headerLength &+ 8 else { throw .badLength }
    guard bytes.uint16(at: 6) & 0x1FFF == 0 else { throw .badFragment }
    `protocol` = IPProtocol(rawValue: bytes.uint8(at: 9))
    source = .v4(bytes.ipv4Address(at: 12))
    destination = .v4(bytes.ipv4Address(at: 16))
    transport = bytes.uint64(at: headerLength)
  }

  /// Parses what an ICMPv6 error carries behind its ``ICMPv6Message/size`` bytes: the IPv6 header,
  /// extension headers (at most 8), and eight bytes more, or nothing is believed.
  public init(parsingIPv6 bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= IPv6Header.size else { throw .truncated }
    guard bytes.uint8(at: 0) &>> 4 == 6 else { throw .badVersion }
    var next = IPProtocol(rawValue: bytes.uint8(at: 6))
    var offset = IPv6Header.size
    var headers = 0
    while true {
      switch next {
      case .hopByHopOptions, .routing, .destinationOptions, .fragment:
        guard headers < IPv6ExtensionWalk.maximumHeaders else { throw .tooMany }
        guard bytes.count >= offset &+ 8 else { throw .truncated }
        if next == .fragment, bytes.uint16(at: offset &+ 2) & 0xFFF8 != 0 { throw .badFragment }
        let length = next == .fragment ? 8 : Int(bytes.uint8(at: offset &+ 1)) &* 8 &+ 8
        next = IPProtocol(rawValue: bytes.uint8(at: offset))
        offset &+= length
        headers &+= 1
        continue
      default: break
      }
      break
    }
    guard bytes.count >= offset &+ 8 else { throw .truncated }
    totalLength = IPv6Header.size &+ Int(bytes.uint16(at: 4))
    guard totalLength >= offset &+ 8 else { throw .badLength }
    `protocol` = next
    source = .v6(bytes.ipv6Address(at: 8))
    destination = .v6(bytes.ipv6Address(at: 24))
    transport = bytes.uint64(at: offset)
  }
}
