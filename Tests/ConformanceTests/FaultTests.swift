import Addresses
import Packets
import ProtocolStack
import Sockets
import Testing

extension Conformance {
  @Suite("Faults", .timeLimit(.minutes(2)))
  struct FaultTests {
    @Test(
      "a peer that dies in the middle of a transfer ends it", arguments: World.all, [true, false])
    func peerDies(world: World, reading: Bool) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let peer = network.start {
          // Dies at a megabyte.
          if reading {
            try await ends.server.write(noise(1 << 20), timeout: patience)
          } else {
            _ = try await ends.server.read(exactly: 1 << 20)
          }
          ends.server.abort()
        }
        let told =
          reading ? await ends.client.readToFailure() : await ends.client.writeToFailure()
        #expect(told == .connectionReset)
        try await peer.value
      }
    }

    @Test("peers that come and die do not keep a listener from others", arguments: World.all)
    func dyingPeers(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let serving = network.start {
          try await withThrowingDiscardingTaskGroup { group in
            for try await connection in listener.connections {
              group.addTask {
                // A reset is this connection's affair.
                try? await connection.write(connection.readAll(timeout: patience))
              }
            }
          }
        }
        for round in 0..<50 {
          let dying = try await network.connect(to: listener)
          if round.isMultiple(of: 3) { try await dying.write("last words") }
          dying.abort()
        }
        let living = try await network.connect(to: listener)
        try await living.write("hello")
        try await living.shutdownSend()
        #expect(try await living.readAll(timeout: patience) == Array("hello".utf8))
        listener.close()
        try await serving.value
      }
    }

    @Test("a stack at its limit of connections has no room for more, until one ends")
    func connectionLimit() async throws {
      var configuration = StackConfiguration()
      configuration.tcp.connectionLimit = 4
      let (client, server) = try StackNode.pair(
        LinkAbilities(mtu: 1_500), configuration: configuration)
      let listener = try await server.listen(on: "tcp://0.0.0.0:7")
      var connections: [TCPConnection] = []
      for _ in 0..<4 {
        connections.append(try await client.connect(to: "tcp://10.0.0.2:7", timeout: patience))
        _ = try await listener.accept(timeout: patience)
      }
      #expect(
        await reason { try await client.connect(to: "tcp://10.0.0.2:7", timeout: patience) }
          == .noBufferSpace)
      connections[0].abort()
      let again = await reason {
        let last = try await client.connect(to: "tcp://10.0.0.2:7", timeout: patience)
        withExtendedLifetime(last) {}
      }
      #expect(again == nil)
    }

    @Test("a stack at its limit of sockets has no room for more, until one is closed")
    func socketLimits() async throws {
      var configuration = StackConfiguration()
      configuration.tcp.listenerLimit = 2
      configuration.udpSocketLimit = 2
      configuration.echoSocketLimit = 2
      let node = try StackNode.pair(LinkAbilities(mtu: 1_500), configuration: configuration).0
      let listeners = [
        try await node.listen(on: "tcp://0.0.0.0:0"), try await node.listen(on: "tcp://0.0.0.0:0"),
      ]
      #expect(await reason { try await node.listen(on: "tcp://0.0.0.0:0") } == .noBufferSpace)
      listeners[0].close()
      _ = try await node.listen(on: "tcp://0.0.0.0:0")
      let sockets = [try await node.bind(), try await node.bind()]
      #expect(await reason { try await node.bind() } == .noBufferSpace)
      sockets[0].close()
      _ = try await node.bind()
      let echoes = [try await node.openEcho(.v4), try await node.openEcho(.v6)]
      #expect(await reason { try await node.openEcho(.v4) } == .noBufferSpace)
      echoes[0].close()
      _ = try await node.openEcho(.v4)
      withExtendedLifetime((listeners, sockets, echoes)) {}
    }
  }
}
