import Addresses
import Packets
import Testing

/// What `write` stores into `size` bytes that all were 0xAA before.
func written(_ size: Int, _ write: (inout MutableSpan<UInt8>) -> Void) -> [UInt8] {
  var bytes = [UInt8](repeating: 0xAA, count: size)
  var span = bytes.mutableSpan
  write(&span)
  return bytes
}

/// The reason for which `parse` refuses, or nothing where it does not.
func refusal(_ parse: () throws -> Void) -> Malformed? {
  do {
    try parse()
    return nil
  } catch let reason as Malformed {
    return reason
  } catch {
    Issue.record(error)
    return nil
  }
}

/// A small generator (SplitMix64): the same numbers from the same seed everywhere.
struct Numbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

  mutating func bytes(_ count: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(count)
    for _ in 0..<count { result.append(UInt8(truncatingIfNeeded: next())) }
    return result
  }
}

/// The checksum as RFC 1071 defines it, byte by byte: what the fast one must equal.
func referenceChecksum(_ bytes: [UInt8]) -> UInt16 {
  var sum: UInt64 = 0
  for (index, byte) in bytes.enumerated() {
    sum += index % 2 == 0 ? UInt64(byte) * 256 : UInt64(byte)
  }
  while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
  return ~UInt16(sum)
}

enum Sample {
  static let client4 = IPv4Address(10, 7, 0, 1)
  static let server4 = IPv4Address(10, 7, 0, 2)
  static let client6 = IPv6Address(high: 0x2001_0DB8_0000_0000, low: 1)
  static let server6 = IPv6Address(high: 0x2001_0DB8_0000_0000, low: 2)
  static let router6 = IPv6Address(high: 0xFE80 << 48, low: 1)
  static let allNodes = IPv6Address(high: 0xFF02 << 48, low: 1)
  static let clientStation = EthernetAddress(rawValue: 0x0200_0000_0001)
  static let serverStation = EthernetAddress(rawValue: 0x0200_0000_0002)

  /// An IPv4 packet with options (in whole words) and payload.
  static func ipv4(
    _ kind: IPProtocol, options: [UInt8] = [], _ payload: [UInt8],
    _ change: (inout IPv4Header) -> Void = { _ in }
  ) -> [UInt8] {
    var header = IPv4Header(
      source: client4, destination: server4, protocol: kind,
      payloadLength: options.count + payload.count)
    header.headerLength = 20 + options.count
    change(&header)
    var bytes = [UInt8](repeating: 0, count: 20) + options + payload
    var span = bytes.mutableSpan
    header.write(into: &span)
    return bytes
  }

  /// An IPv6 packet.
  static func ipv6(
    _ next: IPProtocol, _ payload: [UInt8], source: IPv6Address = client6,
    destination: IPv6Address = server6, hopLimit: UInt8 = 64
  ) -> [UInt8] {
    let header = IPv6Header(
      source: source, destination: destination, nextHeader: next, payloadLength: payload.count,
      hopLimit: hopLimit)
    return written(40) { header.write(into: &$0) } + payload
  }

  /// A TCP segment with a right checksum between the IPv4 samples.
  static func tcp(
    flags: TCPFlags = [.ack], options: TCPOptions = TCPOptions(), _ payload: [UInt8] = []
  ) -> [UInt8] {
    let header = TCPHeader(
      sourcePort: 43_210, destinationPort: 80, sequenceNumber: SequenceNumber(rawValue: 123),
      acknowledgmentNumber: SequenceNumber(rawValue: 456), dataOffset: 20 + options.size,
      flags: flags, window: 64_240)
    var bytes =
      written(20 + options.size) {
        header.write(into: &$0)
        options.write(into: &$0, at: 20)
      } + payload
    var sum = InternetChecksum.pseudoHeader(
      source: client4, destination: server4, protocol: .tcp, length: bytes.count)
    sum.add(bytes.span)
    let value = sum.value
    var span = bytes.mutableSpan
    span.store(value, at: 16)
    return bytes
  }

  /// A UDP datagram with a right checksum between the samples of either version.
  static func udp(_ payload: [UInt8], source: IPAddress, destination: IPAddress) -> [UInt8] {
    let header = UDPHeader(
      sourcePort: 53, destinationPort: 4_000, payloadLength: payload.count)
    var bytes = written(8) { header.write(into: &$0) } + payload
    var sum = InternetChecksum.pseudoHeader(
      source: source, destination: destination, protocol: .udp, length: bytes.count)
    sum.add(bytes.span)
    let value = sum.valueForUDP
    var span = bytes.mutableSpan
    span.store(value, at: 6)
    return bytes
  }

  /// A packet with the given bytes in it.
  static func packet(_ bytes: [UInt8], headroom: Int = 128) -> Packet {
    var packet = Packet(capacity: bytes.count + headroom, headroom: headroom)
    _ = packet.append(bytes.span)
    return packet
  }
}

extension Packet {
  /// A copy of the bytes.
  var array: [UInt8] {
    var result: [UInt8] = []
    for index in 0..<count { result.append(bytes.uint8(at: index)) }
    return result
  }
}
