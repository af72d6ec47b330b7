import Addresses
import Packets
import ProtocolStack
import Simulation
import Testing

/// Each fault of a wire, alone, as datagrams meet it.
@Suite struct WireTests {
  /// Sends datagrams through a wire and says what became of them.
  private func send(
    _ count: Int, size: Int = 100, every pause: Interval = .milliseconds(1), seed: UInt64 = 1,
    _ conditions: WireConditions
  ) throws -> (sink: DatagramSink, counters: WireCounters) {
    var pair = try Pair(seed: seed, conditions, backwards: WireConditions())
    let address = try Pair.address(.v4, 9)
    let sink = DatagramSink(on: address)
    pair.world.launch(sink, on: pair.server)
    let source = DatagramSource(to: address, count: count, size: size, pause: pause)
    pair.world.launch(source, on: pair.client)
    let isFinished = pair.world.runUntilFinished(within: .seconds(3_600))
    #expect(isFinished)
    pair.world.run(until: pair.world.now + .seconds(60))
    #expect(source.failure == nil)
    let counters = pair.world.counters(wire: pair.wire, end: 0)
    let left = pair.world.packetsInFlight
    #expect(left == 0)
    return (sink, counters)
  }

  @Test("A perfect wire delivers everything at once and in order")
  func perfect() throws {
    let (sink, counters) = try send(100, WireConditions())
    #expect(sink.numbers == Array(0..<100))
    #expect(sink.times.first == .zero)
    #expect(sink.times.last == .zero + .milliseconds(99))
    #expect(counters.sent == 100)
    #expect(counters.vanished == 0)
  }

  @Test("Delay moves every packet by as much")
  func delay() throws {
    var conditions = WireConditions()
    conditions.delay = .milliseconds(7)
    let (sink, _) = try send(50, conditions)
    #expect(sink.times == (0..<50).map { .zero + .milliseconds(Int64($0) + 7) })
  }

  @Test("Jitter spreads packets and keeps their order")
  func jitter() throws {
    var conditions = WireConditions()
    conditions.jitter = .milliseconds(20)
    let (sink, counters) = try send(500, conditions)
    #expect(sink.numbers == Array(0..<500))
    #expect(counters.reordered == 0)
    let lags = zip(sink.numbers, sink.times).map {
      $1.since(.zero + .milliseconds(Int64($0))).milliseconds
    }
    #expect(lags.allSatisfy { (0...20).contains($0) })
    #expect(Set(lags).count > 5)
  }

  @Test("A rate spaces packets by the time their bits take")
  func rate() throws {
    var conditions = WireConditions()
    conditions.rate = BitRate(bitsPerSecond: 1_024_000)
    // 100 bytes of payload, 28 of headers: 1,024 bits, a millisecond.
    let (sink, _) = try send(10, every: .microseconds(1), conditions)
    #expect(sink.times == (1...10).map { .zero + .milliseconds(Int64($0)) })
  }

  @Test("A full queue drops the newest", arguments: [0, 1, 5])
  func queue(limit: Int) throws {
    var conditions = WireConditions()
    conditions.rate = BitRate(bitsPerSecond: 1_024)
    conditions.queueLimit = limit
    let (sink, counters) = try send(20, every: .microseconds(1), conditions)
    // One is being sent, so many wait.
    #expect(sink.numbers == Array(0...limit))
    #expect(counters.queueDrops == 19 - limit)
  }

  @Test("Loss takes about its share, and counts it", arguments: [0.01, 0.2, 1])
  func loss(fraction: Double) throws {
    var conditions = WireConditions()
    conditions.loss = Probability(fraction)
    let (sink, counters) = try send(5_000, conditions)
    #expect(sink.numbers.count + counters.lost == 5_000)
    #expect(abs(Double(counters.lost) / 5_000 - fraction) < 0.02)
    #expect(sink.numbers == sink.numbers.sorted())
  }

  @Test("Burst loss takes packets in a row")
  func burstLoss() throws {
    var conditions = WireConditions()
    conditions.burst = BurstLoss(entry: .percent(1), exit: .percent(10))
    let (sink, counters) = try send(10_000, conditions)
    #expect(counters.lost == 0)
    #expect(sink.numbers.count + counters.burstLost == 10_000)
    let gaps = zip(sink.numbers, sink.numbers.dropFirst()).map { $1 - $0 - 1 }.filter { $0 > 0 }
    // About a hundred bursts of about ten.
    #expect((50...200).contains(gaps.count))
    #expect((6...16).contains(gaps.reduce(0, +) / max(1, gaps.count)))
  }

  @Test("Duplication delivers packets twice")
  func duplication() throws {
    var conditions = WireConditions()
    conditions.duplication = .percent(10)
    let (sink, counters) = try send(2_000, conditions)
    #expect(sink.numbers.count == 2_000 + counters.duplicated)
    #expect((120...280).contains(counters.duplicated))
    #expect(Set(sink.numbers) == Set(0..<2_000))
  }

  @Test("Reordering lets later packets overtake")
  func reordering() throws {
    var conditions = WireConditions()
    conditions.reordering = .percent(10)
    conditions.reorderingDelay = .microseconds(2_500)
    let (sink, counters) = try send(2_000, conditions)
    #expect(sink.numbers.count == 2_000)
    #expect((120...280).contains(counters.reordered))
    // Each one held back by two and a half pauses lands behind two that were sent later.
    let late = zip(sink.numbers, sink.numbers.dropFirst()).filter { $1 < $0 }.count
    #expect(late > counters.reordered / 2)
    #expect(Set(sink.numbers).count == 2_000)
  }

  @Test("Corruption flips one bit, and the checksums catch every one")
  func corruption() throws {
    var conditions = WireConditions()
    conditions.corruption = .always
    let (sink, counters) = try send(2_000, conditions)
    #expect(counters.corrupted == 2_000)
    // What may flip without harm: the type of service, of which nobody speaks, is checksummed too.
    #expect(sink.numbers.isEmpty)
  }

  @Test("A cut wire and a black hole take all, and say so")
  func cutAndSizeLimit() throws {
    var conditions = WireConditions()
    conditions.isCut = true
    #expect(try send(10, conditions).counters.partitioned == 10)
    conditions.isCut = false
    conditions.sizeLimit = 127
    #expect(try send(10, conditions).counters.oversized == 10)
    conditions.sizeLimit = 128
    #expect(try send(10, conditions).sink.numbers.count == 10)
  }

  @Test("Faults end when they are told to; delay, jitter, rate and queue stay")
  func withoutFaults() {
    var conditions = WireConditions()
    conditions.delay = .seconds(1)
    conditions.rate = .megabits(1)
    conditions.loss = .always
    conditions.isCut = true
    let calm = conditions.withoutFaults
    #expect(calm.delay == .seconds(1))
    #expect(calm.rate == .megabits(1))
    #expect(calm.loss == .never)
    #expect(!calm.isCut)
  }

  @Test("The seed decides the luck, and nothing else does")
  func seeds() throws {
    var conditions = WireConditions()
    conditions.loss = .percent(20)
    conditions.jitter = .milliseconds(5)
    let first = try send(500, seed: 1, conditions).sink
    let again = try send(500, seed: 1, conditions).sink
    let other = try send(500, seed: 2, conditions).sink
    #expect(first.numbers == again.numbers)
    #expect(first.times == again.times)
    #expect(first.numbers != other.numbers)
  }
}
