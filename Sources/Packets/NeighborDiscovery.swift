/// What all messages of neighbor discovery (RFC 4861) have in common.
///
/// ``MessageType`` tells them apart; each has a type of its own, whose parser decides everything
/// that the message and the IPv6 header around it decide by themselves.
public enum NeighborDiscovery {
  public enum MessageType: UInt8, Sendable {
    case routerSolicitation = 133
    case routerAdvertisement = 134
    case neighborSolicitation = 135
    case neighborAdvertisement = 136
    case redirect = 137
  }

  /// The message type in the first of `bytes`; nothing for every other ICMPv6 message.
  public static func messageType(of bytes: Span<UInt8>) -> MessageType? {
    switch bytes.uint8(at: 0) {
    case 133: .routerSolicitation
    case 134: .routerAdvertisement
    case 135: .neighborSolicitation
    case 136: .neighborAdvertisement
    case 137: .redirect
    default: nil
    }
  }

  /// The hop limit that only a neighbour's packet can arrive with.
  public static var hopLimit: UInt8 { 255 }

  static func check(
    _ bytes: Span<UInt8>, type: UInt8, size: Int, header: IPv6Header, verifyingChecksum: Bool
  ) throws(Malformed) {
    guard bytes.count >= size else { throw .truncated }
    guard bytes.uint16(at: 0) == UInt16(type) &<< 8 else { throw .badType }
    // RFC 4861 §6.1, §7.1, §8.1 MUST: anything that came through a router is discarded.
    guard header.hopLimit == hopLimit else { throw .badHopLimit }
    if verifyingChecksum {
      guard
        ICMPv6Message.hasValidChecksum(
          bytes, source: header.source, destination: header.destination)
      else { throw .badChecksum }
    }
  }

  /// Writes an option of six octets (a link-layer address, a nonce), 8 bytes.
  static func write(
    option kind: UInt8, _ octets: UInt64, into bytes: inout MutableSpan<UInt8>, at offset: Int
  ) {
    bytes.store(UInt64(kind) &<< 56 | 1 &<< 48 | octets & 0xFFFF_FFFF_FFFF, at: offset)
  }
}
