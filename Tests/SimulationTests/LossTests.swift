import Packets
import ProtocolStack
import Simulation
import Testing

/// What losses cost in time-outs and in virtual time. Over many seeds: one would tell of its luck.
@Suite("A transfer over a path that loses packets, both ways")
struct LossTests {
  struct Case: CustomTestStringConvertible {
    var percent: Double
    /// Of all seeds together.
    var mostTimeouts: UInt64
    var mostTime: Interval

    var testDescription: String { "\(percent) %" }
  }

  /// Sums over sixteen seeds of a transfer of 250,000 bytes with a round trip of 10 ms.
  private func measure(loss percent: Double) throws -> (timeouts: UInt64, time: Interval) {
    var timeouts: UInt64 = 0
    var time = Interval.zero
    for seed in 1...16 as ClosedRange<UInt64> {
      var conditions = WireConditions()
      conditions.delay = .milliseconds(5)
      conditions.loss = .percent(percent)
      var pair = try Pair(seed: seed, conditions, monitored: false)
      let transfers = try pair.transfer(up: 250_000)
      let isFinished = pair.world.runUntilFinished(within: .seconds(600))
      #expect(isFinished)
      #expect(transfers.server?.received == 250_000)
      pair.world[pair.client].stack.forEachConnection { timeouts += $0.timeouts }
      time = try time + #require(transfers.server?.finishedAt).since(.zero)
    }
    return (timeouts, time)
  }

  @Test(
    "needs few time-outs and little time",
    arguments: [
      Case(percent: 0, mostTimeouts: 0, mostTime: .seconds(1)),
      Case(percent: 1, mostTimeouts: 2, mostTime: .seconds(2)),
      Case(percent: 5, mostTimeouts: 12, mostTime: .seconds(10)),
      Case(percent: 10, mostTimeouts: 30, mostTime: .seconds(20)),
      Case(percent: 20, mostTimeouts: 230, mostTime: .seconds(120)),
    ])
  func losses(of path: Case) throws {
    let (timeouts, time) = try measure(loss: path.percent)
    #expect(timeouts <= path.mostTimeouts)
    #expect(time <= path.mostTime)
  }
}
