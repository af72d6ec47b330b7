import Addresses
import Packets

/// A packet as a bystander reads it: written from the RFCs' drawings once more, apart from the
/// parsers of `Packets`, so that the two can disagree.
struct ObservedPacket {
  enum Flaw: String {
    case truncated = "shorter than its headers say"
    case badHeaderChecksum = "wrong IPv4 header checksum"
    case badTransportChecksum = "wrong transport checksum"
    case badOptions = "TCP options that do not add up"
  }

  struct Segment {
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    var sequence: UInt32 = 0
    var acknowledgement: UInt32 = 0
    var flags: UInt8 = 0
    var window: UInt32 = 0
    var payload = 0
    var optionBytes = 0
    var maximumSegmentSize: UInt32?
    var windowShift: UInt8?
    var permitsSACK = false
    var timestamp: UInt32?
    /// Up to four blocks.
    var blocks: [(UInt32, UInt32)] = []

    var isFIN: Bool { flags & 1 != 0 }
    var isSYN: Bool { flags & 2 != 0 }
    var isRST: Bool { flags & 4 != 0 }
    var isACK: Bool { flags & 16 != 0 }
    /// Places in sequence space: payload, SYN and FIN.
    var length: UInt32 {
      UInt32(truncatingIfNeeded: payload) &+ (isSYN ? 1 : 0) &+ (isFIN ? 1 : 0)
    }
  }

  var source: IPAddress
  var destination: IPAddress
  var ipLength: Int
  var segment: Segment?
  var flaw: Flaw?

  /// - Parameter checksumIsPending: a link still has to complete the transport checksum, or vouches
  ///   for it, so it is not judged.
  /// - Returns: nothing where the frame carries no IP.
  init?(frame: Span<UInt8>, linkHeader: Int, checksumIsPending: Bool) {
    let bytes = frame.slice(from: linkHeader)
    if linkHeader == 14 {
      let type = frame.uint16(at: 12)
      guard type == 0x0800 || type == 0x86DD else { return nil }
    }
    switch bytes.uint8(at: 0) >> 4 {
    case 4: self.init(version4: bytes, checksumIsPending: checksumIsPending)
    case 6: self.init(version6: bytes, checksumIsPending: checksumIsPending)
    default: return nil
    }
  }

  private init(version4 bytes: Span<UInt8>, checksumIsPending: Bool) {
    source = .v4(IPv4Address(rawValue: bytes.uint32(at: 12)))
    destination = .v4(IPv4Address(rawValue: bytes.uint32(at: 16)))
    ipLength = Int(bytes.uint16(at: 2))
    let header = Int(bytes.uint8(at: 0) & 15) * 4
    guard header >= 20, ipLength >= header, bytes.count >= ipLength else {
      flaw = .truncated
      return
    }
    guard wordSum(bytes.slice(from: 0, length: header)) == 0xFFFF else {
      flaw = .badHeaderChecksum
      return
    }
    guard bytes.uint16(at: 6) & 0x3FFF == 0 else { return }
    let transport = bytes.slice(from: header, length: ipLength - header)
    read(
      transport, protocol: bytes.uint8(at: 9), addresses: bytes.slice(from: 12, length: 8),
      checksumIsPending: checksumIsPending)
  }

  private init(version6 bytes: Span<UInt8>, checksumIsPending: Bool) {
    source = .v6(IPv6Address(high: bytes.uint64(at: 8), low: bytes.uint64(at: 16)))
    destination = .v6(IPv6Address(high: bytes.uint64(at: 24), low: bytes.uint64(at: 32)))
    ipLength = 40 + Int(bytes.uint16(at: 4))
    guard bytes.count >= ipLength else {
      flaw = .truncated
      return
    }
    let transport = bytes.slice(from: 40, length: ipLength - 40)
    read(
      transport, protocol: bytes.uint8(at: 6), addresses: bytes.slice(from: 8, length: 32),
      checksumIsPending: checksumIsPending)
  }

  private mutating func read(
    _ transport: Span<UInt8>, protocol: UInt8, addresses: Span<UInt8>, checksumIsPending: Bool
  ) {
    let pseudoHeader = wordSum(addresses) + UInt64(`protocol`) + UInt64(transport.count)
    let isWhole =
      switch `protocol` {
      case 6: folded(pseudoHeader + wordSum(transport)) == 0xFFFF
      case 17:
        folded(pseudoHeader + wordSum(transport)) == 0xFFFF
          || transport.uint16(at: 6) == 0 && addresses.count == 8
      case 1: folded(wordSum(transport)) == 0xFFFF
      case 58: folded(pseudoHeader + wordSum(transport)) == 0xFFFF
      default: true
      }
    if !isWhole, !checksumIsPending { flaw = .badTransportChecksum }
    if `protocol` == 6 { readSegment(transport) }
  }

  private mutating func readSegment(_ bytes: Span<UInt8>) {
    let header = Int(bytes.uint8(at: 12) >> 4) * 4
    guard header >= 20, bytes.count >= header else {
      flaw = flaw ?? .truncated
      return
    }
    var segment = Segment()
    segment.sourcePort = bytes.uint16(at: 0)
    segment.destinationPort = bytes.uint16(at: 2)
    segment.sequence = bytes.uint32(at: 4)
    segment.acknowledgement = bytes.uint32(at: 8)
    segment.flags = bytes.uint8(at: 13)
    segment.window = UInt32(bytes.uint16(at: 14))
    segment.payload = bytes.count - header
    segment.optionBytes = header - 20
    var offset = 20
    while offset < header {
      let kind = bytes.uint8(at: offset)
      if kind == 0 { break }
      if kind == 1 {
        offset += 1
        continue
      }
      let length = Int(bytes.uint8(at: offset + 1))
      guard length >= 2, offset + length <= header else {
        flaw = flaw ?? .badOptions
        break
      }
      segment.note(kind, length, bytes, offset)
      offset += length
    }
    self.segment = segment
  }
}

extension ObservedPacket.Segment {
  fileprivate mutating func note(_ kind: UInt8, _ length: Int, _ bytes: Span<UInt8>, _ offset: Int)
  {
    switch (kind, length) {
    case (2, 4): maximumSegmentSize = UInt32(bytes.uint16(at: offset + 2))
    case (3, 3): windowShift = min(14, bytes.uint8(at: offset + 2))
    case (4, 2): permitsSACK = true
    case (5, _):
      var block = offset + 2
      while block + 8 <= offset + length {
        blocks.append((bytes.uint32(at: block), bytes.uint32(at: block + 4)))
        block += 8
      }
    case (8, 10): timestamp = bytes.uint32(at: offset + 2)
    default: break
    }
  }
}

/// The sum of the bytes as 16-bit words in network order, folded to 16 bits: word by word, the way
/// RFC 1071 explains it.
private func wordSum(_ bytes: Span<UInt8>) -> UInt64 {
  var sum: UInt64 = 0
  var offset = 0
  while offset + 1 < bytes.count {
    sum += UInt64(bytes.uint16(at: offset))
    offset += 2
  }
  if offset < bytes.count { sum += UInt64(bytes.uint8(at: offset)) << 8 }
  return folded(sum)
}

private func folded(_ sum: UInt64) -> UInt64 {
  var sum = sum
  while sum > 0xFFFF { sum = (sum & 0xFFFF) + (sum >> 16) }
  return sum
}
