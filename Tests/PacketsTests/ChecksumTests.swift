import Addresses
import Packets
import Testing

@Suite("Internet checksum")
struct ChecksumTests {
  func checksum(_ bytes: [UInt8]) -> UInt16 {
    var sum = InternetChecksum()
    sum.add(bytes.span)
    return sum.value
  }

  @Test("equals the bytewise sum at every length up to 300 and at every alignment")
  func everyLength() {
    var numbers = Numbers(seed: 1)
    let bytes = numbers.bytes(310)
    var wrong = 0
    for start in 0..<8 {
      for length in 0...300 {
        var sum = InternetChecksum()
        sum.add(bytes.span.slice(from: start, length: length))
        if sum.value != referenceChecksum(Array(bytes[start..<start + length])) { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }

  @Test("equals the bytewise sum of long random data", arguments: 0..<40 as Range<UInt64>)
  func randomData(seed: UInt64) {
    var numbers = Numbers(seed: seed)
    let bytes = numbers.bytes(numbers.below(70_000))
    #expect(checksum(bytes) == referenceChecksum(bytes))
  }

  @Test("equals the bytewise sum of extreme data, where carries pile up")
  func extremeData() {
    for length in [1, 2, 3, 63, 64, 65, 1_460, 65_535, 65_536, 200_001] {
      for value: UInt8 in [0, 1, 0x80, 0xFF] {
        let bytes = [UInt8](repeating: value, count: length)
        #expect(checksum(bytes) == referenceChecksum(bytes))
      }
    }
  }

  @Test(
    "parts of any length, even or odd, add up to the whole", arguments: 0..<100 as Range<UInt64>)
  func parts(seed: UInt64) {
    var numbers = Numbers(seed: seed)
    let bytes = numbers.bytes(numbers.below(3_000))
    var sum = InternetChecksum()
    var offset = 0
    while offset < bytes.count {
      let length = 1 + numbers.below(200)
      sum.add(bytes.span.slice(from: offset, length: length))
      offset += length
    }
    #expect(sum.value == referenceChecksum(bytes))
  }

  @Test("words and addresses count like their bytes, behind odd lengths too")
  func words() {
    for lead in 0..<5 {
      var bytes = [UInt8](repeating: 0x9C, count: lead)
      var sum = InternetChecksum()
      sum.add(bytes.span)
      sum.add(0x1234 as UInt16)
      sum.add(0xFFEE_DDCC as UInt32)
      sum.add(Sample.server4)
      sum.add(Sample.server6)
      bytes += [0x12, 0x34, 0xFF, 0xEE, 0xDD, 0xCC, 10, 7, 0, 2]
      bytes += [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [2]
      #expect(sum.value == referenceChecksum(bytes))
    }
  }

  @Test("goes on from a folded sum, and compares by what it folds to")
  func partial() {
    var numbers = Numbers(seed: 5)
    let bytes = numbers.bytes(64)
    var whole = InternetChecksum()
    whole.add(bytes.span)
    var first = InternetChecksum()
    first.add(bytes.span.slice(from: 0, length: 40))
    var rest = InternetChecksum(partial: first.partial)
    rest.add(bytes.span.slice(from: 40))
    #expect(rest == whole)
    #expect(rest.partial == ~rest.value)
  }

  @Test("the update of one word equals the sum from scratch", arguments: 0..<100 as Range<UInt64>)
  func update(seed: UInt64) {
    // RFC 1624 §3 (test)
    var numbers = Numbers(seed: seed)
    var bytes = numbers.bytes(20)
    let before = checksum(bytes)
    let place = numbers.below(9) * 2
    let old = bytes.span.uint16(at: place)
    let new = UInt16(truncatingIfNeeded: numbers.next())
    var span = bytes.mutableSpan
    span.store(new, at: place)
    #expect(InternetChecksum.updated(before, replacing: old, with: new) == checksum(bytes))
    let oldWord = bytes.span.uint32(at: place)
    let newWord = UInt32(truncatingIfNeeded: numbers.next())
    let middle = checksum(bytes)
    var again = bytes.mutableSpan
    again.store(newWord, at: place)
    #expect(
      InternetChecksum.updated(middle, replacing: oldWord, with: newWord) == checksum(bytes))
  }

  @Test("the update passes zero as RFC 1624 §4 has it")
  func updateThroughZero() {
    #expect(
      InternetChecksum.updated(0xDD2F, replacing: 0x5555 as UInt16, with: 0x3285) == 0x0000)
  }

  @Test("a pseudo-header of either version equals its bytes")
  func pseudoHeaders() {
    let four = InternetChecksum.pseudoHeader(
      source: Sample.client4, destination: Sample.server4, protocol: .tcp, length: 40)
    #expect(four.value == referenceChecksum([10, 7, 0, 1, 10, 7, 0, 2, 0, 6, 0, 40]))
    let same = InternetChecksum.pseudoHeader(
      source: IPAddress.v4(Sample.client4), destination: IPAddress.v4(Sample.server4),
      protocol: .tcp, length: 40)
    #expect(same == four)
    let prefix: [UInt8] = [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11)
    let bytes = prefix + [1] + prefix + [2] + [0, 1, 0, 2, 0, 0, 0, 58]
    let six = InternetChecksum.pseudoHeader(
      source: Sample.client6, destination: Sample.server6, protocol: .icmpv6, length: 65_538)
    #expect(six.value == referenceChecksum(bytes))
  }

  @Test("a checksum that was left to the link is completed in place")
  func completion() throws {
    for length in [0, 1, 2, 999] {
      let payload = [UInt8](repeating: 0x33, count: length)
      let right = Sample.ipv4(.tcp, Sample.tcp(payload))
      var packet = Sample.packet(right)
      let partial = InternetChecksum.pseudoHeader(
        source: Sample.client4, destination: Sample.server4, protocol: .tcp, length: 20 + length
      ).partial
      packet.offload.needsChecksum = true
      packet.offload.checksumStart = 20
      packet.offload.checksumOffset = 16
      var bytes = packet.mutableBytes
      bytes.store(partial, at: 36)
      let isCompleted = packet.completeChecksum()
      #expect(isCompleted)
      #expect(packet.array == right)
      let isOwed = packet.offload.needsChecksum
      #expect(!isOwed)
    }
  }

  @Test("a checksum field outside of the packet is left alone")
  func badCompletion() {
    for (start, offset) in [(10, 9), (19, 0), (65_535, 65_535)] {
      var packet = Sample.packet([UInt8](repeating: 7, count: 20))
      packet.offload.needsChecksum = true
      packet.offload.checksumStart = UInt16(start)
      packet.offload.checksumOffset = UInt16(offset)
      let isCompleted = packet.completeChecksum()
      #expect(!isCompleted)
      #expect(packet.array == [UInt8](repeating: 7, count: 20))
    }
  }
}
