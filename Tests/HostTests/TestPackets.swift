import Addresses
import Host
import Packets

/// Whole IPv4 packets, built and read byte by byte, so that these tests lean on no parser.
enum TestPackets {
  /// An IPv4 header (RFC 791 §3.1) for `payloadCount` bytes.
  static func ipv4(
    _ transport: UInt8, from source: IPv4Address, to destination: IPv4Address, payloadCount: Int
  ) -> [UInt8] {
    var header: [UInt8] =
      [0x45, 0] + two(20 + payloadCount) + [0, 0, 0x40, 0, 64, transport, 0, 0]
    header += four(source.rawValue) + four(destination.rawValue)
    var checksum = InternetChecksum()
    checksum.add(header.span)
    header.replaceSubrange(10..<12, with: two(Int(checksum.value)))
    return header
  }

  /// The sum over the pseudo-header (RFC 9293 §3.1, RFC 768), folded.
  static func pseudoHeader(
    _ transport: UInt8, from source: IPv4Address, to destination: IPv4Address, count: Int
  ) -> UInt16 {
    var checksum = InternetChecksum()
    checksum.add(source)
    checksum.add(destination)
    checksum.add(UInt16(transport))
    checksum.add(UInt16(count))
    return checksum.partial
  }

  /// A UDP datagram; without `checksum` the field holds only the pseudo-header's sum.
  static func udp(
    from source: (IPv4Address, UInt16), to destination: (IPv4Address, UInt16),
    _ payload: [UInt8], checksum isWanted: Bool = true
  ) -> [UInt8] {
    let partial = pseudoHeader(17, from: source.0, to: destination.0, count: 8 + payload.count)
    var bytes = two(Int(source.1)) + two(Int(destination.1)) + two(8 + payload.count)
    bytes += two(Int(partial)) + payload
    if isWanted {
      // The field already holds the pseudo-header's part of the sum.
      var checksum = InternetChecksum()
      checksum.add(bytes.span)
      bytes.replaceSubrange(6..<8, with: two(Int(checksum.value)))
    }
    return ipv4(17, from: source.0, to: destination.0, payloadCount: bytes.count) + bytes
  }

  /// A TCP segment whose checksum field holds only the pseudo-header's sum.
  static func tcp(
    from source: (IPv4Address, UInt16), to destination: (IPv4Address, UInt16),
    sequence: UInt32, acknowledgement: UInt32, flags: UInt8, options: [UInt8] = [],
    _ payload: [UInt8] = []
  ) -> [UInt8] {
    let count = 20 + options.count + payload.count
    var bytes = two(Int(source.1)) + two(Int(destination.1)) + four(sequence)
    bytes += four(acknowledgement) + [UInt8((20 + options.count) / 4) << 4, flags] + two(65_535)
    bytes += two(Int(pseudoHeader(6, from: source.0, to: destination.0, count: count))) + [0, 0]
    bytes += options + payload
    return ipv4(6, from: source.0, to: destination.0, payloadCount: count) + bytes
  }

  static func two(_ value: Int) -> [UInt8] {
    [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
  }

  static func four(_ value: UInt32) -> [UInt8] {
    two(Int(value >> 16)) + two(Int(value & 0xFFFF))
  }
}

extension Packet {
  /// A packet with these bytes and the usual headroom.
  init(_ bytes: [UInt8]) {
    self.init(capacity: Packet.defaultHeadroom + bytes.count)
    _ = append(bytes.span)
  }

  var array: [UInt8] {
    var copy: [UInt8] = []
    for index in 0..<count { copy.append(bytes[index]) }
    return copy
  }
}

struct NothingCame: Error {}

extension TunnelLink {
  /// Waits for at most five seconds for a packet that `isWanted`, past Linux's own chatter.
  ///
  /// - Throws: ``NothingCame`` after that time.
  mutating func receive(
    within capacity: Int? = nil, where isWanted: (borrowing Packet) -> Bool
  ) throws -> Packet {
    var poller = try EpollPoller()
    try poller.add(descriptor, interest: .readable, token: 0)
    let deadline = HostClock.now() + .seconds(5)
    var packet = Packet(capacity: capacity ?? packetCapacity)
    while true {
      while try receive(into: &packet) {
        if isWanted(packet) { return packet }
      }
      let left = deadline.since(HostClock.now())
      guard left > .zero, try poller.wait(atMost: left) > 0 else { throw NothingCame() }
    }
  }
}

/// Whether an IPv4 packet carries this transport protocol.
func carries(_ transport: UInt8) -> (borrowing Packet) -> Bool {
  { packet in packet.bytes.uint8(at: 0) == 0x45 && packet.bytes.uint8(at: 9) == transport }
}
