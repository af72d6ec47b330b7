import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("A listener", .timeLimit(.minutes(2)))
  struct ListenTests {
    @Test("keeps connections, and what they have sent, until it is asked", arguments: World.all)
    func backlog(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen(backlog: 64)
        var clients: [TCPConnection] = []
        for number in 0..<30 {
          let client = try await network.connect(to: listener)
          try await client.write("number \(number)")
          try await client.shutdownSend()
          clients.append(client)
        }
        for (number, client) in clients.enumerated() {
          let server = try await listener.accept(timeout: patience)
          #expect(server.remote == client.local)
          #expect(try await server.readAll(timeout: patience) == Array("number \(number)".utf8))
        }
      }
    }

    @Test("leaves more connections than its backlog holds unanswered", arguments: World.all)
    func fullBacklog(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen(backlog: 1)
        var clients: [TCPConnection] = []
        let outcome = await reason {
          for _ in 0..<10 {
            clients.append(
              try await network.client.connect(to: listener.local, timeout: .milliseconds(300)))
          }
        }
        #expect(
          outcome == network.expected(.deadlineExceeded, .server, (.cookies, nil)))
        // Those that were answered are there.
        #expect(try await listener.accept(timeout: patience).remote == clients.first?.local)
      }
    }

    @Test("gives each of several who wait another connection", arguments: World.all)
    func severalAcceptors(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        try await withThrowingTaskGroup(of: Endpoint.self) { group in
          for _ in 0..<20 {
            group.addTask { try await listener.accept(timeout: patience).remote }
          }
          var clients: [TCPConnection] = []
          for _ in 0..<20 { clients.append(try await network.connect(to: listener)) }
          let remotes = try await group.reduce(into: Set()) { $0.insert($1) }
          #expect(remotes == Set(clients.map(\.local)))
        }
      }
    }

    @Test("serves several who come again and again", arguments: World.all)
    func busyAcceptors(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let accepting = network.start {
          try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
              group.addTask {
                var count = 0
                for try await connection in listener.connections {
                  try await connection.write("x")
                  count += 1
                }
                return count
              }
            }
            return try await group.reduce(0, +)
          }
        }
        try await withThrowingTaskGroup { group in
          for _ in 0..<4 {
            group.addTask {
              for _ in 0..<50 {
                let connection = try await network.connect(to: listener)
                #expect(try await connection.readAll(timeout: patience) == [120])
              }
            }
          }
          try await group.waitForAll()
        }
        listener.close()
        #expect(try await accepting.value == 200)
      }
    }

    @Test("that is closed wakes all who wait", arguments: World.all)
    func closeWhileWaiting(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let waiting = (0..<8).map { _ in
          network.startReason { try await listener.accept(timeout: patience) }
        }
        _ = await reason { try await listener.accept(timeout: .milliseconds(20)) }
        listener.close()
        for task in waiting { #expect(await task.value == .closed) }
      }
    }

    @Test("that is closed stays closed, however often", arguments: World.all)
    func closedTwice(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        listener.close()
        listener.close()
        #expect(await reason { try await listener.accept(timeout: patience) } == .closed)
        for try await _ in listener.connections {
          Issue.record("a connection of a closed listener")
        }
      }
    }

    @Test("ends its sequence when it is closed", arguments: World.all)
    func sequence(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let counting = network.start {
          var count = 0
          for try await connection in listener.connections {
            count += 1
            try await connection.write("x")
          }
          return count
        }
        for _ in 0..<5 {
          let connection = try await network.connect(to: listener)
          #expect(try await connection.readAll(timeout: patience).count == 1)
        }
        listener.close()
        #expect(try await counting.value == 5)
      }
    }

    @Test("ends its sequence with an error when the task is cancelled", arguments: World.all)
    func cancelledSequence(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let waiting = network.startReason {
          for try await connection in listener.connections { try await connection.write("x") }
        }
        let connection = try await network.connect(to: listener)
        #expect(try await connection.readAll(timeout: patience).count == 1)
        waiting.cancel()
        #expect(await waiting.value == .cancelled)
        // The listener is as it was.
        let other = try await network.connect(to: listener)
        #expect(try await listener.accept(timeout: patience).remote == other.local)
      }
    }

    @Test("leaves its connections alone when it goes", arguments: World.all, Family.allCases)
    func connectionsSurvive(world: World, family: Family) async throws {
      try await world.run { network in
        let ends = try await network.connection(family)
        // The listener went with the end of the call.
        try await ends.client.write("still")
        #expect(try await ends.server.read(exactly: 5) == Array("still".utf8))
        try await ends.server.write("here")
        #expect(try await ends.client.read(exactly: 4) == Array("here".utf8))
      }
    }

    @Test("that is closed resets what it has not given out", arguments: World.all, Family.allCases)
    func pendingAreReset(world: World, family: Family) async throws {
      try await world.run { network in
        let listener = try await network.listen(family)
        let pending = try await network.connect(to: listener)
        listener.close()
        #expect(await pending.readToFailure() == .connectionReset)
      }
    }

    @Test("closes when its last reference goes", arguments: World.all)
    func lastReference(world: World) async throws {
      try await world.run { network in
        let port = try await network.vacantPort()
        let endpoint = Endpoint.tcp(network.serverAddress(.v4), port: port)
        #expect(
          await reason { try await network.client.connect(to: endpoint) } == .connectionRefused)
      }
    }

    @Test("may have no time at all for its connection if that is there", arguments: World.all)
    func noTime(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        #expect(await reason { try await listener.accept(timeout: .zero) } == .deadlineExceeded)
        let client = try await network.connect(to: listener)
        var found: Endpoint?
        while found == nil {
          // Who never waits keeps the node's thread for itself.
          await Task.yield()
          // The last segment of the handshake may be on its way still.
          let attempt = await reason { found = try await listener.accept(timeout: .zero).remote }
          #expect(attempt == nil || attempt == .deadlineExceeded)
        }
        #expect(found == client.local)
      }
    }

    @Test("loses no connection to a task cancelled at that moment", arguments: World.all)
    func cancelledAccept(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        for _ in 0..<30 {
          let accepting = network.start { try await listener.accept(timeout: patience).remote }
          let client = try await network.connect(to: listener)
          accepting.cancel()
          // Whoever got it, somebody has: this one, or the next to ask.
          var remote = try? await accepting.value
          if remote == nil { remote = try await listener.accept(timeout: patience).remote }
          #expect(remote == client.local)
        }
      }
    }

    @Test("gives out a connection whose peer has ended its stream", arguments: World.all)
    func endedBeforeAccepted(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        try await network.connect(to: listener).write("gone")
        let server = try await listener.accept(timeout: patience)
        #expect(try await server.readAll(timeout: patience) == Array("gone".utf8))
      }
    }

    @Test("gives out a connection that its peer has reset, or none", arguments: World.all)
    func resetBeforeAccepted(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        let first = try await network.connect(to: listener)
        first.abort()
        let second = try await network.connect(to: listener)
        var accepted = try await listener.accept(timeout: patience)
        // A client of ours that resets at once sends no acknowledgment before: a listener of the
        // kernel's need not have had a connection to give out.
        if accepted.remote == first.local {
          #expect(!network.isOurs(.server))
          #expect(await accepted.readToFailure() == .connectionReset)
          accepted = try await listener.accept(timeout: patience)
        } else {
          #expect(network.isOurs(.server) || network.isOurs(.client))
        }
        // Listed as Difference.closedBeforeAccepted: ours is not given out.
        #expect(accepted.remote == second.local)
      }
    }
  }
}
