import Addresses
import Packets
import Testing

@Suite("IPv4 header")
struct IPv4Tests {
  @Test(
    "a header reads back as it was written, whatever its fields",
    arguments: 0..<200 as Range<UInt64>)
  func roundTrip(seed: UInt64) throws {
    var numbers = Numbers(seed: seed)
    let payload = numbers.bytes(numbers.below(64))
    let options = [UInt8](repeating: 1, count: 4 * numbers.below(11))
    var expected: IPv4Header?
    let packet = Sample.ipv4(.udp, options: options, payload) {
      $0.dscp = UInt8(numbers.below(64))
      $0.ecn = ECNCodepoint(bits: UInt8(numbers.below(4)))
      $0.identification = UInt16(truncatingIfNeeded: numbers.next())
      $0.dontFragment = numbers.below(2) == 0
      $0.moreFragments = numbers.below(2) == 0
      $0.reservedFlag = numbers.below(2) == 0
      $0.fragmentOffset = numbers.below(8192) * 8
      $0.timeToLive = UInt8(numbers.below(256))
      $0.protocol = IPProtocol(rawValue: UInt8(numbers.below(256)))
      expected = $0
    }
    let parsed = try IPv4Header(parsing: packet.span)
    #expect(parsed == expected)
    var again = packet
    var span = again.mutableSpan
    parsed.write(into: &span)
    #expect(again == packet)
    #expect(referenceChecksum(Array(packet[..<parsed.headerLength])) == 0)
  }

  @Test("IP4-1: another version, a header length below five words and every cut are refused")
  func versionAndLength() {
    let packet = Sample.ipv4(.udp, [])
    for length in 0..<20 {
      let cut = Array(packet[..<length])
      #expect(refusal { _ = try IPv4Header(parsing: cut.span) } == .truncated)
    }
    for first in 0...255 where first != 0x45 {
      var wrong = packet
      wrong[0] = UInt8(first)
      let reason = refusal { _ = try IPv4Header(parsing: wrong.span, verifyingChecksum: false) }
      #expect(reason == (first >> 4 == 4 ? .badHeaderLength : .badVersion))
    }
  }

  @Test("IP4-2: a total length that contradicts header or frame is refused, for all of them")
  func everyLength() {
    var wrong = 0
    for words in 0...15 {
      for total in 0...100 {
        for cut in 0...100 {
          var bytes = [UInt8](repeating: 0, count: cut)
          if cut > 0 { bytes[0] = 0x40 | UInt8(words) }
          if cut > 3 { bytes[3] = UInt8(total) }
          if cut > 19 {
            let sum = referenceChecksum(Array(bytes[..<min(cut, max(words * 4, 20))]))
            bytes[10] = UInt8(sum >> 8)
            bytes[11] = UInt8(sum & 255)
          }
          let expected: Malformed? =
            cut < 20
            ? .truncated
            : words < 5 || words * 4 > cut
              ? .badHeaderLength : total < words * 4 || total > cut ? .badLength : nil
          if refusal({ _ = try IPv4Header(parsing: bytes.span) }) != expected { wrong += 1 }
        }
      }
    }
    #expect(wrong == 0)
  }

  @Test("IP4-3: of all option kinds and lengths, those that reach past the header are refused")
  func everyOption() {
    var wrong = 0
    for kind in 0...255 {
      for length in 0...40 {
        var options = [UInt8](repeating: 0, count: 40)
        options[0] = UInt8(kind)
        options[1] = UInt8(length)
        options[2] = 8
        let packet = Sample.ipv4(.udp, options: options, [])
        let isPointer = [7, 68, 131, 137].contains(kind)
        // The 8 that a pointer option needs is, behind a shorter one, a kind without a length.
        let isFine =
          kind == 0 || kind == 1 && length == 0 || kind > 1 && length >= (isPointer ? 7 : 3)
        // Behind a no-operation the length itself stands as a kind, with length 8.
        let isAmbiguous = kind == 1 && length >= 1
        let reason = refusal { _ = try IPv4Header(parsing: packet.span) }
        if !isAmbiguous, reason != (isFine ? nil : .badOption) { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  @Test("IP4-3: a source route is reported, and an option cut by the header's end is refused")
  func sourceRoute() throws {
    for kind: UInt8 in [131, 137] {
      let packet = Sample.ipv4(.udp, options: [1, kind, 7, 4, 10, 0, 0, 1], [])
      #expect(try IPv4Header(parsing: packet.span).hasSourceRoute)
    }
    let plain = Sample.ipv4(.udp, options: [1, 7, 7, 4, 10, 0, 0, 1], [])
    #expect(try IPv4Header(parsing: plain.span).hasSourceRoute == false)
    let cut = Sample.ipv4(.udp, options: [1, 1, 1, 7], [])
    #expect(refusal { _ = try IPv4Header(parsing: cut.span) } == .badOption)
  }

  @Test("IP4-4: pointers outside of their option and a timestamp that overflows are refused")
  func pointers() {
    for (pointer, isFine) in [(0, false), (3, false), (4, true), (8, true), (9, false)] {
      let packet = Sample.ipv4(.udp, options: [7, 7, UInt8(pointer), 0, 0, 0, 0, 0], [])
      #expect((refusal { _ = try IPv4Header(parsing: packet.span) } == nil) == isFine)
    }
    let stamps: [([UInt8], Bool)] = [
      ([68, 8, 5, 0], true), ([68, 8, 4, 0], false), ([68, 8, 9, 0xE0], true),
      ([68, 8, 9, 0xF0], false), ([68, 8, 10, 0], false),
    ]
    for (option, isFine) in stamps {
      let packet = Sample.ipv4(.udp, options: option + [0, 0, 0, 0], [])
      #expect((refusal { _ = try IPv4Header(parsing: packet.span) } == nil) == isFine)
    }
  }

  @Test("IP4-11: every single wrong bit of the header is refused, unless nobody looks")
  func checksum() {
    let packet = Sample.ipv4(.udp, [1, 2, 3, 4])
    for bit in 0..<160 {
      var wrong = packet
      wrong[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(refusal { _ = try IPv4Header(parsing: wrong.span) } != nil)
    }
    var wrong = packet
    wrong[10] ^= 1
    #expect(refusal { _ = try IPv4Header(parsing: wrong.span) } == .badChecksum)
    #expect(
      refusal { _ = try IPv4Header(parsing: wrong.span, verifyingChecksum: false) } == nil)
  }

  @Test("IP4-11: a checksum of zero stands for all ones and the reverse")
  func checksumForms() throws {
    // A header whose other words add up to all ones has the checksum zero.
    var packet = Sample.ipv4(.udp, [])
    let identification = UInt16(packet[10]) << 8 | UInt16(packet[11])
    packet[4] = UInt8(identification >> 8)
    packet[5] = UInt8(identification & 255)
    for form: UInt8 in [0x00, 0xFF] {
      packet[10] = form
      packet[11] = form
      #expect(try IPv4Header(parsing: packet.span).identification == identification)
    }
  }
}
