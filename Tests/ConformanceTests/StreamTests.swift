import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("A stream", .timeLimit(.minutes(2)))
  struct StreamTests {
    /// None, one, around a segment's, a round number, and more than any buffer takes.
    static let sizes = [0, 1, 1_447, 1_448, 1_449, 65_536, 5 << 20]

    @Test("carries exactly its bytes there and back", arguments: World.allWires, sizes)
    func exactBytes(world: World, size: Int) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let bytes = noise(size)
        let echoing = network.start {
          var buffer = [UInt8](repeating: 0, count: 30_011)
          while true {
            var span = buffer.mutableSpan
            let count = try await ends.server.read(into: &span, timeout: patience)
            if count == 0 { break }
            try await ends.server.write(buffer.span.extracting(first: count), timeout: patience)
          }
          try await ends.server.shutdownSend()
        }
        let writing = network.start {
          try await ends.client.write(bytes, timeout: patience)
          try await ends.client.shutdownSend()
        }
        #expect(try await ends.client.readAll(timeout: patience) == bytes)
        try await writing.value
        try await echoing.value
      }
    }

    @Test("carries both directions at once", arguments: World.allWires, Family.allCases)
    func bothDirections(world: World, family: Family) async throws {
      try await world.run { network in
        let ends = try await network.connection(family)
        let (there, back) = (noise(2 << 20), noise(2 << 20, seed: 77))
        try await withThrowingTaskGroup { group in
          for (end, bytes) in [(ends.client, there), (ends.server, back)] {
            group.addTask {
              try await end.write(bytes, timeout: patience)
              try await end.shutdownSend()
            }
          }
          group.addTask { () async throws -> Void in
            #expect(try await ends.server.readAll(timeout: patience) == there)
          }
          group.addTask { () async throws -> Void in
            #expect(try await ends.client.readAll(timeout: patience) == back)
          }
          try await group.waitForAll()
        }
      }
    }

    @Test("is read in pieces as small as one likes", arguments: World.allWires)
    func shortReads(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let bytes = noise(1_000)
        try await ends.client.write(bytes)
        try await ends.client.shutdownSend()
        var received: [UInt8] = []
        while true {
          let part = try await ends.server.read(upTo: 7, timeout: patience)
          #expect(part.count <= 7)
          if part.isEmpty { break }
          received += part
        }
        #expect(received == bytes)
      }
    }

    @Test("gives what is there, not what there is room for", arguments: World.allWires)
    func readsWhatIsThere(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        for count in 1...20 {
          try await ends.client.write(noise(count))
          #expect(try await ends.server.read(timeout: patience) == noise(count))
        }
      }
    }

    @Test("is not read by a read without room, nor waited for", arguments: World.allWires)
    func noRoom(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        var nothing: [UInt8] = []
        for _ in 0..<2 {
          var span = nothing.mutableSpan
          #expect(try await ends.server.read(into: &span) == 0)
          #expect(try await ends.server.read(upTo: 0).isEmpty)
          try await ends.client.write("x")
        }
        #expect(try await ends.server.read(exactly: 2).count == 2)
      }
    }

    @Test("takes a write of nothing", arguments: World.allWires)
    func emptyWrite(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.client.write([])
        try await ends.client.write("x")
        try await ends.client.write([])
        try await ends.client.shutdownSend()
        #expect(try await ends.server.readAll(timeout: patience) == [120])
      }
    }

    @Test("stays at its end", arguments: World.allWires, Family.allCases)
    func endOfStream(world: World, family: Family) async throws {
      try await world.run { network in
        let ends = try await network.connection(family)
        try await ends.client.write("x")
        try await ends.client.shutdownSend()
        #expect(try await ends.server.readAll(timeout: patience).count == 1)
        for _ in 0..<3 { #expect(try await ends.server.read(timeout: patience).isEmpty) }
      }
    }

    @Test(
      "ends in one direction while the other goes on", arguments: World.allWires, [true, false])
    func halfClose(world: World, clientFirst: Bool) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let (first, second) = clientFirst ? (ends.client, ends.server) : (ends.server, ends.client)
        try await first.write("first")
        try await first.shutdownSend()
        #expect(try await second.readAll(timeout: patience) == Array("first".utf8))
        let bytes = noise(1 << 20)
        let writing = network.start {
          try await second.write(bytes, timeout: patience)
          try await second.shutdownSend()
        }
        #expect(try await first.readAll(timeout: patience) == bytes)
        try await writing.value
      }
    }

    @Test("is not written to after its own end", arguments: World.allWires, Family.allCases)
    func writeAfterShutdown(world: World, family: Family) async throws {
      try await world.run { network in
        let ends = try await network.connection(family)
        try await ends.client.shutdownSend()
        for _ in 0..<2 { #expect(await reason { try await ends.client.write("x") } == .brokenPipe) }
        try await ends.server.write("y")
        #expect(try await ends.client.read(exactly: 1) == [121])
      }
    }

    @Test("may be told twice to end", arguments: World.allWires)
    func shutdownTwice(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.client.shutdownSend()
        try await ends.client.shutdownSend()
        #expect(try await ends.server.read(timeout: patience).isEmpty)
      }
    }

    @Test("to a peer that has closed breaks", arguments: World.allWires)
    func writeAfterPeersClose(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        ends.server.close()
        #expect(try await ends.client.read(timeout: patience).isEmpty)
        // The first bytes are answered with a reset.
        let expected = network.expected(
          SocketError.Reason.brokenPipe, .client, (.resetStays, .connectionReset))
        #expect(await ends.client.writeToFailure() == expected)
        #expect(await reason { try await ends.client.write("x") } == expected)
      }
    }

    @Test("is reset, and then broken, by a peer that gives it up", arguments: World.allWires)
    func writeAfterPeersAbort(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        ends.server.abort()
        #expect(await ends.client.writeToFailure() == .connectionReset)
        #expect(
          await reason { try await ends.client.write("x") }
            == network.expected(.brokenPipe, .client, (.resetStays, .connectionReset)))
      }
    }

    @Test("that was reset says so once, and is then at its end", arguments: World.allWires)
    func readAfterReset(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        ends.server.abort()
        #expect(await ends.client.readToFailure() == .connectionReset)
        let again = await reason { try await ends.client.read(timeout: patience) }
        #expect(again == network.expected(nil, .client, (.resetStays, .connectionReset)))
      }
    }

    @Test("that was reset still has what had arrived before", arguments: World.allWires)
    func arrivedBeforeReset(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.server.write("last words")
        _ = try await ends.client.info { $0.bytesReceived == 10 }
        ends.server.abort()
        _ = try await ends.client.info { $0.state == .closed }
        let words = try? await ends.client.read(timeout: patience)
        #expect(
          words
            == network.expected(Array("last words".utf8), .client, (.arrivedBeforeReset, nil)))
      }
    }

    @Test("makes the writer wait for the reader", arguments: World.allWires)
    func backPressure(world: World) async throws {
      try await world.run { network in
        let options = TCPOptions(sendBufferLimit: 65_536, receiveBufferLimit: 65_536)
        let ends = try await network.connection(options: options)
        let bytes = noise(4 << 20)
        #expect(
          await reason { try await ends.client.write(bytes, timeout: .milliseconds(100)) }
            == .deadlineExceeded)
        ends.client.close()
        let received = try await ends.server.readAll(timeout: patience)
        #expect(!received.isEmpty)
        #expect(received.count < bytes.count)
        #expect(received.elementsEqual(bytes.prefix(received.count)))
      }
    }

    @Test("takes bytes from many writers, and loses none", arguments: World.allWires)
    func manyWriters(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let writing = network.start {
          try await withThrowingTaskGroup { group in
            for writer in 1...8 {
              group.addTask {
                let bytes = [UInt8](repeating: UInt8(writer), count: 1_000)
                for _ in 0..<100 { try await ends.client.write(bytes, timeout: patience) }
              }
            }
            try await group.waitForAll()
          }
          try await ends.client.shutdownSend()
        }
        var counts: [UInt8: Int] = [:]
        for byte in try await ends.server.readAll(timeout: patience) {
          counts[byte, default: 0] += 1
        }
        try await writing.value
        #expect(counts == Dictionary(uniqueKeysWithValues: (1...8).map { ($0, 100_000) }))
      }
    }

    @Test("gives each byte to one of many readers", arguments: World.allWires)
    func manyReaders(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let reading = network.start {
          try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
              group.addTask {
                var count = 0
                while true {
                  let part = try await ends.server.read(upTo: 500, timeout: patience)
                  if part.isEmpty { return count }
                  count += part.count
                }
              }
            }
            return try await group.reduce(0, +)
          }
        }
        for _ in 0..<200 { try await ends.client.write(noise(1_000), timeout: patience) }
        try await ends.client.shutdownSend()
        #expect(try await reading.value == 200_000)
      }
    }

    @Test("goes to and fro hundreds of times", arguments: World.allWires, Family.allCases)
    func pingPong(world: World, family: Family) async throws {
      try await world.run { network in
        let ends = try await network.connection(family, options: TCPOptions(noDelay: true))
        let echoing = network.start {
          while true {
            let bytes = try await ends.server.read(timeout: patience)
            if bytes.isEmpty { return }
            try await ends.server.write(bytes)
          }
        }
        for round in 0..<300 {
          let bytes = noise(64, seed: round)
          try await ends.client.write(bytes)
          #expect(try await ends.client.read(exactly: 64) == bytes)
        }
        try await ends.client.shutdownSend()
        try await echoing.value
      }
    }

    @Test("is read to its end only as far as the caller allows", arguments: World.allWires)
    func readAllLimit(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.client.write(noise(1_000))
        try await ends.client.shutdownSend()
        #expect(
          await reason { try await ends.server.readAll(limit: 999, timeout: patience) }
            == .messageTooLong)
      }
    }
  }
}
