import Addresses
import Packets
import ProtocolStack
import Simulation
import Testing

/// Two hosts and one wire: the smallest world.
struct Pair: ~Copyable {
  var world: World
  let client: Int
  let server: Int
  let wire: Int

  static func prefix(_ text: String) throws -> Prefix { try Prefix(parsing: text) }
  static func address(_ version: Version, _ port: UInt16) throws -> SocketAddress {
    SocketAddress(
      try IPAddress(parsing: version == .v4 ? "10.0.0.2" : "fd00::2"),
      port: PortNumber(rawValue: port))
  }

  enum Version: String, CaseIterable, CustomTestStringConvertible {
    case v4, v6
    var testDescription: String { self == .v4 ? "IPv4" : "IPv6" }
  }

  init(
    seed: UInt64, _ conditions: WireConditions = WireConditions(),
    backwards: WireConditions? = nil, configuration: StackConfiguration = StackConfiguration(),
    abilities: LinkAbilities = LinkAbilities(mtu: 1_500), monitored: Bool = true
  ) throws {
    world = World(seed: seed)
    if monitored { world.monitor = WireMonitor() }
    client = world.addHost("client", configuration: configuration)
    server = world.addHost("server", configuration: configuration)
    wire = try world.addWire(
      .direct,
      [
        WireAttachment(
          client, [Self.prefix("10.0.0.1/24"), Self.prefix("fd00::1/64")], abilities: abilities,
          outbound: conditions),
        WireAttachment(
          server, [Self.prefix("10.0.0.2/24"), Self.prefix("fd00::2/64")], abilities: abilities,
          outbound: backwards ?? conditions),
      ])
  }

  /// Starts a transfer of so many bytes each way, on a port of its own.
  @discardableResult
  mutating func transfer(
    _ version: Version = .v4, port: UInt16 = 5_000, up: Int, down: Int = 0,
    client clientHabits: (inout Transfer.Plan) -> Void = { _ in },
    server serverHabits: (inout Transfer.Plan) -> Void = { _ in }
  ) throws -> Transfers {
    var plan = Transfer.Plan()
    plan.sends = up
    plan.sendsFlow = UInt64(port) * 2
    plan.expects = down
    plan.expectsFlow = UInt64(port) * 2 + 1
    var answer = Transfer.Plan()
    answer.sends = down
    answer.sendsFlow = plan.expectsFlow
    answer.expects = up
    answer.expectsFlow = plan.sendsFlow
    clientHabits(&plan)
    serverHabits(&answer)
    let transfers = Transfers()
    let address = try Self.address(version, port)
    world.launch(
      Server(on: address, options: answer.options) { socket, _, _ in
        let transfer = Transfer(accepted: socket, answer)
        transfers.server = transfer
        return transfer
      }, on: server)
    transfers.client = Transfer(to: address, plan)
    if let program = transfers.client { world.launch(program, on: client) }
    return transfers
  }

  /// Both ends of a connection, to look at afterwards.
  final class Transfers {
    var client: Transfer?
    var server: Transfer?
  }
}
