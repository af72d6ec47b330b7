import Packets
import ProtocolStack
import Simulation
import Testing

@Suite struct TransferTests {
  @Test(
    "A queue that drops every other packet leaves more holes than are remembered, and no deadlock")
  func manyHoles() throws {
    var conditions = WireConditions()
    conditions.delay = .microseconds(100)
    conditions.rate = .megabits(10_000)
    conditions.queueLimit = 1_000
    var pair = try Pair(seed: 1, conditions)
    let transfers = try pair.transfer(up: 20_000_000)
    let isFinished = pair.world.runUntilFinished(within: .seconds(10))
    #expect(isFinished)
    let failures = pair.world.failures
    #expect(failures == [])
    #expect(transfers.server?.received == 20_000_000)
    let drops = pair.world.wireCounters.queueDrops
    #expect(drops > 300)
    let refused = pair.world[pair.server].stack.tcpCounters.reassemblyLimit
    #expect(refused > 0)
  }

  @Test(
    "Every byte arrives, whatever is lost, doubled and overtaken on the way",
    arguments: [0.0, 1, 5, 20], Pair.Version.allCases)
  func byteExact(percent: Double, version: Pair.Version) throws {
    var conditions = WireConditions()
    conditions.delay = .milliseconds(10)
    conditions.jitter = .milliseconds(1)
    conditions.loss = .percent(percent)
    conditions.duplication = .percent(percent / 5)
    conditions.reordering = .percent(percent / 5)
    var traces: [TraceHash] = []
    for _ in 0..<2 {
      var pair = try Pair(seed: 1, conditions)
      let transfers = try pair.transfer(version, up: 1_000_000, down: 200_000)
      let isFinished = pair.world.runUntilFinished(within: .seconds(600))
      #expect(isFinished)
      let failures = pair.world.failures
      #expect(failures == [])
      #expect(transfers.server?.received == 1_000_000)
      #expect(transfers.client?.received == 200_000)
      let violations = pair.world.monitor?.violations.map(\.description)
      #expect(violations == [])
      traces.append(pair.world.trace)
    }
    #expect(traces[0] == traces[1])
  }
}
