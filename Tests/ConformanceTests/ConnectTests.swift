import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("Connecting", .timeLimit(.minutes(2)))
  struct ConnectTests {
    @Test("to a port without a listener is refused", arguments: World.allWires, Family.allCases)
    func refused(world: World, family: Family) async throws {
      try await world.run { network in
        let port = try await network.vacantPort(family)
        let endpoint = Endpoint.tcp(network.serverAddress(family), port: port)
        for _ in 0..<3 {
          let outcome = await reason {
            try await network.client.connect(to: endpoint, timeout: patience)
          }
          #expect(outcome == .connectionRefused)
        }
      }
    }

    @Test("to a listener that was closed is refused", arguments: World.allWires, Family.allCases)
    func closedListener(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.listen(family)
        _ = try await network.connect(to: listener)
        listener.close()
        var outcome: SocketError.Reason?
        repeat {
          outcome = await reason { try await network.connect(to: listener) }
          // Listed as Difference.closeInNextTurn.
        } while outcome == nil && network.isOurs(.server)
        #expect(outcome == .connectionRefused)
      }
    }

    @Test(
      "to a multicast address leads nowhere", arguments: World.allWires, ["224.0.0.1", "[ff02::1]"])
    func multicast(world: World, address: String) async throws {
      try await world.run { network in
        #expect(
          await reason {
            try await network.client.connect(to: "tcp://\(address):7", timeout: patience)
          } == .networkUnreachable)
      }
    }

    @Test("to a broadcast address leads nowhere", arguments: World.allWires)
    func broadcast(world: World) async throws {
      try await world.run { network in
        for address in [network.broadcastAddress, .v4(.broadcast)] {
          #expect(
            await reason {
              try await network.client.connect(to: .tcp(address, port: 7), timeout: patience)
            } == .networkUnreachable)
        }
      }
    }

    @Test(
      "to a network without a route is impossible, by our stack's own routes",
      arguments: World.allWires.filter { $0.nodes == .stack || $0.nodes == .stackLoopback },
      Family.allCases)
    func noRoute(world: World, family: Family) async throws {
      try await world.run { network in
        let endpoint = Endpoint.tcp(Network.foreignAddress(family), port: 7)
        #expect(
          await reason { try await network.client.connect(to: endpoint, timeout: patience) }
            == .networkUnreachable)
      }
    }

    @Test(
      "to a wildcard address reaches the node itself", arguments: World.allWires, Family.allCases)
    func wildcard(world: World, family: Family) async throws {
      try await world.run { network in
        let address = Network.wildcard(family)
        let listener = try await network.client.listen(on: .tcp(address, port: 0))
        let endpoint = Endpoint.tcp(address, port: listener.local.port)
        if network.isOurs(.client) {
          // Listed as Difference.wildcardDestination.
          #expect(
            await reason { try await network.client.connect(to: endpoint) } == .invalidOperation)
        } else {
          let client = try await network.client.connect(to: endpoint, timeout: patience)
          #expect(client.remote.address.isLoopback)
        }
      }
    }

    @Test(
      "reaches the node itself at all its addresses", arguments: World.allWires, Family.allCases)
    func itself(world: World, family: Family) async throws {
      try await world.run { network in
        let loopback: IPAddress = family == .v4 ? .v4(.loopback) : .v6(.loopback)
        let listener = try await network.server.listen(
          on: .tcp(Network.wildcard(family), port: 0))
        for address in [network.serverAddress(family), loopback] {
          let client = try await network.server.connect(
            to: .tcp(address, port: listener.local.port), timeout: patience)
          let server = try await listener.accept(timeout: patience)
          try await client.write("to myself")
          #expect(try await server.read(exactly: 9) == Array("to myself".utf8))
          #expect(client.local.address == address)
        }
      }
    }

    @Test("from a port to itself is a connection with one end", arguments: World.allWires)
    func selfConnection(world: World) async throws {
      try await world.run { network in
        let port = try await network.vacantPort()
        let endpoint = Endpoint.tcp(network.serverAddress(.v4), port: port)
        // RFC 9293 §3.5: both sides of a simultaneous open are the same.
        let connection = try await network.server.connect(
          to: endpoint, from: endpoint, options: TCPOptions(), timeout: patience)
        #expect(connection.local == connection.remote)
        try await connection.write("to myself")
        #expect(try await connection.read(exactly: 9) == Array("to myself".utf8))
      }
    }

    @Test("where nobody answers takes no longer than its time allowed", arguments: World.allWires)
    func deadline(world: World) async throws {
      try await world.run { network in
        let abyss = try await network.abyss()
        #expect(
          await reason {
            try await network.client.connect(to: abyss.endpoint, timeout: .milliseconds(20))
          } == .deadlineExceeded)
      }
    }

    @Test("where nobody answers can be cancelled", arguments: World.allWires)
    func cancelled(world: World) async throws {
      try await world.run { network in
        let abyss = try await network.abyss()
        let connecting = network.startReason {
          try await network.client.connect(to: abyss.endpoint, timeout: patience)
        }
        _ = await reason {
          try await network.client.connect(to: abyss.endpoint, timeout: .milliseconds(20))
        }
        connecting.cancel()
        #expect(await connecting.value == .cancelled)
      }
    }

    @Test("gives the local port back when it fails", arguments: World.allWires)
    func portGivenBack(world: World) async throws {
      try await world.run { network in
        let (port, local) = try await network.twoPorts()
        for _ in 0..<5 {
          #expect(
            await reason {
              try await network.client.connect(
                to: .tcp(network.serverAddress(.v4), port: port), from: local,
                options: TCPOptions(), timeout: patience)
            } == .connectionRefused)
        }
        _ = try await network.client.listen(on: local)
      }
    }

    @Test("works a hundred times at once", arguments: World.allWires)
    func many(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let accepting = network.start {
          var remotes: Set<Endpoint> = []
          for _ in 0..<100 {
            let connection = try await listener.accept(timeout: patience)
            remotes.insert(connection.remote)
            try await connection.write("welcome")
          }
          return remotes
        }
        let locals = try await withThrowingTaskGroup(of: Endpoint.self) { group in
          for _ in 0..<100 {
            group.addTask {
              let connection = try await network.connect(to: listener)
              #expect(try await connection.readAll(timeout: patience) == Array("welcome".utf8))
              return connection.local
            }
          }
          return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(try await accepting.value == locals)
        #expect(locals.count == 100)
      }
    }
  }
}

extension Network {
  /// A port of the server's where nobody listens, and an endpoint of the client's that nobody has.
  fileprivate func twoPorts() async throws -> (PortNumber, Endpoint) {
    // Both at once: on one node they must differ.
    let there = try await listen()
    let here = try await client.listen(on: .tcp(clientAddress(.v4), port: 0))
    return (there.local.port, here.local)
  }
}
