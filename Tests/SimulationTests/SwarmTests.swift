import Foundation
import Simulation
import Testing

/// Seeds from the environment, so that long runs and replays need no other program:
/// `SIMULATION_SEEDS=10000` for many, `SIMULATION_SEED=123` for one.
@Suite struct SwarmTests {
  private static let environment = ProcessInfo.processInfo.environment

  static var seeds: [UInt64] {
    if let seed = environment["SIMULATION_SEED"].flatMap(UInt64.init) { return [seed] }
    let count = environment["SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 60
    return Array(0..<max(count, 1))
  }

  @Test("S1 to S5: random worlds deliver every byte, come to an end, and leave nothing behind")
  func swarm() {
    for seed in Self.seeds {
      let outcome = Scenario(seed: seed).run()
      for failure in outcome.failures.prefix(5) {
        Issue.record("seed \(seed): \(failure). Replay: \(outcome.replay)")
      }
    }
  }

  @Test(
    "Seeds that found something once stay sound", arguments: [561, 669, 784, 822, 1_216, 56_098])
  func oldFinds(seed: UInt64) {
    let outcome = Scenario(seed: seed).run()
    #expect(outcome.failures == [])
  }

  @Test("S4: the same seed sends the same packets at the same times")
  func isDeterministic() {
    for seed in Self.seeds.prefix(20) {
      let first = Scenario(seed: seed).run(isMonitored: false)
      let second = Scenario(seed: seed).run()
      #expect(first.trace == second.trace, "seed \(seed)")
      #expect(first.steps == second.steps, "seed \(seed)")
    }
  }
}
