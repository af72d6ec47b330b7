import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("The text of an error", .timeLimit(.minutes(2)))
  struct ErrorTextTests {
    @Test("says who refused a connection", arguments: World.all)
    func refused(world: World) async throws {
      try await world.run { network in
        let port = try await network.vacantPort()
        let endpoint = Endpoint.tcp(network.serverAddress(.v4), port: port)
        let error = await failure { try await network.client.connect(to: endpoint) }
        #expect(error?.description == "connect to \(endpoint): connection refused")
      }
    }

    @Test("says which address is in use", arguments: World.all)
    func inUse(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let listening = await failure { try await network.server.listen(on: listener.local) }
        #expect(listening?.description == "listen on \(listener.local): address already in use")
        let socket = try await network.serverSocket()
        let binding = await failure { try await network.server.bind(socket.local) }
        #expect(binding?.description == "bind to \(socket.local): address already in use")
      }
    }

    @Test("says which address is not available", arguments: World.all)
    func notAvailable(world: World) async throws {
      try await world.run { network in
        let foreign = Endpoint.tcp(Network.foreignAddress(.v4), port: 7)
        let error = await failure { try await network.server.listen(on: foreign) }
        #expect(
          error?.description
            == "listen on tcp://198.51.100.7:7: no interface of this node has that address")
      }
    }

    @Test("says what a stream's end was", arguments: World.all)
    func streams(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let (client, server) = (ends.client, ends.server)
        let late = await failure { try await client.read(timeout: .zero) }
        #expect(late?.description == "read from \(client.remote): not done in the time allowed")
        try await client.shutdownSend()
        let broken = await failure { try await client.write("x") }
        #expect(broken?.description == "write to \(client.remote): this side has ended the stream")
        client.abort()
        let closed = await failure { try await client.read() }
        #expect(closed?.description == "read from \(client.remote): the socket is closed")
        let reset = await failure {
          while !(try await server.read(timeout: patience)).isEmpty {}
        }
        // The end of the stream may have come before the reset.
        if let reset {
          #expect(
            reset.description == "read from \(server.remote): connection reset by the peer")
        }
      }
    }

    @Test("says what became of a datagram", arguments: World.all)
    func datagrams(world: World) async throws {
      try await world.run { network in
        let socket = try await network.clientSocket()
        let late = await failure { try await socket.receive(timeout: .zero) }
        #expect(late?.description == "receive on \(socket.local): not done in the time allowed")
        let unconnected = await failure { try await socket.send([1]) }
        #expect(unconnected?.description == "send on \(socket.local): not connected")
        let long = await failure { try await socket.send(noise(70_000), to: socket.local) }
        #expect(long?.description == "send to \(socket.local): message too long")
      }
    }

    @Test("names both ends", arguments: World.all)
    func ends(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let error = await failure { try await ends.client.read(timeout: .zero) }
        #expect(error?.operation == .read)
        #expect(error?.local == ends.client.local)
        #expect(error?.remote == ends.client.remote)
        #expect(ends.client.description == "\(ends.client.local) <-> \(ends.client.remote)")
      }
    }
  }
}
