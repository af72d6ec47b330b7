import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("The options of any socket that is alive", .timeLimit(.minutes(2)))
  struct ConfigurableSocketTests {
    /// Each option of packets' fields is what it was set to.
    private func setFields(of socket: some ConfigurableSocket) async throws {
      #expect(try await socket.value(of: .hopLimit) == 64)
      try await socket.set(.hopLimit, to: 7)
      #expect(try await socket.value(of: .hopLimit) == 7)
      let choice = TrafficClass(dscp: 46)
      try await socket.set(.trafficClass, to: choice)
      #expect(try await socket.value(of: .trafficClass) == choice)
      #expect(
        await reason { try await socket.set(.hopLimit, to: 256) } == .invalidOperation)
    }

    @Test(
      "are set by code that does not know its kind", arguments: World.all, Family.allCases)
    func anyKind(world: World, family: Family) async throws {
      try await world.run { network in
        try await setFields(of: network.listen(family))
        try await setFields(of: network.connection(family).client)
        try await setFields(of: network.clientSocket(family))
        try await setFields(of: network.openRaw(.client, family == .v4 ? .v4 : .v6, 253))
      }
    }

    @Test("of a raw one hold for its packets", arguments: World.all, Family.allCases)
    func raw(world: World, family: Family) async throws {
      try await world.run { network in
        let version: RawSocket.Version = family == .v4 ? .v4 : .v6
        let server = try await network.openRaw(.server, version, 253)
        let client = try await network.openRaw(.client, version, 253)
        try await setFields(of: client)
        try await client.set(.broadcast, to: true)
        #expect(try await client.value(of: .broadcast))
        try await client.set(.receiveBuffer, to: 100_000)
        #expect(try await client.value(of: .receiveBuffer) == 100_000)
        try await client.send([1].span, to: .ip(network.serverAddress(family)))
        let header = try await server.receive(timeout: patience).header
        #expect(header.hopLimit == 7)
        #expect(header.trafficClass == TrafficClass(dscp: 46))
        // All at once takes them back.
        try await client.setOptions(RawOptions(receiveBufferLimit: 50_000))
        #expect(try await client.value(of: .trafficClass) == TrafficClass())
        #expect(try await client.value(of: .receiveBuffer) == 50_000)
        #expect(await reason { try await client.value(of: .noDelay) } == .unsupported)
        client.close()
        #expect(await reason { try await client.value(of: .hopLimit) } == .closed)
      }
    }

    @Test("of echo sockets are the kernel's alone", arguments: World.all, Family.allCases)
    func echo(world: World, family: Family) async throws {
      try await world.run { network in
        let socket = try await network.openEcho(family == .v4 ? .v4 : .v6)
        let outcome = await reason {
          try await socket.set(.receiveBuffer, to: 100_000)
          #expect(try await socket.value(of: .receiveBuffer) == 100_000)
          try await socket.set(.trafficClass, to: TrafficClass(dscp: 46))
          #expect(try await socket.value(of: .trafficClass).dscp == 46)
        }
        #expect(outcome == (network.isOurs(.client) ? .unsupported : nil))
        #expect(await reason { try await socket.set(.noDelay, to: true) } == .unsupported)
      }
    }

    @Test("of packet sockets are the kernel's alone", arguments: PacketTests.worlds)
    func packets(world: World) async throws {
      try await world.run { network in
        let socket = try await network.openPackets(.client, PacketOptions())
        let outcome = await reason {
          try await socket.set(.receiveBuffer, to: 100_000)
          #expect(try await socket.value(of: .receiveBuffer) == 100_000)
          try await socket.set(.priority, to: 3)
          #expect(try await socket.value(of: .priority) == 3)
        }
        #expect(outcome == (network.isOurs(.client) ? .unsupported : nil))
        // There is no one version of IP that it would speak.
        #expect(await reason { try await socket.set(.hopLimit, to: 3) } == .unsupported)
      }
    }

    /// Has the options of what it keeps.
    private struct Wrapper: ConfigurableSocket {
      let connection: TCPConnection
      var optionAccess: SocketOptionAccess { connection.optionAccess }
    }

    @Test("are those of a type that keeps it, errors and all", arguments: World.all)
    func wrapper(world: World) async throws {
      try await world.run { network in
        let connection = try await network.connection().client
        let wrapper = Wrapper(connection: connection)
        try await wrapper.set(.keepCount, to: 5)
        #expect(try await connection.value(of: .keepCount) == 5)
        let error = await failure { try await wrapper.set(.keepCount, to: 0) }
        #expect(
          error
            == SocketError(
              .configure, local: connection.local, remote: connection.remote,
              reason: .invalidOperation))
        connection.close()
        #expect(await reason { try await wrapper.value(of: .keepCount) } == .closed)
      }
    }
  }
}
