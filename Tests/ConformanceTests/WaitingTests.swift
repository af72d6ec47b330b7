import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("A call that waits", .timeLimit(.minutes(2)))
  struct WaitingTests {
    /// The calls that wait, for what does not happen.
    enum Call: String, CaseIterable, CustomTestStringConvertible {
      case connect, accept, read, readAll, write, receive, nextConnection, nextDatagram, echo

      var testDescription: String { rawValue }

      /// Those that take a time allowed.
      static let withTimeout = allCases.filter { $0 != .nextConnection && $0 != .nextDatagram }
    }

    /// The sockets of a call, which are there before it begins.
    struct Waiting: Sendable {
      let perform: @Sendable (Duration?) async throws -> Void
    }

    private func prepare(_ call: Call, _ network: Network) async throws -> Waiting {
      switch call {
      case .connect:
        let abyss = try await network.abyss()
        return Waiting { limit in
          _ = try await network.client.connect(to: abyss.endpoint, timeout: limit)
        }
      case .accept:
        let listener = try await network.listen()
        return Waiting { limit in _ = try await listener.accept(timeout: limit) }
      case .nextConnection:
        let listener = try await network.listen()
        return Waiting { _ in for try await _ in listener.connections {} }
      case .read:
        let ends = try await network.connection()
        return Waiting { limit in
          _ = try await ends.client.read(timeout: limit)
          withExtendedLifetime(ends) {}
        }
      case .readAll:
        let ends = try await network.connection()
        try await ends.server.write("some, but not all")
        return Waiting { limit in
          _ = try await ends.client.readAll(timeout: limit)
          withExtendedLifetime(ends) {}
        }
      case .write:
        let options = TCPOptions(sendBufferLimit: 10_000, receiveBufferLimit: 10_000)
        let ends = try await network.connection(options: options)
        let bytes = [UInt8](repeating: 0, count: 10 << 20)
        return Waiting { limit in
          try await ends.client.write(bytes, timeout: limit)
          withExtendedLifetime(ends) {}
        }
      case .receive:
        let socket = try await network.serverSocket()
        return Waiting { limit in _ = try await socket.receive(timeout: limit) }
      case .nextDatagram:
        let socket = try await network.serverSocket()
        return Waiting { _ in for try await _ in socket.datagrams {} }
      case .echo:
        let socket = try await network.openEcho(.v4)
        return Waiting { limit in
          var bytes = [UInt8](repeating: 0, count: 10)
          var span = bytes.mutableSpan
          _ = try await socket.receive(into: &span, timeout: limit)
        }
      }
    }

    @Test(
      "ends when its time is over, whether that is brief or long",
      arguments: World.allWires, Call.withTimeout)
    func deadline(world: World, call: Call) async throws {
      try await world.run { network in
        let waiting = try await prepare(call, network)
        for limit in [Duration.zero, .microseconds(300), .milliseconds(5), .milliseconds(60)] {
          #expect(await reason { try await waiting.perform(limit) } == .deadlineExceeded)
        }
        #expect(await reason { try await waiting.perform(.seconds(-1)) } == .deadlineExceeded)
      }
    }

    @Test("ends when its task is cancelled at once", arguments: World.allWires, Call.allCases)
    func cancelledEarly(world: World, call: Call) async throws {
      try await world.run { network in
        let waiting = try await prepare(call, network)
        for _ in 0..<5 {
          let task = network.startReason { try await waiting.perform(patience) }
          task.cancel()
          #expect(await task.value == .cancelled)
        }
      }
    }

    @Test("ends when its task is cancelled later", arguments: World.allWires, Call.allCases)
    func cancelledLate(world: World, call: Call) async throws {
      try await world.run { network in
        let waiting = try await prepare(call, network)
        let other = try await network.serverSocket()
        for _ in 0..<2 {
          let task = network.startReason { try await waiting.perform(nil) }
          // Longer than any brief wait.
          _ = await reason { try await other.receive(timeout: .milliseconds(40)) }
          task.cancel()
          #expect(await task.value == .cancelled)
        }
      }
    }

    @Test(
      "does not begin to wait in a task that is cancelled already",
      arguments: World.allWires, Call.allCases)
    func cancelledBefore(world: World, call: Call) async throws {
      try await world.run { network in
        let waiting = try await prepare(call, network)
        let task = network.startReason {
          while !Task.isCancelled { await Task.yield() }
          try await waiting.perform(nil)
        }
        task.cancel()
        #expect(await task.value == .cancelled)
      }
    }

    @Test("leaves its socket as it was", arguments: World.allWires, [true, false])
    func goesOn(world: World, cancelling: Bool) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        for _ in 0..<20 {
          let reading = network.startReason {
            try await ends.server.read(timeout: cancelling ? patience : .milliseconds(1))
          }
          if cancelling { reading.cancel() }
          #expect(await reading.value == (cancelling ? .cancelled : .deadlineExceeded))
        }
        try await ends.client.write("whole")
        #expect(try await ends.server.read(exactly: 5) == Array("whole".utf8))
      }
    }

    @Test("needs no time for what is there", arguments: World.allWires)
    func noTime(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.client.write("x", timeout: .zero)
        _ = try await ends.server.info { $0.bytesReceived == 1 }
        var found: [UInt8] = []
        while found.isEmpty {
          // Who never waits keeps the node's thread for itself.
          await Task.yield()
          let outcome = await reason { found = try await ends.server.read(timeout: .zero) }
          #expect(outcome == nil || outcome == .deadlineExceeded)
        }
        #expect(found == [120])
      }
    }

    @Test("succeeds in a cancelled task when it need not wait", arguments: World.allWires)
    func cancelledButReady(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.client.write("x")
        #expect(try await ends.server.read(timeout: patience) == [120])
        try await ends.client.write("yz")
        _ = try await ends.server.info { $0.bytesReceived == 3 }
        // Until the reader's side has been told as well.
        #expect(try await ends.server.read(exactly: 1) == [121])
        let task = network.start {
          while !Task.isCancelled { await Task.yield() }
          try await ends.server.write("still")
          return try await ends.server.read(upTo: 1)
        }
        task.cancel()
        #expect(try await task.value == [122])
        #expect(try await ends.client.read(exactly: 5) == Array("still".utf8))
      }
    }

    @Test("is one of a thousand, all cancelled at once", arguments: World.threaded, [true, false])
    func cancellationStorm(world: World, streams: Bool) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let socket = try await network.serverSocket()
        let tasks = (0..<1_000).map { _ in
          network.startReason {
            if streams {
              _ = try await ends.server.read(timeout: patience)
            } else {
              _ = try await socket.receive(timeout: patience)
            }
          }
        }
        _ = await reason { try await ends.client.read(timeout: .milliseconds(20)) }
        let storm = (0..<4).map { part in
          Task {
            for index in stride(from: part, to: tasks.count, by: 4) { tasks[index].cancel() }
          }
        }
        for task in storm { await task.value }
        for task in tasks { #expect(await task.value == .cancelled) }
        try await ends.client.write("calm")
        #expect(try await ends.server.read(exactly: 4) == Array("calm".utf8))
      }
    }

    @Test("is one of a thousand in a storm of cancellations and bytes", arguments: World.threaded)
    func stormAndTraffic(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let tasks = (0..<1_000).map { _ in
          network.start { try await ends.server.read(upTo: 1, timeout: patience).count }
        }
        let cancelling = Task {
          for index in stride(from: 0, to: tasks.count, by: 2) { tasks[index].cancel() }
        }
        try await ends.client.write(noise(1_000))
        try await ends.client.shutdownSend()
        await cancelling.value
        var count = 0
        for task in tasks { count += (try? await task.value) ?? 0 }
        // What a cancelled task had not taken is there for the next.
        count += try await ends.server.readAll(timeout: patience).count
        #expect(count == 1_000)
      }
    }
  }
}

extension Network {
  /// An echo socket of the client's; skips the case where the kernel does not allow any.
  func openEcho(_ version: EchoSocket.Version) async throws -> EchoSocket {
    do {
      return try await client.openEcho(version)
    } catch {
      guard !isOurs(.client), case .system = error.reason else { throw error }
      try Test.cancel("\(error)")
    }
  }
}
