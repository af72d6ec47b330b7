import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("Closing", .timeLimit(.minutes(2)))
  struct CloseTests {
    @Test(
      "delivers what was written, then ends the stream", arguments: World.allWires, [1, 1 << 20])
    func delivers(world: World, size: Int) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let bytes = noise(size)
        let reading = network.start { try await ends.server.readAll(timeout: patience) }
        try await ends.client.write(bytes, timeout: patience)
        ends.client.close()
        #expect(try await reading.value == bytes)
      }
    }

    @Test("happens when the last reference goes", arguments: World.allWires, Family.allCases)
    func lastReference(world: World, family: Family) async throws {
      try await world.run { network in
        var ends: Network.Ends? = try await network.connection(family)
        let server = try #require(ends?.server)
        try await ends?.client.write("x")
        ends = nil
        #expect(try await server.readAll(timeout: patience) == [120])
      }
    }

    @Test("with something unread resets the peer", arguments: World.allWires, Family.allCases)
    func unread(world: World, family: Family) async throws {
      // RFC 2525 §2.17: the peer hears that its bytes were not read.
      try await world.run { network in
        let ends = try await network.connection(family)
        try await ends.client.write("never read")
        _ = try await ends.server.info { $0.bytesReceived == 10 }
        ends.server.close()
        #expect(await ends.client.readToFailure() == .connectionReset)
      }
    }

    @Test("resets a peer that goes on sending", arguments: World.allWires)
    func goesOnSending(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        ends.server.close()
        let failed = await ends.client.writeToFailure()
        #expect(failed == .brokenPipe || failed == .connectionReset)
      }
    }

    @Test("at once resets the peer", arguments: World.allWires, Family.allCases)
    func abort(world: World, family: Family) async throws {
      try await world.run { network in
        let ends = try await network.connection(family)
        ends.client.abort()
        #expect(await ends.server.readToFailure() == .connectionReset)
      }
    }

    @Test("at once wakes a peer that waits", arguments: World.allWires, [true, false])
    func abortWakesPeer(world: World, reading: Bool) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let waiting = network.startReason {
          if reading {
            _ = try await ends.server.read(timeout: patience)
          } else {
            try await ends.server.write([UInt8](repeating: 0, count: 64 << 20), timeout: patience)
          }
        }
        _ = await reason { try await ends.client.read(upTo: 1, timeout: .milliseconds(20)) }
        ends.client.abort()
        #expect(await waiting.value == .connectionReset)
      }
    }

    /// What may be going on when a connection is closed.
    enum Call: CaseIterable { case read, write }

    @Test("ends what waits on this side", arguments: World.allWires, Call.allCases)
    func wakesOwn(world: World, call: Call) async throws {
      try await world.run { network in
        for isAbort in [true, false] {
          let ends = try await network.connection()
          let waiting = (0..<3).map { _ in
            network.startReason {
              switch call {
              case .read: _ = try await ends.client.read(timeout: patience)
              case .write:
                try await ends.client.write(
                  [UInt8](repeating: 0, count: 64 << 20), timeout: patience)
              }
            }
          }
          _ = await reason { try await ends.client.read(timeout: .milliseconds(20)) }
          if isAbort { ends.client.abort() } else { ends.client.close() }
          for task in waiting { #expect(await task.value == .closed) }
          ends.server.abort()
        }
      }
    }

    @Test("is once and for all", arguments: World.allWires, [true, false])
    func usedAfter(world: World, aborting: Bool) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let client = ends.client
        for _ in 0..<2 { if aborting { client.abort() } else { client.close() } }
        #expect(await reason { try await client.read(timeout: patience) } == .closed)
        #expect(await reason { try await client.write("x", timeout: patience) } == .closed)
        #expect(await reason { try await client.shutdownSend() } == .closed)
        #expect(await reason { try await client.setOptions(TCPOptions()) } == .closed)
        #expect(await reason { try await client.info() } == .closed)
        client.abort()
        client.close()
      }
    }

    @Test("may happen on both sides at once", arguments: World.allWires)
    func bothSides(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        for _ in 0..<20 {
          let client = try await network.connect(to: listener)
          let server = try await listener.accept(timeout: patience)
          let closing = network.start { client.close() }
          server.close()
          try await closing.value
        }
        _ = try await network.connect(to: listener)
      }
    }

    @Test("happens while many tasks read and write", arguments: World.allWires)
    func midTransfer(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        for round in 0..<10 {
          let client = try await network.connect(to: listener)
          let server = try await listener.accept(timeout: patience)
          let tasks = [client, server].flatMap { end in
            [
              network.start { _ = await end.readToFailure() },
              network.start { _ = await end.writeToFailure() },
            ]
          }
          _ = await reason { try await listener.accept(timeout: .milliseconds(1)) }
          if round.isMultiple(of: 2) { client.close() } else { server.abort() }
          for task in tasks { try await task.value }
        }
      }
    }
  }
}
