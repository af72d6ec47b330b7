import Foundation
import Simulation
import Sockets
import Testing

/// The cases, written once and run on every world there is. One after another: each then has the
/// machine for itself, and says which world it fails on.
@Suite("Conformance", .serialized)
enum Conformance {}

/// Where the cases run: which nodes, and on which executor the program's tasks run.
struct World: Hashable, Sendable, CustomTestStringConvertible {
  /// Who serves, and who connects.
  enum Nodes: String, Hashable, Sendable {
    /// This machine to itself.
    case kernel
    /// Two nodes of ours, on a cable in memory.
    case stack
    /// One node of ours to itself.
    case stackLoopback = "stack's loopback"
    /// This machine to a node of ours, on a TUN device.
    case kernelToStack = "kernel to stack over TUN"
    /// The other way.
    case stackToKernel = "stack to kernel over TUN"
    /// Two nodes of ours in a simulation, in virtual time.
    case simulation = "simulation"
    /// The same, over a wire that delays, loses and reorders packets.
    case badSimulation = "simulation with a bad wire"
  }

  /// What the tasks of a case prefer.
  enum Place: String, Hashable, Sendable {
    case anywhere = "the default executor"
    case client = "the client's executor"
    case server = "the server's executor"
  }

  let nodes: Nodes
  let place: Place
  /// How this machine's node hears from the kernel; of no meaning where there is none.
  var engine = HostNode.Engine.epoll

  var testDescription: String {
    let how =
      switch nodes {
      case .stack, .stackLoopback: ""
      case .simulation, .badSimulation: ", seed \(Self.seed)"
      case .kernel, .kernelToStack, .stackToKernel: " (\(engine.rawValue))"
      }
    return "\(nodes.rawValue)\(how), on \(place.rawValue)"
  }

  /// Whether a network device is made for it.
  var hasDevice: Bool { nodes == .kernelToStack || nodes == .stackToKernel }

  /// The engines there are here: ``EngineWorldTests`` says so.
  static let engines: [HostNode.Engine] =
    HostNode.Engine.ioUringRefusal == nil ? [.epoll, .ioUring] : [.epoll]

  /// The worlds there are here. Those with devices need root: ``TunnelWorldTests`` says so.
  static let all: [World] = {
    var worlds = engines.flatMap { engine in
      [
        World(nodes: .kernel, place: .anywhere, engine: engine),
        World(nodes: .kernel, place: .client, engine: engine),
      ]
    }
    worlds += [
      World(nodes: .stack, place: .anywhere), World(nodes: .stack, place: .client),
      World(nodes: .stack, place: .server), World(nodes: .stackLoopback, place: .anywhere),
      World(nodes: .stackLoopback, place: .client), World(nodes: .simulation, place: .client),
    ]
    guard RootTests.areEnabled else { return worlds }
    for engine in engines {
      for place in [Place.anywhere, .client] {
        worlds.append(World(nodes: .kernelToStack, place: place, engine: engine))
        worlds.append(World(nodes: .stackToKernel, place: place, engine: engine))
      }
    }
    return worlds
  }()

  /// Those where every byte and every datagram arrives, but streams may take their time: for cases
  /// about streams whose outcome no lost packet changes.
  static let allWires = all + [World(nodes: .badSimulation, place: .client)]

  /// Those that wait for tasks on other threads: a simulation's time does not.
  static let threaded = all.filter { $0.nodes != .simulation }

  /// Those where the server has a link besides its loopback interface.
  static let linked = all.filter { $0.nodes != .kernel && $0.nodes != .stackLoopback }

  /// What chance in the simulations is made from: `SIMULATION_SEED`, to repeat a run.
  static let seed =
    ProcessInfo.processInfo.environment["SIMULATION_SEED"].flatMap(UInt64.init) ?? 1

  /// Runs a case on nodes of its own.
  func run(_ body: (Network) async throws -> Void) async throws {
    let network = try await Network(self)
    do {
      if let simulation = network.simulation {
        try await simulation.run { try await body(network) }
      } else if let executor = network.executor {
        try await withTaskExecutorPreference(executor) { try await body(network) }
      } else {
        try await body(network)
      }
    } catch {
      await network.end()
      throw error
    }
    await network.end()
  }
}

/// The version of the Internet Protocol a case runs over.
enum Family: String, Hashable, Sendable, CaseIterable, CustomTestStringConvertible {
  case v4 = "IPv4"
  case v6 = "IPv6"

  var testDescription: String { rawValue }
}

extension Conformance {
  @Suite("The worlds with io_uring")
  struct EngineWorldTests {
    @Test(
      "are among those that every case runs on",
      .enabled(if: HostNode.Engine.ioUringRefusal == nil, "io_uring cannot be had here"))
    func present() {
      #expect(World.all.contains { $0.engine == .ioUring })
      #expect(HostNode(engine: .ioUring).engine == .ioUring)
    }
  }

  @Suite("The worlds with devices")
  struct TunnelWorldTests {
    @Test(
      "are among those that every case runs on",
      .enabled(if: RootTests.areEnabled, RootTests.reason))
    func present() {
      #expect(World.all.contains { $0.nodes == .kernelToStack })
      #expect(World.all.contains { $0.nodes == .stackToKernel })
    }
  }
}
