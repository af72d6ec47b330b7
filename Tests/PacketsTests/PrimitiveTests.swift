import Addresses
import Packets
import Testing

@Suite("Bytes, readers, packets, sequence numbers and time")
struct PrimitiveTests {
  @Test("loads beyond the end answer zero and stores there do nothing, at the extremes too")
  func totalAccess() {
    let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    for offset in [-1, 9, 10, .max, .min, .max - 1] as [Int] {
      #expect(bytes.span.uint8(at: offset) == 0)
      #expect(bytes.span.uint16(at: offset) == 0)
      #expect(bytes.span.uint32(at: offset) == 0)
      #expect(bytes.span.uint64(at: offset) == 0)
      #expect(bytes.span.ethernetAddress(at: offset).rawValue == 0)
      #expect(bytes.span.ipv6Address(at: offset) == .any)
      let same = written(9) {
        $0.store(1 as UInt8, at: offset)
        $0.store(1 as UInt16, at: offset)
        $0.store(1 as UInt32, at: offset)
        $0.store(1 as UInt64, at: offset)
        $0.store(Sample.clientStation, at: offset)
        $0.store(Sample.client6, at: offset)
        _ = bytes.span.copy(into: &$0, at: offset)
      }
      #expect(same == [UInt8](repeating: 0xAA, count: 9))
    }
    #expect(bytes.span.uint16(at: 7) == 0x0809)
    #expect(bytes.span.uint32(at: 5) == 0x0607_0809)
    #expect(bytes.span.uint64(at: 1) == 0x0203_0405_0607_0809)
    #expect(bytes.span.uint64(at: 2) == 0)
    #expect(bytes.span.ethernetAddress(at: 3).rawValue == 0x0405_0607_0809)
  }

  @Test("slices are cut to what is there")
  func slices() {
    let bytes: [UInt8] = [1, 2, 3, 4, 5]
    for (offset, length, count) in [
      (0, 5, 5), (0, .max, 5), (3, 9, 2), (5, 1, 0), (9, 1, 0), (-3, 2, 2), (2, -1, 0),
      (.max, .max, 0), (.min, .max, 5),
    ] {
      #expect(bytes.span.slice(from: offset, length: length).count == count)
    }
    #expect(bytes.span.slice(from: 2).uint8(at: 0) == 3)
    let none: [UInt8] = []
    #expect(none.span.slice(from: 0).count == 0)
  }

  @Test("a reader answers in order, and nothing once it is at the end")
  func reader() {
    let bytes: [UInt8] = (0..<20).map { UInt8($0) }
    var reader = ByteReader(bytes.span)
    let first = reader.uint8()
    let second = reader.uint16()
    let third = reader.uint32()
    let fourth = reader.uint64()
    #expect(first == 0 && second == 0x0102 && third == 0x0304_0506)
    #expect(fourth == 0x0708_090A_0B0C_0D0E)
    #expect(reader.remaining == 5 && reader.offset == 15)
    let tooLong = reader.uint64()
    let skips = [reader.skip(6), reader.skip(-1), reader.skip(1)]
    #expect(tooLong == nil && skips == [false, false, true])
    #expect(reader.rest.uint8(at: 0) == 16)
    let rest = reader.uint32()
    let ends = [reader.uint8() == nil, reader.uint16() == nil, reader.uint32() == nil]
    #expect(rest == 0x1011_1213 && ends == [true, true, true])
  }

  @Test("a child reader cannot leave its part of the parent")
  func child() {
    let bytes: [UInt8] = [1, 2, 3, 4, 5]
    var reader = ByteReader(bytes.span)
    if reader.child(6) != nil { Issue.record("longer than its parent") }
    if reader.child(-1) != nil { Issue.record("of negative length") }
    guard var child = reader.child(3) else {
      Issue.record("three bytes are there")
      return
    }
    #expect(reader.remaining == 2 && child.remaining == 3)
    let word = child.uint16()
    let tooFar = child.uint16()
    let last = child.uint8()
    let beyond = child.uint8()
    #expect(word == 0x0102 && tooFar == nil && last == 3 && beyond == nil)
  }

  @Test("a packet grows into its room and never beyond")
  func packetRoom() {
    var packet = Packet(capacity: 100, headroom: 40)
    let grown = [
      packet.extend(60), packet.extend(1), packet.prepend(40), packet.prepend(1),
      packet.extend(-1), packet.prepend(-1), packet.extend(.max), packet.prepend(.max),
    ]
    #expect(grown == [true, false, true, false, false, false, false, false])
    #expect(packet.count == 100 && packet.bytes.count == 100)
    packet.dropFirst(30)
    packet.truncate(to: 50)
    packet.truncate(to: 60)
    packet.truncate(to: -1)
    #expect(packet.count == 50 && packet.headroom == 30 && packet.tailroom == 20)
    packet.dropFirst(.max)
    #expect(packet.isEmpty && packet.bytes.count == 0)
  }

  @Test("where a checksum lies moves with the packet's front")
  func offloadMoves() {
    var packet = Packet(capacity: 200, headroom: 100)
    packet.offload.needsChecksum = true
    packet.offload.checksumStart = 20
    let isPrepended = packet.prepend(14)
    #expect(isPrepended && packet.offload.checksumStart == 34)
    packet.dropFirst(14)
    #expect(packet.offload.checksumStart == 20)
  }

  @Test("sequence numbers keep their laws round the circle", arguments: 0..<200 as Range<UInt64>)
  func sequenceNumbers(seed: UInt64) {
    var numbers = Numbers(seed: seed)
    let a = SequenceNumber(rawValue: UInt32(truncatingIfNeeded: numbers.next()))
    let step = 1 + numbers.below(Int(Int32.max))
    let b = a.advanced(by: step)
    #expect(a.precedes(b) && !b.precedes(a))
    #expect(a.precedesOrEquals(a) && !a.precedes(a))
    #expect(a.distance(to: b) == step && b.distance(to: a) == -step)
    #expect(b.advanced(by: -step) == a)
    #expect(SequenceNumber.later(a, b) == b && SequenceNumber.later(b, a) == b)
  }

  @Test("time saturates instead of overflowing")
  func time() {
    #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
    #expect(Instant(nanoseconds: .min) + Interval(nanoseconds: -1) == Instant(nanoseconds: .min))
    #expect(Instant.distantFuture.since(Instant(nanoseconds: .min)).nanoseconds == .max)
    #expect(Interval.seconds(.max).nanoseconds == .max)
    #expect(Interval.seconds(.min).nanoseconds == .min)
    #expect(Interval(nanoseconds: .min) / -1 == Interval(nanoseconds: .max))
    #expect(Interval(nanoseconds: 7) / 0 == Interval(nanoseconds: 7))
    #expect(Interval.milliseconds(1_500).milliseconds == 1_500)
    #expect(Interval(nanoseconds: .min) - Interval(nanoseconds: 1) == Interval(nanoseconds: .min))
  }
}
