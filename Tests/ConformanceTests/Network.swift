import Addresses
import Simulation
import Sockets
import Synchronization

/// Two nodes that reach each other, the addresses they have for that, and what a case does with
/// them again and again.
struct Network: Sendable {
  let world: World
  let server: any NetworkNode
  let client: any NetworkNode
  /// The numbers of the two in their common network; nil where they are one node on its loopback.
  private let numbers: (net: Int, server: Int, client: Int)?
  /// What the two are part of, if they are not real.
  let simulation: SimulatedNetwork?

  /// The executor that the tasks of a case prefer.
  var executor: (any TaskExecutor)? {
    switch world.place {
    case .anywhere: nil
    case .client: client.executor
    case .server: server.executor
    }
  }

  private static let devices = Atomic<Int>(0)

  init(_ world: World) async throws {
    self.world = world
    simulation = try SimulatedNetwork(of: world)
    switch world.nodes {
    case .simulation, .badSimulation:
      guard let simulation else { throw SocketError(.open, reason: .invalidOperation) }
      client = try simulation.addNode("client")
      server = try simulation.addNode("server")
      numbers = (0, 2, 1)
    case .kernel:
      let node = HostNode(engine: world.engine)
      (server, client, numbers) = (node, node, nil)
    case .stack:
      (client, server) = try await StackNode.pair()
      numbers = (0, 2, 1)
    case .stackLoopback:
      let node = try await StackNode.pair().0
      (server, client, numbers) = (node, node, nil)
    case .kernelToStack, .stackToKernel:
      let number = Self.devices.add(1, ordering: .relaxed).newValue
      let stack = try await StackNode(
        .tun(
          "conform\(number)", "10.\(8 + number / 250).\(number % 250).2/24",
          "fd08:\(String(number, radix: 16))::2/64"))
      if world.nodes == .kernelToStack {
        (server, client, numbers) = (stack, HostNode(engine: world.engine), (number, 2, 1))
      } else {
        (server, client, numbers) = (HostNode(engine: world.engine), stack, (number, 1, 2))
      }
    }
  }

  /// Takes down the device there may be: its addresses must not be this machine's any more when the
  /// next case begins.
  func end() async {
    for case let node as StackNode in [client, server] where world.hasDevice {
      await node.shutdown(within: .zero)
    }
  }

  /// Whether both sides are one node.
  var isOneNode: Bool { numbers == nil }

  /// Who does what a case looks at.
  enum Side { case client, server }

  /// Whether that side is our stack, whose differences from Linux are listed.
  func isOurs(_ side: Side) -> Bool {
    switch world.nodes {
    case .kernel: false
    case .stack, .stackLoopback, .simulation, .badSimulation: true
    case .kernelToStack: side == .server
    case .stackToKernel: side == .client
    }
  }

  /// What a call comes to on a side: what it comes to on Linux, or where our stack differs, what
  /// the list of differences says.
  func expected<Value>(_ linux: Value, _ side: Side, _ difference: (Difference, Value)) -> Value {
    isOurs(side) ? difference.1 : linux
  }

  // MARK: Addresses

  func serverAddress(_ family: Family) -> IPAddress { address(family, numbers?.server) }
  func clientAddress(_ family: Family) -> IPAddress { address(family, numbers?.client) }

  /// An address of the common network that nobody has.
  func vacantAddress(_ family: Family) -> IPAddress { address(family, 77) }

  private func address(_ family: Family, _ number: Int?) -> IPAddress {
    let low = UInt8(clamping: number ?? 1)
    let net = numbers?.net ?? 0
    switch (family, isOneNode) {
    case (.v4, true): return .v4(.loopback)
    case (.v6, true): return .v6(.loopback)
    case (.v4, false):
      return .v4(
        net == 0
          ? IPv4Address(10, 0, 0, low)
          : IPv4Address(10, UInt8(clamping: 8 + net / 250), UInt8(clamping: net % 250), low))
    case (.v6, false):
      let high: UInt64 = net == 0 ? 0xFD00 << 48 : 0xFD08 << 48 | UInt64(clamping: net) << 32
      return .v6(IPv6Address(high: high, low: UInt64(low)))
    }
  }

  /// The name of the common network's interface, the same on both sides.
  var interface: String {
    switch world.nodes {
    case .kernel: "lo"
    case .stack, .stackLoopback, .simulation, .badSimulation: "wire0"
    case .kernelToStack, .stackToKernel: "conform\(numbers?.net ?? 0)"
    }
  }

  /// The broadcast address of the common network.
  var broadcastAddress: IPAddress {
    switch world.nodes {
    case .kernel: .v4(IPv4Address(127, 255, 255, 255))
    case .stackLoopback: .v4(IPv4Address(10, 0, 0, 255))
    default: address(.v4, 255)
    }
  }

  /// An address of a documentation network (RFC 5737, RFC 3849), which no node here has.
  static func foreignAddress(_ family: Family) -> IPAddress {
    switch family {
    case .v4: .v4(IPv4Address(198, 51, 100, 7))
    case .v6: .v6(IPv6Address(high: 0x2001_0DB8 << 32, low: 7))
    }
  }

  static func wildcard(_ family: Family) -> IPAddress { family == .v4 ? .v4(.any) : .v6(.any) }

  // MARK: Tasks

  /// A task that runs where the case does.
  func start<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) -> Task<Value, any Error> {
    Task(executorPreference: executor) { try await body() }
  }

  /// As ``start(_:)``; its value is the reason of the error that `body` throws.
  func startReason<Value: Sendable>(
    _ body: @escaping @Sendable () async throws -> Value
  ) -> Task<SocketError.Reason?, Never> {
    Task(executorPreference: executor) { await reason(body) }
  }

  // MARK: Sockets

  /// A listener of the server's, at a port that the server chose.
  func listen(
    _ family: Family = .v4, backlog: Int = 128, options: TCPOptions = TCPOptions()
  ) async throws -> TCPListener {
    try await server.listen(
      on: .tcp(serverAddress(family), port: 0), backlog: backlog, options: options)
  }

  func connect(
    to listener: TCPListener, options: TCPOptions = TCPOptions()
  ) async throws -> TCPConnection {
    try await client.connect(to: listener.local, options: options, timeout: patience)
  }

  /// A connection and its other end.
  struct Ends: Sendable {
    let client: TCPConnection
    let server: TCPConnection
  }

  func connection(
    _ family: Family = .v4, options: TCPOptions = TCPOptions()
  ) async throws -> Ends {
    let listener = try await listen(family, options: options)
    let client = try await connect(to: listener, options: options)
    return Ends(client: client, server: try await listener.accept(timeout: patience))
  }

  /// A UDP socket of the server's, at its address and a port it chose.
  func serverSocket(
    _ family: Family = .v4, options: UDPOptions = UDPOptions()
  ) async throws -> UDPSocket {
    try await server.bind(.udp(serverAddress(family), port: 0), options: options)
  }

  func clientSocket(
    _ family: Family = .v4, options: UDPOptions = UDPOptions()
  ) async throws -> UDPSocket {
    try await client.bind(.udp(clientAddress(family), port: 0), options: options)
  }

  /// A port at which nobody listens: somebody just did. None that the system gives to whoever asks
  /// for any, as others may meanwhile.
  func vacantPort(_ family: Family = .v4) async throws -> PortNumber {
    for _ in 0..<100 {
      let port = PortNumber(rawValue: UInt16.random(in: 20_000..<30_000))
      let place = Endpoint.tcp(serverAddress(family), port: port)
      if let listener = try? await server.listen(on: place) { return listener.local.port }
    }
    throw SocketError(.listen, reason: .addressInUse)
  }

  /// Where connection requests are swallowed, as long as it is held.
  struct Abyss: Sendable {
    let endpoint: Endpoint
    private let holding: [any Sendable]

    init(_ endpoint: Endpoint, holding: [any Sendable] = []) {
      self.endpoint = endpoint
      self.holding = holding
    }
  }

  /// Where there is a network, an address that nobody has. On the kernel's loopback a
  /// listener that takes no more.
  func abyss() async throws -> Abyss {
    switch world.nodes {
    case .kernel: break
    // The node's other address is on a cable that nobody takes packets from.
    case .stackLoopback: return Abyss(.tcp(.v4(IPv4Address(10, 0, 0, 77)), port: 7))
    default:
      return Abyss(.tcp(vacantAddress(.v4), port: 7))
    }
    let listener = try await listen(backlog: 0)
    var holding: [any Sendable] = [listener]
    while true {
      do {
        let brief = Duration.milliseconds(500)
        holding.append(try await client.connect(to: listener.local, timeout: brief))
      } catch {
        return Abyss(listener.local, holding: holding)
      }
    }
  }
}
