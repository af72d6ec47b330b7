import Addresses
import Packets
import Testing

@Suite("TCP header and options")
struct TCPTests {
  @Test(
    "a header reads back as it was written, whatever its fields",
    arguments: 0..<200 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var numbers = Numbers(seed: seed)
    let words = 5 + numbers.below(11)
    let header = TCPHeader(
      sourcePort: PortNumber(rawValue: UInt16(truncatingIfNeeded: numbers.next())),
      destinationPort: PortNumber(rawValue: UInt16(truncatingIfNeeded: numbers.next())),
      sequenceNumber: SequenceNumber(rawValue: UInt32(truncatingIfNeeded: numbers.next())),
      acknowledgmentNumber: SequenceNumber(rawValue: UInt32(truncatingIfNeeded: numbers.next())),
      dataOffset: words * 4, flags: TCPFlags(rawValue: UInt16(numbers.below(512))),
      window: UInt16(truncatingIfNeeded: numbers.next()),
      checksum: UInt16(truncatingIfNeeded: numbers.next()),
      urgentPointer: UInt16(truncatingIfNeeded: numbers.next()))
    let bytes = written(60) { header.write(into: &$0) }
    #expect(try TCPHeader(parsing: bytes.span) == header)
  }

  @Test("TCP-1: data offsets below five words or beyond the segment are refused, and every cut")
  func dataOffsets() {
    for count in 0..<70 {
      for words in 0..<16 {
        var bytes = [UInt8](repeating: 0, count: count)
        if count > 12 { bytes[12] = UInt8(words << 4) }
        let expected: Malformed? =
          count < 20 ? .truncated : words < 5 || words * 4 > count ? .badHeaderLength : nil
        #expect(refusal { _ = try TCPHeader(parsing: bytes.span) } == expected)
      }
    }
  }

  /// A plain second opinion on where the walk goes, to hold the real one against.
  private func walksToEnd(_ bytes: [UInt8]) -> Bool {
    var offset = 0
    while offset < bytes.count, bytes[offset] != 0 {
      if bytes[offset] == 1 {
        offset += 1
      } else {
        guard offset + 1 < bytes.count, bytes[offset + 1] >= 2 else { return false }
        offset += Int(bytes[offset + 1])
      }
    }
    return offset <= bytes.count
  }

  @Test("TCP-2: every kind and length at every offset of 40 bytes, with and without SYN")
  func everyOption() {
    // RFC 9293 §3.1 MUST-6, MUST-7 (test)
    var wrong = 0
    for offset in 0..<40 {
      var bytes = [UInt8](repeating: 1, count: 40)
      for kind in 0...255 {
        bytes[offset] = UInt8(kind)
        for length in offset < 39 ? 0...255 : 0...0 {
          if offset < 39 { bytes[offset + 1] = UInt8(length) }
          let options = TCPOptions(parsing: bytes.span, flags: offset % 2 == 0 ? [.syn] : [.ack])
          // Behind a no-operation the length is the kind of another option, of length one.
          if options.isMalformed == walksToEnd(bytes) { wrong += 1 }
          if options.size > 40 || options.size % 4 != 0 { wrong += 1 }
        }
      }
    }
    #expect(wrong == 0)
  }

  @Test("options of every combination read back as they were written, never above 40 bytes")
  func optionRoundTrips() {
    for bits in 0..<16 {
      for blocks in 0...4 {
        var options = TCPOptions()
        let isSYN = bits & 7 != 0
        if bits & 1 != 0 { options.maximumSegmentSize = 1_460 }
        if bits & 2 != 0 { options.windowScale = 7 }
        if bits & 4 != 0 { options.sackPermitted = true }
        if bits & 8 != 0 { options.timestamp = .init(value: .max, echo: 9) }
        for index in 0..<(isSYN ? 0 : blocks) {
          options.sackBlocks.append(
            SACKBlock(
              left: SequenceNumber(rawValue: UInt32(index * 100)),
              right: SequenceNumber(rawValue: UInt32(index * 100 + 50))))
        }
        #expect(options.size <= 40 && options.size % 4 == 0)
        let bytes = written(40) { options.write(into: &$0) }
        #expect(bytes[options.size...].allSatisfy { $0 == 0xAA })
        let parsed = TCPOptions(
          parsing: bytes.span.slice(from: 0, length: options.size),
          flags: isSYN ? [.syn] : [.ack])
        if options.writtenSACKBlocks == options.sackBlocks.count {
          #expect(parsed == options)
        } else {
          #expect(parsed.sackBlocks.count == options.writtenSACKBlocks)
        }
      }
    }
  }

  @Test("as many SACK blocks are written as fit beside the rest")
  func sackBudget() {
    var options = TCPOptions()
    for index: UInt32 in 0..<5 {
      let block = SACKBlock(
        left: SequenceNumber(rawValue: index), right: SequenceNumber(rawValue: index + 1))
      #expect(options.sackBlocks.append(block) == (index < 4))
    }
    #expect(options.writtenSACKBlocks == 4 && options.size == 36)
    options.timestamp = .init(value: 1, echo: 2)
    #expect(options.writtenSACKBlocks == 3 && options.size == 40)
    options.maximumSegmentSize = 1_460
    #expect(options.writtenSACKBlocks == 2 && options.size == 36)
    options.windowScale = 1
    #expect(options.writtenSACKBlocks == 2 && options.size == 40)
  }

  @Test("the short way for a segment with just a timestamp answers like the long one")
  func fastPath() {
    let plain: [UInt8] = [1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6]
    let fast = TCPOptions(parsing: plain.span, flags: [.ack])
    #expect(fast.timestamp == .init(value: 5, echo: 6))
    let longer = [1] + plain + [1, 1, 1]
    #expect(TCPOptions(parsing: longer.span, flags: [.ack]) == fast)
  }

  @Test("TCP-4: an announced segment size of any value leads to no smaller one than 64")
  func segmentSizes() {
    for size in [0, 1, 47, 63, 64, 65, 536, 65_535] {
      let bytes: [UInt8] = [2, 4, UInt8(size >> 8), UInt8(size & 255)]
      let options = TCPOptions(parsing: bytes.span, flags: [.syn])
      #expect(options.maximumSegmentSize == UInt16(size))
      #expect(options.segmentSizeLimit(default: 536) == UInt16(max(size, 64)))
    }
    #expect(TCPOptions().segmentSizeLimit(default: 536) == 536)
    #expect(TCPOptions().segmentSizeLimit(default: 0) == 64)
  }

  @Test("TCP-6: a window scale above 14 counts as 14, and without SYN it counts for nothing")
  func windowScale() {
    // RFC 7323 §2.3 MUST (test)
    for shift in 0...255 {
      let bytes: [UInt8] = [1, 3, 3, UInt8(shift)]
      let options = TCPOptions(parsing: bytes.span, flags: [.syn, .ack])
      #expect(options.windowScale == UInt8(min(shift, 14)))
      #expect(TCPOptions(parsing: bytes.span, flags: [.ack]).windowScale == nil)
    }
    let twice: [UInt8] = [3, 3, 9, 3, 3, 2, 0, 0]
    #expect(TCPOptions(parsing: twice.span, flags: [.syn]).windowScale == 2)
  }

  @Test("options that belong to a SYN count for nothing elsewhere")
  func onlyOnSYN() {
    let bytes: [UInt8] = [2, 4, 5, 0xB4, 4, 2, 1, 1]
    let options = TCPOptions(parsing: bytes.span, flags: [.ack])
    #expect(options == TCPOptions())
  }

  @Test(
    "TCP-26: blocks that end before they begin, odd lengths and blocks on SYN or RST are ignored")
  func sackJunk() {
    func blocks(_ bytes: [UInt8], _ flags: TCPFlags = [.ack]) -> Int {
      TCPOptions(parsing: bytes.span, flags: flags).sackBlocks.count
    }
    let good: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 9]
    let backward: [UInt8] = [0, 0, 0, 9, 0, 0, 0, 1]
    let empty: [UInt8] = [0, 0, 0, 9, 0, 0, 0, 9]
    #expect(blocks([5, 10] + good) == 1)
    #expect(blocks([5, 10] + backward) == 0)
    #expect(blocks([5, 10] + empty) == 0)
    #expect(blocks([5, 26] + good + backward + good) == 2)
    #expect(blocks([5, 34] + good + good + good + good) == 4)
    #expect(blocks([5, 42] + good + good + good + good + good) == 0)
    for length: UInt8 in 2...33 where length % 8 != 2 {
      let option = [5, length] + [UInt8](repeating: 1, count: Int(length) - 2)
      #expect(blocks(option) == 0)
    }
    #expect(blocks([5, 2]) == 0)
    #expect(blocks([5, 10] + good, [.syn]) == 0)
    #expect(blocks([5, 10] + good, [.rst, .ack]) == 0)
  }

  @Test("a Fast Open cookie and unknown kinds are passed over")
  func tolerated() {
    let bytes: [UInt8] = [34, 6, 1, 2, 3, 4, 253, 4, 0, 0, 2, 4, 1, 0]
    let options = TCPOptions(parsing: bytes.span, flags: [.syn])
    #expect(options.hasFastOpenCookie)
    #expect(options.maximumSegmentSize == 256)
    #expect(!options.isMalformed)
  }
}
