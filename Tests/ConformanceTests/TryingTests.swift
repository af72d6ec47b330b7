import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("A call that does not wait", .timeLimit(.minutes(2)))
  struct TryingTests {
    /// What is read into `buffer`, at the first try.
    private func tryRead(
      _ connection: TCPConnection, upTo count: Int = 100
    ) throws(SocketError) -> [UInt8]? {
      var buffer = [UInt8](repeating: 0, count: count)
      var span = buffer.mutableSpan
      return try connection.tryRead(into: &span).map { Array(buffer.prefix($0)) }
    }

    /// The same, as soon as there is something to read.
    private func readSoon(
      _ connection: TCPConnection, upTo count: Int = 100
    ) async throws -> [UInt8] {
      while true {
        try await connection.waitUntilReadable(timeout: patience)
        if let bytes = try tryRead(connection, upTo: count) { return bytes }
      }
    }

    @Test("reads nothing, then what has come, then the end", arguments: World.allWires)
    func read(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await withTaskExecutorPreference(network.server.executor) {
          #expect(try tryRead(ends.server) == nil)
          #expect(try tryRead(ends.server) == nil)
          try await ends.client.write("some")
          #expect(
            try await readSoon(ends.server, upTo: 3) == [115, 111, 109])
          #expect(try tryRead(ends.server) == [101])
          #expect(try tryRead(ends.server) == nil)
          try await ends.client.shutdownSend()
          for _ in 0..<3 {
            #expect(try await readSoon(ends.server) == [])
          }
        }
      }
    }

    @Test("leaves a read that waits what it has not taken", arguments: World.allWires)
    func readAfterTry(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await withTaskExecutorPreference(network.server.executor) {
          for count in 1...20 {
            #expect(try tryRead(ends.server) == nil)
            try await ends.client.write(noise(count))
            #expect(try await readSoon(ends.server, upTo: 1) == noise(1))
            #expect(
              try await ends.server.read(exactly: count - 1) == Array(noise(count).dropFirst()))
          }
        }
      }
    }

    @Test("writes what there is room for, and nothing more", arguments: World.allWires)
    func write(world: World) async throws {
      try await world.run { network in
        let options = TCPOptions(sendBufferLimit: 20_000, receiveBufferLimit: 20_000)
        let ends = try await network.connection(options: options)
        let bytes = noise(5 << 20)
        var written = 0
        try await withTaskExecutorPreference(network.client.executor) {
          while true {
            let count = try ends.client.tryWrite(bytes.span.extracting(droppingFirst: written))
            if count == 0 { break }
            written += count
          }
        }
        #expect(written > 0)
        #expect(written < bytes.count)
        let rest = written
        let writing = network.start {
          try await ends.client.write(
            bytes.span.extracting(droppingFirst: rest), timeout: patience)
          try await ends.client.shutdownSend()
        }
        #expect(try await ends.server.readAll(timeout: patience) == bytes)
        try await writing.value
      }
    }

    @Test("accepts who is there", arguments: World.all)
    func accept(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        try await withTaskExecutorPreference(network.server.executor) {
          #expect(try listener.tryAccept() == nil)
          let client = try await network.connect(to: listener)
          // What comes after it on the same wire has arrived, so it has too.
          _ = try await network.connection()
          let server = try #require(try listener.tryAccept())
          #expect(server.remote.port == client.local.port)
          #expect(try listener.tryAccept() == nil)
        }
      }
    }

    @Test("sends and receives datagrams", arguments: World.all)
    func datagrams(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket()
        let client = try await network.clientSocket()
        let isSent = try await withTaskExecutorPreference(network.client.executor) {
          try client.trySend(noise(50).span, to: server.local)
        }
        #expect(isSent)
        try await withTaskExecutorPreference(network.server.executor) {
          var buffer = [UInt8](repeating: 0, count: 100)
          func receive() throws -> DatagramHeader? {
            var span = buffer.mutableSpan
            return try server.tryReceive(into: &span)
          }
          // What comes after it on the same wire has arrived, so it has too.
          _ = try await network.connection()
          let header = try #require(try receive())
          #expect(header.count == 50)
          #expect(Array(buffer.prefix(50)) == noise(50))
          #expect(try receive() == nil)
        }
      }
    }

    @Test("says that the socket is closed", arguments: World.all)
    func closed(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let listener = try await network.listen()
        let socket = try await network.serverSocket()
        for close in [ends.client.close, listener.close, socket.close] { close() }
        var buffer = noise(10)
        func reason(_ node: any NetworkNode, _ body: () throws -> Void) async -> SocketError.Reason?
        {
          await withTaskExecutorPreference(node.executor) {
            do {
              try body()
              return nil
            } catch {
              return (error as? SocketError)?.reason
            }
          }
        }
        let read = await reason(network.client) { _ = try tryRead(ends.client) }
        #expect(read == .closed)
        let written = await reason(network.client) {
          _ = try ends.client.tryWrite(noise(1).span)
        }
        #expect(written == .closed)
        #expect(await reason(network.server) { _ = try listener.tryAccept() } == .closed)
        let received = await reason(network.server) {
          var span = buffer.mutableSpan
          _ = try socket.tryReceive(into: &span)
        }
        #expect(received == .closed)
      }
    }

    @Test("asks no other thread: on a stack of ours it leaves that to a call that waits")
    func elsewhere() async throws {
      try await World(nodes: .stack, place: .anywhere).run { network in
        let ends = try await network.connection()
        try await ends.client.write("x")
        try await ends.server.waitUntilReadable(timeout: patience)
        #expect(try tryRead(ends.server) == nil)
        #expect(try ends.server.tryWrite(noise(1).span) == 0)
        #expect(try await ends.server.read(timeout: patience) == [120])
      }
    }
  }
}
