import Addresses
import Sockets
import Testing

// The code of Options.md, and its tables. `GuideTests` looks for each of its blocks here.

@Suite("The code of the article about options", .timeLimit(.minutes(1)))
struct OptionsArticle {
  @Test("Options are given when a socket is made, and changed later", arguments: World.allCases)
  func connection(world: World) async throws {
    let nodes = try await world.nodes()
    let client = nodes.client
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let options = TCPOptions(
      noDelay: true, keepAlive: .init(idle: .seconds(60), interval: .seconds(10), probes: 3),
      userTimeout: .seconds(30))
    let connection = try await client.connect(to: listener.local, options: options)
    try await change(connection)
    #expect(try await connection.info().state == .established)
  }

  private func change(_ connection: TCPConnection) async throws {
    var options = TCPOptions()
    options.noDelay = false
    try await connection.setOptions(options)
  }

  func prefer(_ socket: some ConfigurableSocket) async throws {
    try await socket.set(.trafficClass, to: TrafficClass(dscp: 46))
  }

  @Test("Any socket's options are set alike", arguments: World.allCases)
  func anySocket(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let sockets: [any ConfigurableSocket] = [
      listener, try await nodes.client.connect(to: listener.local), try await nodes.client.bind(),
    ]
    for socket in sockets {
      try await prefer(socket)
      #expect(try await socket.value(of: .trafficClass).dscp == 46)
    }
  }

  @Test("A datagram's options come before its socket's", arguments: World.allCases)
  func datagrams(world: World) async throws {
    let nodes = try await world.nodes()
    let node = nodes.client
    let other = try await nodes.server.bind(.udp(nodes.address, port: 0))
    let peer = other.local
    let socket = try await node.bind(options: UDPOptions(trafficClass: TrafficClass(dscp: 46)))
    try await socket.send([1], to: peer)
    try await socket.send([2].span, to: peer, with: DatagramOptions(hopLimit: 3))
    let first = try await other.receive(timeout: patience)
    #expect(first.header.trafficClass.dscp == 46)
    #expect(first.header.hopLimit == 64)
    let second = try await other.receive(timeout: patience)
    #expect(second.header.trafficClass.dscp == 46)
    #expect(second.header.hopLimit == 3)
  }

  @Test("A connection goes by one device, where there is one of the name")
  func device() async throws {
    let nodes = try await World.stack.nodes()
    let node = nodes.client
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let remote = listener.local
    let refusal = await #expect(throws: SocketError.self) {
      let options = TCPOptions(device: "eth0")
      let connection = try await node.connect(to: remote, options: options)
      connection.close()
    }
    #expect(refusal?.reason == .noSuchInterface("eth0"))
  }

  @Test("Every option has its row, and no other")
  func everyOption() throws {
    let long = ["option", "unit", "without it", "on Linux", "on our stack"]
    let tables: [(any Sendable, [String])] = [
      (ResolverConfiguration(servers: []), ["option", "unit", "without it", "there"])
    ]
    for (options, heading) in tables {
      let table = try ArticleTable("Options", heading: heading)
      #expect(table.rows.map { $0[0] } == Self.names(options))
    }
    let short = try ArticleTable.all("Options", heading: ["option", "unit", "without it"])
    #expect(
      short.map { $0.rows.map { $0[0] } } == [
        Self.names(DatagramOptions()), Self.names(RawOptions()), Self.names(PacketOptions()),
      ])
    let all = try ArticleTable.all("Options", heading: long)
    #expect(
      all.map { $0.rows.map { $0[0] } } == [
        Self.names(TCPOptions()), Self.names(UDPOptions()),
      ])
  }

  private static func names(_ options: any Sendable) -> [String] {
    Mirror(reflecting: options).children.compactMap(\.label)
  }
}
