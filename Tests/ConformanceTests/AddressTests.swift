import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("Addresses of TCP sockets", .timeLimit(.minutes(2)))
  struct AddressTests {
    @Test("port zero is another port each time", arguments: World.all, Family.allCases)
    func ephemeral(world: World, family: Family) async throws {
      try await world.run { network in
        var listeners: [TCPListener] = []
        for _ in 0..<10 { listeners.append(try await network.listen(family)) }
        let ports = Set(listeners.map(\.local.port))
        #expect(ports.count == 10)
        #expect(!ports.contains(0))
        #expect(listeners.allSatisfy { $0.local.address == network.serverAddress(family) })
      }
    }

    @Test("an address that somebody listens on is in use", arguments: World.all, Family.allCases)
    func inUse(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.listen(family)
        let wildcard = Endpoint.tcp(Network.wildcard(family), port: listener.local.port)
        for endpoint in [listener.local, wildcard] {
          #expect(await reason { try await network.server.listen(on: endpoint) } == .addressInUse)
        }
        withExtendedLifetime(listener) {}
      }
    }

    @Test(
      "a wildcard that somebody listens on takes the port of every address",
      arguments: World.all, Family.allCases)
    func wildcardInUse(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.server.listen(
          on: .tcp(Network.wildcard(family), port: 0))
        let specific = Endpoint.tcp(network.serverAddress(family), port: listener.local.port)
        for endpoint in [listener.local, specific] {
          #expect(await reason { try await network.server.listen(on: endpoint) } == .addressInUse)
        }
        withExtendedLifetime(listener) {}
      }
    }

    @Test("[::] takes the port of both IP versions", arguments: World.all)
    func dualStackInUse(world: World) async throws {
      try await world.run { network in
        let listener = try await network.server.listen(on: "tcp://[::]:0")
        for address in [IPAddress.v4(.any), network.serverAddress(.v4), network.serverAddress(.v6)]
        {
          let endpoint = Endpoint.tcp(address, port: listener.local.port)
          #expect(await reason { try await network.server.listen(on: endpoint) } == .addressInUse)
        }
        withExtendedLifetime(listener) {}
      }
    }

    @Test("[::] for IPv6 alone leaves the port to IPv4", arguments: World.all)
    func ipv6Only(world: World) async throws {
      try await world.run { network in
        let six = try await network.server.listen(
          on: .tcp(.v6(.any), port: 0), backlog: 8, ipv6Only: true, options: TCPOptions())
        let four = Endpoint.tcp(network.serverAddress(.v4), port: six.local.port)
        #expect(await reason { try await network.client.connect(to: four) } == .connectionRefused)
        let listener = try await network.server.listen(on: four)
        _ = try await network.connect(to: listener)
        #expect(try await listener.accept(timeout: patience).local == four)
      }
    }

    @Test("[::] takes connections of both IP versions", arguments: World.all, Family.allCases)
    func dualStack(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.server.listen(on: "tcp://[::]:0")
        let endpoint = Endpoint.tcp(network.serverAddress(family), port: listener.local.port)
        let client = try await network.client.connect(to: endpoint, timeout: patience)
        let server = try await listener.accept(timeout: patience)
        #expect(server.local == endpoint)
        #expect(server.remote == client.local)
      }
    }

    @Test(
      "an address of nobody's, or of another node's, is not available",
      arguments: World.all, Family.allCases)
    func notAvailable(world: World, family: Family) async throws {
      try await world.run { network in
        let foreign = Endpoint.tcp(Network.foreignAddress(family), port: 0)
        #expect(
          await reason { try await network.server.listen(on: foreign) } == .addressNotAvailable)
        let listener = try await network.listen(family)
        #expect(
          await reason {
            try await network.client.connect(
              to: listener.local, from: foreign, options: TCPOptions(), timeout: patience)
          } == .addressNotAvailable)
      }
    }

    @Test(
      "an address is free as soon as its listener is closed", arguments: World.all, Family.allCases)
    func freedByClose(world: World, family: Family) async throws {
      try await world.run { network in
        let local = try await network.listen(family).local
        for _ in 0..<20 {
          let listener = try await network.server.listen(on: local)
          #expect(listener.local == local)
          listener.close()
        }
      }
    }

    @Test("connections that end do not keep a listener from its port again", arguments: World.all)
    func freedDespiteConnections(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let client = try await network.connect(to: listener)
        let server = try await listener.accept(timeout: patience)
        listener.close()
        // The side that ends first keeps the connection for a while (TIME-WAIT).
        try await server.shutdownSend()
        #expect(try await client.read(timeout: patience).isEmpty)
        client.close()
        #expect(try await server.read(timeout: patience).isEmpty)
        server.close()
        let again = try await network.server.listen(on: listener.local)
        _ = try await network.connect(to: again)
      }
    }

    @Test("TCP and UDP have ports of their own", arguments: World.all, Family.allCases)
    func separatePorts(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.listen(family)
        let socket = try await network.server.bind(
          .udp(network.serverAddress(family), port: listener.local.port))
        #expect(socket.local.port == listener.local.port)
        withExtendedLifetime(listener) {}
      }
    }

    @Test(
      "each end's remote endpoint is the other's local one", arguments: World.all, Family.allCases)
    func twins(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.listen(family)
        let client = try await network.connect(to: listener)
        let server = try await listener.accept(timeout: patience)
        #expect(client.remote == listener.local)
        #expect(server.local == listener.local)
        #expect(server.remote == client.local)
        #expect(client.local.address == network.clientAddress(family))
        #expect(client.local.port != 0)
      }
    }

    @Test(
      "a connection begins at the port that is asked for", arguments: World.all, Family.allCases)
    func chosenPort(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.listen(family)
        let local = try await network.client.listen(
          on: .tcp(network.clientAddress(family), port: 0)
        ).local
        for from in [local, .tcp(Network.wildcard(family), port: local.port)] {
          let client = try await network.client.connect(
            to: listener.local, from: from, options: TCPOptions(), timeout: patience)
          #expect(client.local == local)
          #expect(try await listener.accept(timeout: patience).remote == local)
          // A reset leaves nothing of it.
          client.abort()
        }
      }
    }

    @Test("connections from one node have different ports", arguments: World.all)
    func differentPorts(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        var connections: [TCPConnection] = []
        for _ in 0..<50 { connections.append(try await network.connect(to: listener)) }
        #expect(Set(connections.map(\.local)).count == 50)
      }
    }

    @Test("one pair of endpoints is one connection", arguments: World.all)
    func samePair(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let first = try await network.connect(to: listener)
        let again = await reason {
          try await network.client.connect(
            to: listener.local, from: first.local, options: TCPOptions(), timeout: patience)
        }
        #expect(again == .addressInUse)
        withExtendedLifetime(first) {}
      }
    }

    @Test("the two ends of a connection are of one IP version", arguments: World.all)
    func mixedVersions(world: World) async throws {
      try await world.run { network in
        for (remote, own) in [(Family.v6, Family.v4), (.v4, .v6)] {
          let listener = try await network.listen(remote)
          for address in [network.clientAddress(own), own == .v4 ? .v4(.any) : .v6(.any)] {
            let from = Endpoint.tcp(address, port: 0)
            #expect(
              await reason {
                try await network.client.connect(
                  to: listener.local, from: from, options: TCPOptions(), timeout: patience)
              } == .addressFamilyNotSupported)
          }
        }
      }
    }

    @Test("a link-local address says on which link", arguments: World.all)
    func linkLocalWithoutZone(world: World) async throws {
      try await world.run { network in
        let nowhere = IPAddress.v6(IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 0x77))
        let client = network.client
        let socket = try await client.bind("udp://[::]:0")
        let outcomes = [
          await reason { try await client.connect(to: .tcp(nowhere, port: 7), timeout: patience) },
          await reason { try await client.listen(on: .tcp(nowhere, port: 0)) },
          await reason { try await client.bind(.udp(nowhere, port: 0)) },
          await reason { try await socket.connect(to: .udp(nowhere, port: 7)) },
        ]
        #expect(outcomes == Array(repeating: .invalidOperation, count: 4))
      }
    }

    @Test("an IPv4-mapped address is the IPv4 address", arguments: World.all)
    func mapped(world: World) async throws {
      try await world.run { network in
        let listener = try await network.server.listen(on: "tcp://0.0.0.0:0")
        let mapped = IPAddress.v6(network.serverAddress(.v4).mapped)
        let client = try await network.client.connect(
          to: .tcp(mapped, port: listener.local.port), timeout: patience)
        let server = try await listener.accept(timeout: patience)
        #expect(client.remote == server.local)
        #expect(client.remote.address == network.serverAddress(.v4))
      }
    }

    @Test("an IPv4-mapped address to begin at is the IPv4 address", arguments: World.all)
    func mappedLocal(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let own = network.clientAddress(.v4)
        for remote in [listener.local.address, .v6(listener.local.address.mapped)] {
          for local in [own, .v6(own.mapped)] {
            let client = try await network.client.connect(
              to: .tcp(remote, port: listener.local.port), from: .tcp(local, port: 0),
              options: TCPOptions(), timeout: patience)
            #expect(client.local.address == own)
          }
        }
      }
    }

    @Test("a zone may be called by the name of an interface", arguments: World.all)
    func zoneName(world: World) async throws {
      try await world.run { network in
        for text in ["tcp://[::1%nowhere]:0", "tcp://[fe80::1%nowhere]:7"] {
          #expect(await reason { try await network.server.listen(on: text) }?.isBadEndpoint == true)
          #expect(
            await reason { try await network.client.connect(to: text) }?.isBadEndpoint == true)
        }
        guard !network.isOurs(.server) else { return }
        let listener = try await network.server.listen(on: "tcp://[::1%lo]:0")
        let connection = try await network.server.connect(
          to: "tcp://[::1%lo]:\(listener.local.port)")
        #expect(connection.remote.address == .v6(.loopback))
      }
    }

    @Test("a connection may begin at a port that somebody listens on", arguments: World.all)
    func fromListener(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let own = try await network.client.listen(on: .tcp(network.clientAddress(.v4), port: 0))
        let outcome = await reason {
          try await network.client.connect(
            to: listener.local, from: own.local, options: TCPOptions(), timeout: patience)
        }
        #expect(outcome == network.expected(.addressInUse, .client, (.portsOfConnections, nil)))
        withExtendedLifetime(own) {}
      }
    }

    @Test("port zero is nobody's to connect to", arguments: World.all)
    func portZero(world: World) async throws {
      try await world.run { network in
        let nobody = Endpoint.tcp(network.clientAddress(.v4), port: 0)
        let outcome = await reason {
          try await network.client.connect(to: nobody, timeout: patience)
        }
        #expect(
          outcome == network.expected(.connectionRefused, .client, (.portZero, .invalidOperation)))
      }
    }

    @Test("a listener may have the port of a connection", arguments: World.all, [true, false])
    func listenerAtConnection(world: World, isChosen: Bool) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let from = Endpoint.tcp(network.clientAddress(.v4), port: 0)
        let connection = try await network.client.connect(
          to: listener.local, from: isChosen ? from : nil, options: TCPOptions(), timeout: patience)
        let outcome = await reason { try await network.client.listen(on: connection.local) }
        let expected: SocketError.Reason? =
          isChosen
          ? nil : network.expected(.addressInUse, .client, (.portsOfConnections, nil))
        #expect(outcome == expected)
      }
    }

    /// What is no endpoint for a TCP socket.
    static let badEndpoints = ["", "nonsense", "udp://0.0.0.0:0", "tcp://0.0.0.0", "tcp://[::1:80"]

    @Test(
      "what is no tcp:// endpoint is refused with a complaint",
      arguments: World.all, badEndpoints)
    func badEndpoint(world: World, text: String) async throws {
      try await world.run { network in
        let listening = await reason { try await network.server.listen(on: text) }
        #expect(listening?.isBadEndpoint == true)
        let connecting = await reason { try await network.client.connect(to: text) }
        #expect(connecting?.isBadEndpoint == true)
      }
    }

    @Test("UDP's endpoints are none to connect from", arguments: World.all)
    func badLocalEndpoint(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let from = Endpoint.udp(network.clientAddress(.v4), port: 0)
        let connecting = await reason {
          try await network.client.connect(
            to: listener.local, from: from, options: TCPOptions(), timeout: patience)
        }
        #expect(connecting?.isBadEndpoint == true)
      }
    }
  }
}
