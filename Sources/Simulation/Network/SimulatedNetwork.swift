import Addresses
import Packets
import ProtocolStack
public import Sockets

/// Hosts for programs of async sockets, on a network with the faults you name, in virtual time.
///
/// ```
/// let network = try SimulatedNetwork(seed: 7, conditions: bad)
/// try await network.run {
///   let server = try network.addNode("server")
///   let client = try network.addNode("client")
///   …
/// }
/// ```
///
/// Its nodes are ``/Sockets/StackNode``s: whatever is written against `NetworkNode` runs on them
/// unchanged. All of them, and every task of the program, run on one thread. When no task can run,
/// time leaps to the next timer, packet or deadline: an hour of waiting takes no time. `timeout:`s
/// run on that time, and so does a sleep by ``/Sockets/NetworkNode/clock``.
///
/// ## What repeats, and what does not
///
/// The same program with the same seed sends the same packets at the same times (``trace``), as
/// long as its tasks stay on ``executor``: what ``run(_:)`` calls does, with its task groups,
/// `async let` and every `Task(executorPreference: network.executor)`. Not so a plain `Task {}`, an
/// actor with an executor of its own, the main actor, and whatever waits for another clock, a file
/// or another process: those run on other threads, at times that nobody repeats, and the network's
/// time does not wait for them. Nor is anything repeated that depends on `Hasher`, whose seed is
/// new in each process (`SWIFT_DETERMINISTIC_HASHING` makes it stay), or on a random generator of
/// the system's.
public final class SimulatedNetwork: Sendable {
  /// What every draw is made from.
  public let seed: UInt64
  private let cloud: Cloud
  private let nodes: VirtualNodes
  private let abilities: LinkAbilities

  /// - Parameters:
  ///   - seed: nil draws one and prints it.
  ///   - conditions: what happens to packets from each node to each other.
  ///   - mtu: the largest packet that the nodes send, in bytes.
  public init(
    seed: UInt64? = nil, conditions: WireConditions = WireConditions(), mtu: Int = 1_500
  ) throws(SocketError) {
    if let seed {
      self.seed = seed
    } else {
      self.seed = try VirtualNodes.drawSeed()
      print("simulation: seed \(self.seed)")
    }
    abilities = LinkAbilities(mtu: mtu)
    cloud = Cloud(
      RandomSource(seed: self.seed), conditions,
      packetCapacity: NodeLink.packetCapacity(for: abilities))
    nodes = try VirtualNodes(cloud)
  }

  /// Where tasks have to run to be part of the simulation.
  public var executor: any TaskExecutor { nodes.executor }

  /// The time in here, that of every node.
  public var clock: NodeClock { nodes.clock }

  /// A fingerprint of every packet that was sent, and when.
  public var trace: TraceHash { cloud.trace }

  /// Adds a host: the first is `10.0.0.1` and `fd00::1`, the next `10.0.0.2` and `fd00::2`; at most
  /// 254.
  public func addNode(_ name: String = "node") throws(SocketError) -> StackNode {
    let place = cloud.addPlace()
    guard let number = UInt8(exactly: place.number + 1), number < 255 else {
      throw SocketError(.open, reason: .noBufferSpace)
    }
    let prefixes = [
      Prefix(.v4(IPv4Address(10, 0, 0, number)), length: 24),
      Prefix(.v6(IPv6Address(high: 0xFD00 << 48, low: UInt64(number))), length: 64),
    ].compactMap(\.self)
    cloud.setAddresses(prefixes.map(\.address), of: place.number)
    let link = NodeLink(from: place.incoming, to: place.outgoing, abilities, name: "wire0")
    return try nodes.addNode(name, place.secrets, link, addresses: prefixes)
  }

  /// Runs a program: time passes from here on, until `body` has returned. Calls on the network's
  /// sockets from elsewhere wait until somebody runs.
  ///
  /// The body runs on the network's executor, unless it belongs to an actor. Time then passes while
  /// it computes, and no run is like another: in `main()`, which is the main actor's, mark the
  /// closure `@concurrent`.
  public func run<Value: Sendable>(
    _ body: () async throws -> Value
  ) async throws -> Value {
    try await executor.run {
      nodes.begin()
      defer { nodes.end() }
      return try await body()
    }
  }

  /// What happens to packets on the way from one host to another, by their numbers in the order
  /// they were added, from zero.
  public func conditions(from sender: Int, to receiver: Int) -> WireConditions {
    cloud.conditions(from: sender, to: receiver)
  }

  /// Changes what happens to packets that are sent from now on, from one host to another.
  public func setConditions(_ conditions: WireConditions, from sender: Int, to receiver: Int) {
    cloud.setConditions(conditions, from: sender, to: receiver)
  }

  /// Changes what happens to all packets that are sent from now on.
  public func setConditions(_ conditions: WireConditions) { cloud.setConditions(conditions) }

  /// What has happened to packets from one host to another.
  public func counters(from sender: Int, to receiver: Int) -> WireCounters {
    cloud.counters(from: sender, to: receiver)
  }
}
