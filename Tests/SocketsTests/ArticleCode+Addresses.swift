import Addresses
import Packets
import Sockets
import Testing

// The code of Addresses.md, and its tables. `GuideTests` looks for each of its blocks here.

@Suite("The code of the article about addresses", .timeLimit(.minutes(1)))
struct AddressesArticle {
  @Test("Each end knows both endpoints", arguments: World.allCases)
  func endpoints(world: World) async throws {
    let nodes = try await world.nodes()
    let (client, server, address) = (nodes.client, nodes.server, nodes.address)
    let listener = try await server.listen(on: .tcp(.v4(.any), port: 0))
    let place = Endpoint.tcp(address, port: listener.local.port)
    let connection = try await client.connect(to: place)
    let accepted = try await listener.accept()
    #expect(connection.remote == place)
    #expect(accepted.local == connection.remote && accepted.remote == connection.local)
  }

  @Test("[::] may leave IPv4 alone", arguments: World.allCases)
  func versions(world: World) async throws {
    let node = try await world.nodes().server
    let six = try await node.listen(
      on: .tcp(.v6(.any), port: 0), backlog: 128, ipv6Only: true, options: TCPOptions())
    let four = try await node.listen(on: .tcp(.v4(.any), port: six.local.port))
    #expect(four.local.port == six.local.port)
  }

  @Test("A connection begins where it is told to")
  func from() async throws {
    let nodes = try await World.stack.nodes()
    let client = nodes.client
    let ownAddress = try IPAddress(parsing: "10.0.0.1")
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let connection = try await client.connect(
      to: listener.local, from: .tcp(ownAddress, port: 20_007), options: TCPOptions(),
      timeout: .seconds(30))
    #expect(connection.local.port == 20_007)
  }

  @Test("A node of ours knows its devices by name")
  func deviceNames() async throws {
    let (client, server) = try await StackNode.pair()
    let listener = try await server.listen(on: "tcp://[fd00::2%wire0]:7")
    let connection = try await client.connect(to: "tcp://[fd00::2%wire0]:7", timeout: patience)
    #expect(try await listener.accept(timeout: patience).remote.port == connection.local.port)
    let socket = try await client.bind("udp://[fd00::1%wire0]:9")
    #expect(socket.local.zone == 1)
  }

  @Test("Zones may have names")
  func zones() throws {
    let address = try IPAddress(parsing: "fe80::1")
    let endpoint = try Endpoint(parsing: "tcp://[fe80::1%eth0]:80") { name in
      name == "eth0" ? 2 : nil
    }
    #expect(endpoint == .tcp(address, port: 80, zone: 2))
  }

  @Test("localhost is a name", arguments: World.allCases)
  func localhost(world: World) async throws {
    let node = try await world.nodes().server
    let listener = try await node.listen(on: "tcp://[::]:0")
    let port = listener.local.port
    let connection = try await node.connect(to: "tcp://localhost:\(port)", timeout: .seconds(30))
    #expect(connection.remote.address.isLoopback)
  }

  @Test("A resolver asks the servers it is given")
  func resolver() async throws {
    let nodes = try await World.stack.nodes()
    let node = nodes.client
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      let content: ResourceRecord.Content? =
        switch question.type {
        case .mx: DomainName("mx.example.org").map { .mailExchange(preference: 10, host: $0) }
        case .ptr: DomainName("www.example.org").map { .name($0) }
        default: nil
        }
      let records = content.map {
        [ResourceRecord(question.name, question.type ?? .a, timeToLive: 60, $0)]
      }
      return question.answered(records ?? question.address("192.0.2.1"))
    }
    defer { server.close() }
    let nameServer = server.address
    let address = try IPAddress(parsing: "192.0.2.1")
    let configuration = ResolverConfiguration(servers: [nameServer], timeout: .seconds(10))
    let resolver = Resolver(on: node, configuration: configuration, hosts: HostsTable(text: ""))
    let addresses = try await resolver.addresses(of: "www.example.org")
    let mail = try await resolver.records(of: "example.org", type: .mx)
    let names = try await resolver.names(of: address)
    #expect(addresses.map(\.address) == [address])
    #expect(mail.count == 1)
    #expect(names.count == 1)
  }

  @Test("Texts are read as the table says")
  func texts() throws {
    let table = try ArticleTable("Addresses", heading: ["text", "is read as"])
    #expect(table.rows.count > 10)
    for row in table.rows {
      do throws(AddressError) {
        let endpoint = try Endpoint(parsing: row[0])
        #expect(endpoint.description == row[1])
        #expect(try Endpoint(parsing: row[1]) == endpoint)
      } catch {
        #expect(error.reason.description == row[1])
      }
    }
  }

  @Test("Ports are free or in use as the table says", arguments: World.allCases)
  func ports(world: World) async throws {
    let table = try ArticleTable(
      "Addresses", heading: ["is asked for", "while there is", "Linux", "our stack"])
    #expect(table.rows.count == Self.claims.count)
    for (row, claim) in zip(table.rows, Self.claims) {
      let outcome = await reason { try await claim(Claim(world.nodes())) }
      let expected = row[world == .stack ? 3 : 2] == "in use"
      #expect(outcome == (expected ? .addressInUse : nil), "\(row)")
    }
  }

  /// What a row of the table needs.
  struct Claim {
    let node: any NetworkNode
    let other: any NetworkNode
    let address: IPAddress

    init(_ nodes: World.Nodes) throws {
      node = nodes.server
      other = nodes.client
      address = nodes.address
    }

    func listen(_ address: IPAddress, _ port: PortNumber = 0) async throws -> TCPListener {
      try await node.listen(on: .tcp(address, port: port))
    }

    func listen(ipv6Only: Bool, _ port: PortNumber) async throws {
      _ = try await node.listen(
        on: .tcp(.v6(.any), port: port), backlog: 1, ipv6Only: ipv6Only, options: TCPOptions())
    }

    func bind(_ address: IPAddress, _ port: PortNumber = 0) async throws -> UDPSocket {
      try await node.bind(.udp(address, port: port))
    }

    /// A place to connect to.
    func peer() async throws -> TCPListener {
      let address: IPAddress = node is HostNode ? address : try IPAddress(parsing: "10.0.0.1")
      return try await other.listen(on: .tcp(address, port: 0))
    }

    func connect(to peer: TCPListener, from local: Endpoint? = nil) async throws -> TCPConnection {
      try await node.connect(
        to: peer.local, from: local, options: TCPOptions(), timeout: patience)
    }

    var anywhere: Endpoint { .tcp(address, port: 0) }
  }

  /// What the rows of the table ask for, in their order.
  private static let claims: [@Sendable (Claim) async throws -> Void] = [
    { claim in
      let listener = try await claim.listen(claim.address)
      _ = try await claim.listen(claim.address, listener.local.port)
    },
    { claim in
      let listener = try await claim.listen(claim.address)
      _ = try await claim.listen(.v4(.any), listener.local.port)
    },
    { claim in
      let listener = try await claim.listen(.v4(.any))
      _ = try await claim.listen(claim.address, listener.local.port)
    },
    { claim in
      let listener = try await claim.listen(claim.address)
      try await claim.listen(ipv6Only: false, listener.local.port)
    },
    { claim in
      let listener = try await claim.listen(claim.address)
      try await claim.listen(ipv6Only: true, listener.local.port)
    },
    { claim in
      let listener = try await claim.listen(claim.address)
      _ = try await claim.listen(try IPAddress(parsing: "127.0.0.9"), listener.local.port)
    },
    { claim in
      let listener = try await claim.listen(claim.address)
      let connection = try await claim.other.connect(to: listener.local)
      let accepted = try await listener.accept()
      listener.close()
      _ = try await claim.listen(claim.address, listener.local.port)
      withExtendedLifetime((connection, accepted)) {}
    },
    { claim in
      let peer = try await claim.peer()
      let connection = try await claim.connect(to: peer)
      _ = try await claim.listen(claim.address, connection.local.port)
    },
    { claim in
      let peer = try await claim.peer()
      let connection = try await claim.connect(to: peer, from: claim.anywhere)
      _ = try await claim.listen(claim.address, connection.local.port)
    },
    { claim in
      let peer = try await claim.peer()
      let listener = try await claim.listen(claim.address)
      _ = try await claim.connect(to: peer, from: listener.local)
    },
    { claim in
      let (peer, other) = (try await claim.peer(), try await claim.peer())
      let connection = try await claim.connect(to: peer)
      _ = try await claim.connect(to: other, from: connection.local)
    },
    { claim in
      let (peer, other) = (try await claim.peer(), try await claim.peer())
      let connection = try await claim.connect(to: peer, from: claim.anywhere)
      _ = try await claim.connect(to: other, from: connection.local)
    },
    { claim in
      let peer = try await claim.peer()
      let connection = try await claim.connect(to: peer)
      _ = try await claim.connect(to: peer, from: connection.local)
    },
    { claim in
      let listener = try await claim.listen(claim.address)
      _ = try await claim.bind(claim.address, listener.local.port)
    },
    { claim in
      let socket = try await claim.bind(claim.address)
      _ = try await claim.bind(claim.address, socket.local.port)
    },
    { claim in
      let socket = try await claim.bind(claim.address)
      _ = try await claim.bind(.v4(.any), socket.local.port)
    },
    { claim in
      let socket = try await claim.bind(.v4(.any))
      _ = try await claim.bind(claim.address, socket.local.port)
    },
    { claim in
      let socket = try await claim.bind(claim.address)
      _ = try await claim.bind(.v6(.any), socket.local.port)
    },
  ]
}
