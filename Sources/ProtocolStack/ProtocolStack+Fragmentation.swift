import Addresses
import Packets

/// Datagrams too long for their way are cut (RFC 791 §2.3, RFC 8200 §4.5).
extension ProtocolStack {
  /// Cuts a whole IP packet and queues the pieces.
  mutating func fragment(
    _ packet: consuming Packet, mtu: Int, to station: EthernetAddress?, on number: UInt32
  ) {
    let isIPv4 = packet.bytes.uint8(at: 0) &>> 4 == 4
    if isIPv4, packet.bytes.uint16(at: 6) & 0x4000 != 0 {
      // The path has become narrower since this packet was made, and it may not be cut.
      counts.unroutable &+= 1
      pool.recycle(packet)
      return
    }
    packet.completeChecksum()
    let header = isIPv4 ? IPv4Header.size : IPv6Header.size &+ FragmentHeader.size
    let step = (mtu &- header) & ~7
    let payload = packet.count &- (isIPv4 ? IPv4Header.size : IPv6Header.size)
    // RFC 8021: a datagram in one piece has no fragment header (FRAG-12).
    guard step > 0, payload > step else {
      pool.recycle(packet)
      return
    }
    let pieces = (payload &+ step &- 1) / max(step, 8)
    guard hasRoom(pieces: pieces, bytes: packet.count &+ pieces &* header, on: number) else {
      counts.outputQueueDrops &+= 1
      pool.recycle(packet)
      return
    }
    let identification = identifications.next(
      from: isIPv4 ? packet.bytes.ipv4Address(at: 12).mappedKey : packet.bytes.ipv6Address(at: 8),
      to: isIPv4 ? packet.bytes.ipv4Address(at: 16).mappedKey : packet.bytes.ipv6Address(at: 24),
      &secrets)
    counts.datagramsFragmented &+= 1
    var offset = 0
    while offset < payload {
      let length = min(step, payload &- offset)
      var piece = pool.take(capacity: length &+ header &+ Packet.defaultHeadroom)
      let isLast = offset &+ length == payload
      let isMade =
        isIPv4
        ? Self.cut4(packet.bytes, offset, length, isLast, identification, &piece)
        : Self.cut6(packet.bytes, offset, length, isLast, identification, &piece)
      guard isMade else { break }
      counts.fragmentsSent &+= 1
      append(piece, to: station, on: number, isControl: false)
      offset &+= length
    }
    pool.recycle(packet)
  }

  /// Fragments of one datagram leave together or not at all: some of them are of use to nobody.
  private func hasRoom(pieces: Int, bytes: Int, on number: UInt32) -> Bool {
    let queued = interfaces[number].output.count
    guard queued > 0 else { return true }
    return queued &+ pieces <= interfaces[number].output.packetLimit
      && interfaces[number].output.bytes &+ bytes <= interfaces[number].output.byteLimit
  }

  private static func cut4(
    _ whole: Span<UInt8>, _ offset: Int, _ length: Int, _ isLast: Bool,
    _ identification: UInt32, _ piece: inout Packet
  ) -> Bool {
    guard var header = try? IPv4Header(parsing: whole, verifyingChecksum: false) else {
      return false
    }
    header.totalLength = IPv4Header.size &+ length
    header.identification = UInt16(truncatingIfNeeded: identification)
    header.dontFragment = false
    header.moreFragments = !isLast
    header.fragmentOffset = offset
    guard piece.extend(IPv4Header.size),
      piece.append(whole.slice(from: IPv4Header.size &+ offset, length: length))
    else { return false }
    var bytes = piece.mutableBytes
    header.write(into: &bytes)
    return true
  }

  private static func cut6(
    _ whole: Span<UInt8>, _ offset: Int, _ length: Int, _ isLast: Bool,
    _ identification: UInt32, _ piece: inout Packet
  ) -> Bool {
    guard var header = try? IPv6Header(parsing: whole) else { return false }
    let fragment = FragmentHeader(
      nextHeader: header.nextHeader, offset: offset, moreFragments: !isLast,
      identification: identification)
    header.nextHeader = .fragment
    header.payloadLength = FragmentHeader.size &+ length
    guard piece.extend(IPv6Header.size &+ FragmentHeader.size),
      piece.append(whole.slice(from: IPv6Header.size &+ offset, length: length))
    else { return false }
    var bytes = piece.mutableBytes
    header.write(into: &bytes)
    fragment.write(into: &bytes, at: IPv6Header.size)
    return true
  }
}
