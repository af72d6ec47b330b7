import Addresses
import Packets
import ProtocolStack
import Simulation
import Testing

/// T5: the checkers are shown what they are there to find.
@Suite struct CanaryTests {
  @Test("T5: a stream with one wrong byte is noticed, and where")
  func wrongStream() throws {
    var pair = try Pair(seed: 1)
    let transfers = try pair.transfer(up: 10_000, client: { $0.sendsFlow = 99 })
    pair.world.runUntilFinished(within: .seconds(10))
    #expect(transfers.server?.failure?.hasPrefix("byte ") == true)
    let failures = pair.world.failures
    #expect(failures.count == 1)
  }

  @Test("T5: a stream that ends early is noticed")
  func shortStream() throws {
    var pair = try Pair(seed: 1)
    let transfers = try pair.transfer(up: 10_000, server: { $0.expects = 10_001 })
    pair.world.runUntilFinished(within: .seconds(10))
    #expect(transfers.server?.failure == "the stream ended after 10000 of 10001 bytes")
  }

  @Test("T5: a connection that never ends is noticed, and what it holds")
  func hang() throws {
    var conditions = WireConditions()
    conditions.delay = .milliseconds(1)
    var pair = try Pair(seed: 1, conditions)
    try pair.transfer(up: 1_000_000)
    pair.world.run(until: .zero + .milliseconds(10))
    conditions.isCut = true
    pair.world.setConditions(conditions, wire: pair.wire, end: 0)
    let isFinished = pair.world.runUntilFinished(within: .seconds(60))
    #expect(!isFinished)
    let sockets = pair.world[pair.client].stack.socketCount
    #expect(sockets == 1)
    let held = pair.world[pair.client].stack.occupancy
    #expect(held.bufferBytes > 0)
    #expect(held.timers == 1)
  }

  @Test("T5: one changed packet changes the trace")
  func trace() throws {
    func trace(up: Int) throws -> TraceHash {
      var pair = try Pair(seed: 1)
      try pair.transfer(up: up)
      pair.world.runUntilFinished(within: .seconds(10))
      return pair.world.trace
    }
    #expect(try trace(up: 10_000) == trace(up: 10_000))
    #expect(try trace(up: 10_000) != trace(up: 10_001))
  }
}
