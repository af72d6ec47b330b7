import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("An echo socket", .timeLimit(.minutes(2)))
  struct EchoTests {
    @Test("gets its payload back, whole", arguments: World.all, [0, 1, 56, 1_400, 60_000])
    func reply(world: World, size: Int) async throws {
      try await world.run { network in
        for family in Family.allCases {
          let remote = network.serverAddress(family)
          let socket = try await network.openEcho(remote.isIPv4 ? .v4 : .v6)
          let payload = noise(size)
          try await socket.send(payload.span, to: remote, sequence: 3)
          var bytes = [UInt8](repeating: 0, count: 65_536)
          var span = bytes.mutableSpan
          let answer = try await socket.receive(into: &span, timeout: patience)
          #expect(answer.kind == .reply)
          #expect(answer.source == remote)
          #expect(answer.sequence == 3)
          #expect(answer.hopLimit == 64)
          #expect(answer.length == size)
          #expect(bytes.prefix(answer.count).elementsEqual(payload))
        }
      }
    }

    @Test("hears the answers to its own requests alone", arguments: World.all, Family.allCases)
    func ownAnswers(world: World, family: Family) async throws {
      try await world.run { network in
        let version: EchoSocket.Version = family == .v4 ? .v4 : .v6
        let first = try await network.openEcho(version)
        let second = try await network.openEcho(version)
        for (number, socket) in [first, second].enumerated() {
          try await socket.send(
            [UInt8(number)].span, to: network.serverAddress(family), sequence: UInt16(number))
        }
        for (number, socket) in [first, second].enumerated() {
          var bytes: [UInt8] = [99]
          var span = bytes.mutableSpan
          let answer = try await socket.receive(into: &span, timeout: patience)
          #expect(answer.sequence == UInt16(number))
          #expect(bytes == [UInt8(number)])
        }
      }
    }

    @Test("says how much came back when there is less room", arguments: World.all)
    func truncation(world: World) async throws {
      try await world.run { network in
        let socket = try await network.openEcho(.v4)
        try await socket.send(noise(100).span, to: network.serverAddress(.v4), sequence: 1)
        var bytes = [UInt8](repeating: 0, count: 10)
        var span = bytes.mutableSpan
        let answer = try await socket.receive(into: &span, timeout: patience)
        #expect(answer.count == 10)
        #expect(answer.length == 100)
        #expect(bytes == Array(noise(100).prefix(10)))
      }
    }

    @Test("of one IP version does not send to the other", arguments: World.all, Family.allCases)
    func otherVersion(world: World, family: Family) async throws {
      try await world.run { network in
        let socket = try await network.openEcho(family == .v4 ? .v6 : .v4)
        #expect(
          await reason {
            try await socket.send([1].span, to: network.serverAddress(family), sequence: 1)
          } == .addressFamilyNotSupported)
      }
    }

    @Test("that is closed wakes who waits, for good", arguments: World.all)
    func closed(world: World) async throws {
      try await world.run { network in
        let socket = try await network.openEcho(.v4)
        let waiting = network.startReason {
          var bytes: [UInt8] = [0]
          var span = bytes.mutableSpan
          _ = try await socket.receive(into: &span, timeout: patience)
        }
        socket.close()
        socket.close()
        #expect(await waiting.value == .closed)
        #expect(
          await reason {
            try await socket.send([1].span, to: network.serverAddress(.v4), sequence: 1)
          } == .closed)
      }
    }
  }
}
