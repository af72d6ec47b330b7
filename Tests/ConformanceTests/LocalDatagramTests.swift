import Glibc
import Sockets
import SystemPackage
import Testing

extension Conformance {
  @Suite("Local datagram sockets", .timeLimit(.minutes(2)))
  struct LocalDatagramTests {
    typealias Naming = LocalTests.Naming

    /// Receives one message of at most 64 bytes.
    private func receive(
      _ socket: LocalDatagramSocket
    ) async throws -> (message: LocalMessage, bytes: [UInt8]) {
      var bytes = [UInt8](repeating: 0, count: 64)
      var span = bytes.mutableSpan
      let message = try await socket.receive(into: &span, timeout: patience)
      return (message, Array(bytes.prefix(message.count)))
    }

    @Test("answer each other by name, in whole messages", arguments: World.all)
    func exchange(world: World) async throws {
      try await world.run { network in
        for naming in Naming.allCases {
          let server = try network.server.bind(naming.address)
          let client = try network.server.bind(naming.address)
          let nameless = try network.server.bind(.unnamed)
          #expect(nameless.local == .unnamed)
          try await client.send([1, 2], to: server.local, timeout: patience)
          try await nameless.send([], to: server.local, timeout: patience)
          try await nameless.send(noise(65), to: server.local, timeout: patience)
          let first = try await receive(server)
          #expect(first.bytes == [1, 2])
          #expect(first.message.source == client.local)
          let second = try await receive(server)
          #expect(second.bytes == [])
          #expect(second.message.source == .unnamed)
          let third = try await receive(server)
          #expect(third.bytes == noise(64))
          #expect(third.message.isTruncated)
          try await server.send([3], to: first.message.source, timeout: patience)
          #expect(try await receive(client).bytes == [3])
        }
      }
    }

    @Test("say who is not there, and what is too long", arguments: World.all)
    func refusals(world: World) async throws {
      try await world.run { network in
        let socket = try network.server.bind(.unnamed)
        #expect(
          await reason { try await socket.send([1], to: Naming.abstract.address) }
            == .connectionRefused)
        #expect(
          await reason { try await socket.send([1], to: Naming.path.address) }
            == .system(errno: ENOENT, "No such file or directory"))
        #expect(await reason { try await socket.send([1], to: .unnamed) } == .notConnected)
        let receiver = try network.server.bind(Naming.abstract.address)
        #expect(
          await reason { try await socket.send(noise(1 << 20), to: receiver.local) }
            == .messageTooLong)
        socket.close()
        #expect(await reason { try await socket.send([1], to: receiver.local) } == .closed)
      }
    }

    @Test("hold back everybody while a receiver is full, and nobody else", arguments: World.all)
    func backPressure(world: World) async throws {
      try await world.run { network in
        let node = network.server
        let full = try node.bind(Naming.abstract.address)
        let free = try node.bind(Naming.abstract.address)
        let filler = try node.bind(.unnamed)
        let message = noise(1_000)
        var sent = 0
        let refusal = await reason {
          while sent < 100_000 {
            try await filler.send(message, to: full.local, timeout: .milliseconds(20))
            sent += 1
          }
        }
        #expect(refusal == .deadlineExceeded)
        #expect(sent > 0)
        // One that has nothing of its own in there, so that nothing of its own leaves it.
        let sender = try node.bind(.unnamed)
        let delayed = network.start {
          try await sender.send([42], to: full.local, timeout: patience)
        }
        #expect(
          await reason { try await sender.send([1], to: full.local, timeout: .milliseconds(20)) }
            == .deadlineExceeded)
        try await sender.send([43], to: free.local, timeout: patience)
        #expect(try await receive(free).bytes == [43])
        for _ in 0..<sent { #expect(try await receive(full).message.isTruncated) }
        #expect(try await receive(full).bytes == [42])
        try await delayed.value
      }
    }

    @Test("wake who waits for room at one that is closed", arguments: World.all)
    func receiverGone(world: World) async throws {
      try await world.run { network in
        let receiver = try network.server.bind(Naming.abstract.address)
        let sender = try network.server.bind(.unnamed)
        let name = receiver.local
        let sending = network.startReason {
          while true { try await sender.send(noise(1_000), to: name, timeout: patience) }
        }
        _ = try await receive(receiver)
        receiver.close()
        #expect(await sending.value == .connectionRefused)
      }
    }

    @Test("pass descriptors where there is a kernel, and say so elsewhere", arguments: World.all)
    func descriptors(world: World) async throws {
      try await world.run { network in
        let isOurs = network.isOurs(.server)
        let (a, b) = try network.server.connectPair(as: .stream)
        let pipe = try FileDescriptor.pipe()
        let writing = await reason {
          try await a.write([7], passing: [pipe.writeEnd], timeout: patience)
        }
        #expect(writing == (isOurs ? .unsupported : nil))
        if !isOurs {
          var bytes: [UInt8] = [0]
          var span = bytes.mutableSpan
          let message = try await b.receive(into: &span, timeout: patience)
          #expect(message.descriptors.count == 1)
          for descriptor in message.descriptors { try descriptor.close() }
        }
        let credentials = await reason { _ = try a.peerCredentials }
        #expect(credentials == (isOurs ? .unsupported : nil))
        try pipe.readEnd.close()
        try pipe.writeEnd.close()
      }
    }
  }
}
