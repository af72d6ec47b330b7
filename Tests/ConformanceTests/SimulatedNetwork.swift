import Packets
import Simulation

extension SimulatedNetwork {
  /// What the nodes of a world are part of; nil where they are real.
  convenience init?(of world: World) throws {
    var conditions = WireConditions()
    switch world.nodes {
    case .simulation: break
    case .badSimulation:
      conditions.delay = .milliseconds(5)
      conditions.jitter = .milliseconds(2)
      conditions.loss = .percent(2)
      conditions.reordering = .percent(2)
      conditions.reorderingDelay = .milliseconds(3)
    default: return nil
    }
    try self.init(seed: World.seed, conditions: conditions)
  }
}
