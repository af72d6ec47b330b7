import Addresses
public import Packets
import ProtocolStack

extension Scenario {
  /// What came of a run.
  public struct Outcome: Sendable {
    public var seed: UInt64
    /// Everything that was wrong, one sentence each; empty: all is well.
    public var failures: [String] = []
    public var trace = TraceHash()
    public var steps = 0
    public var packets = 0
    public var faults = WireCounters()
    public var bytesDelivered = 0
    /// How much virtual time passed.
    public var duration = Interval.zero

    /// How to see it again.
    public var replay: String { "SIMULATION_SEED=\(seed) swift test --filter SwarmTests" }
  }

  /// The longest the stack may take to come back after the last fault: the retransmission time-out
  /// at its ceiling, twice.
  private static var recovery: Interval { .seconds(240) }

  /// Runs it.
  ///
  /// - Parameters:
  ///   - isMonitored: whether a ``WireMonitor`` looks on.
  ///   - capture: gets a pcapng file of all that is sent, piece by piece.
  public func run(
    isMonitored: Bool = true, capture: (([UInt8]) -> Void)? = nil
  ) -> Outcome {
    var outcome = Outcome(seed: seed)
    do throws(StackError) {
      var world = try makeWorld()
      if isMonitored { world.monitor = WireMonitor() }
      if let capture { world.capture(wire: 0, into: capture) }
      let transfers = start(in: &world)
      world.runUntilFinished(within: faultTime)
      if world.unfinished > 0 {
        world.endFaults()
        world.runUntilFinished(within: Self.recovery + transferTime)
        if world.unfinished > 0 { outcome.failures += complaints(about: transfers) }
      }
      outcome.bytesDelivered = transfers.reduce(0) { $0 + ($1.client?.received ?? 0) }
      outcome.bytesDelivered += transfers.reduce(0) { $0 + ($1.server?.received ?? 0) }
      world.endFaults()
      for (flow, ends) in zip(flows, transfers) {
        ends.listener?.stop(on: &world[flow.server], at: world.now)
        world.settle(flow.server)
      }
      checkLeaks(&world, &outcome)
      world.finishCaptures()
      outcome.failures += world.failures
      outcome.failures += world.monitor?.violations.map(\.description) ?? []
      outcome.trace = world.trace
      outcome.steps = world.steps
      outcome.faults = world.wireCounters
      outcome.packets = outcome.faults.sent
      outcome.duration = world.now.since(.zero)
    } catch {
      outcome.failures.append("the world could not be made: \(error)")
    }
    return outcome
  }

  /// How long all transfers may take after the last fault: what the wires' rates need, or what the
  /// slowest flow's windows need where that is more, four times over, and the programs' pauses.
  private var transferTime: Interval {
    let bytes = flows.reduce(0) { $0 + $1.clientPlan.sends + $1.serverPlan.sends }
    var rated = Interval.zero
    for rate in outbound.compactMap(\.rate) { rated = rated + rate.time(for: bytes) }
    var pauses = Interval.zero
    var windowed = Interval.zero
    for flow in flows {
      for plan in [flow.clientPlan, flow.serverPlan] {
        let writes = plan.sends / max(1, plan.writeSize) + 1
        let reads = (plan.expects ?? 0) / max(1, min(plan.readSize, 1_000)) + 1
        pauses = pauses + plan.writePause * Int64(writes) + plan.readPause * Int64(reads)
      }
      windowed = max(windowed, windowTime(of: flow))
    }
    return .seconds(60) + max(rated, windowed) * 4 + pauses
  }

  /// What a flow needs for its bytes when each window of them takes a turn, one direction after the
  /// other: the way there and back, and the patience of whoever acknowledges, by a late clock.
  private func windowTime(of flow: Flow) -> Interval {
    var turn = Interval.zero
    for host in [flow.client, flow.server] {
      turn = turn + outbound[host].delay + outbound[host].jitter
      turn = turn + configurations[host].tcp.acknowledgmentDelay + timerLateness[host]
    }
    var turns = 0
    for (sender, receiver, host) in [
      (flow.clientPlan, flow.serverPlan, flow.server),
      (flow.serverPlan, flow.clientPlan, flow.client),
    ] {
      let usual = configurations[host].tcp.initialReceiveBuffer
      let window = min(
        sender.options.sendBufferLimit ?? usual, receiver.options.receiveBufferLimit ?? usual)
      turns += sender.sends / max(1, window) + 1
    }
    return turn * Int64(turns)
  }

  /// The two ends of a flow, once they are there.
  private final class Ends {
    var listener: Server?
    var client: Transfer?
    var server: Transfer?
  }

  private func makeWorld() throws(StackError) -> World {
    var world = World(seed: seed)
    var attachments: [WireAttachment] = []
    for number in 0..<hosts {
      let host = world.addHost("host\(number)", configuration: configurations[number])
      world[host].timerLateness = timerLateness[number]
      attachments.append(
        WireAttachment(
          host, Self.prefixes(number), abilities: abilities, outbound: outbound[number]))
    }
    let wire = try world.addWire(kind, attachments)
    for cut in cuts {
      world.schedule(at: .zero + cut.from) { world in
        var conditions = world.conditions(wire: wire, end: cut.host)
        conditions.isCut = true
        world.setConditions(conditions, wire: wire, end: cut.host)
      }
      world.schedule(at: .zero + cut.from + cut.length) { world in
        var conditions = world.conditions(wire: wire, end: cut.host)
        conditions.isCut = false
        world.setConditions(conditions, wire: wire, end: cut.host)
      }
    }
    return world
  }

  private static func prefixes(_ host: Int) -> [Prefix] {
    let low = UInt8(truncatingIfNeeded: host + 1)
    let v4 = Prefix(.v4(IPv4Address(10, 0, 0, low)), length: 24)
    let v6 = Prefix(
      .v6(IPv6Address(high: 0xFD00_0000_0000_0000, low: UInt64(low))), length: 64)
    return [v4, v6].compactMap { $0 }
  }

  private static func address(_ flow: Flow) -> SocketAddress {
    let prefix = prefixes(flow.server)[flow.isIPv6 ? 1 : 0]
    return SocketAddress(prefix.address, port: PortNumber(rawValue: flow.port))
  }

  private func start(in world: inout World) -> [Ends] {
    var all: [Ends] = []
    for flow in flows {
      let ends = Ends()
      all.append(ends)
      let plan = flow.serverPlan
      // A client that gives up may do so before the server hears of the connection.
      let server = Server(
        on: Self.address(flow), options: plan.options, isOptional: plan.toleratesReset
      ) { socket, _, _ in
        let transfer = Transfer(accepted: socket, plan)
        ends.server = transfer
        return transfer
      }
      ends.listener = server
      world.launch(server, on: flow.server)
      let client = Transfer(to: Self.address(flow), flow.clientPlan)
      ends.client = client
      world.launch(client, on: flow.client, at: .zero + flow.begins)
    }
    return all
  }

  private func complaints(about transfers: [Ends]) -> [String] {
    var complaints: [String] = []
    for (number, ends) in transfers.enumerated() {
      for (side, transfer) in [("client", ends.client), ("server", ends.server)] {
        guard let transfer else {
          complaints.append("flow \(number): no connection was accepted")
          continue
        }
        guard !transfer.isFinished else { continue }
        complaints.append(
          "flow \(number): the \(side) did not end: \(transfer.sent) of \(transfer.plan.sends) "
            + "bytes sent, \(transfer.received) of \(transfer.plan.expects ?? 0) received")
      }
    }
    return complaints
  }

  /// 2 MSL after the last connection closed nothing may be left.
  private func checkLeaks(_ world: inout World, _ outcome: inout Outcome) {
    let patience = configurations.map { $0.tcp.maximumSegmentLifetime * 2 }.max() ?? .zero
    world.run(until: world.now + patience + Self.recovery)
    for host in 0..<world.hostCount {
      let left = world[host].stack.socketCount
      if left > 0 { outcome.failures.append("\(world[host].name): \(left) sockets are left") }
      let occupancy = world[host].stack.occupancy
      if occupancy.bufferBytes > 0 || occupancy.timers > 0 || occupancy.queuedPackets > 0
        || occupancy.partialDatagrams > 0
      {
        outcome.failures.append("\(world[host].name) still holds \(occupancy)")
      }
      if world[host].stack.tcpCounters.brokenInvariants > 0 {
        outcome.failures.append("\(world[host].name) broke an invariant of its own")
      }
    }
    if world.packetsInFlight > 0 {
      outcome.failures.append("\(world.packetsInFlight) packets are still on their way")
    }
  }
}
