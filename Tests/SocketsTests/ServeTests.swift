import Addresses
import Sockets
import Synchronization
import Testing

@Suite("A server", .timeLimit(.minutes(1)))
struct ServeTests {
  struct Mishap: Error {}

  @Test("answers many, one task each, until its listener is closed", arguments: World.allCases)
  func answers(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let server = Task {
      try await nodes.server.serve(listener) { connection in
        for try await chunk in connection.chunks { try await connection.write(chunk) }
      }
    }
    try await withThrowingTaskGroup { group in
      for number in 0..<50 {
        group.addTask {
          try await nodes.client.withConnection(to: listener.local, timeout: patience) {
            connection in
            try await connection.write("\(number)")
            try await connection.shutdownSend()
            #expect(try await connection.readAll(timeout: patience) == Array("\(number)".utf8))
          }
        }
      }
      try await group.waitForAll()
    }
    listener.close()
    try await server.value
  }

  @Test("has no more handlers at work than it may", arguments: World.allCases)
  func concurrency(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let counts = Mutex((now: 0, most: 0, all: 0))
    let server = Task {
      try await nodes.server.serve(listener, concurrency: 3) { connection in
        counts.withLock { counts in
          counts.now += 1
          counts.all += 1
          counts.most = max(counts.most, counts.now)
        }
        defer { counts.withLock { $0.now -= 1 } }
        try await connection.write(connection.readAll(timeout: patience))
      }
    }
    try await withThrowingTaskGroup { group in
      for _ in 0..<20 {
        group.addTask {
          let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
          try await connection.write("x")
          try await connection.shutdownSend()
          #expect(try await connection.readAll(timeout: patience).count == 1)
        }
      }
      try await group.waitForAll()
    }
    listener.close()
    try await server.value
    let (_, most, all) = counts.withLock { $0 }
    #expect(most <= 3)
    #expect(all == 20)
  }

  /// How a server is told to end.
  enum Ending: CaseIterable { case close, cancel }

  @Test("lets a handler end its work before it ends", arguments: Ending.allCases)
  func graceful(ending: Ending) async throws {
    let nodes = try await World.stack.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let server = Task {
      try await nodes.server.serve(listener, grace: patience) { connection in
        try await connection.write("!")
        let question = try await connection.read(exactly: 2, timeout: patience)
        try await connection.write(question)
      }
    }
    let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
    try await connection.write("a")
    // Until it is answered, a close of the listener would reset it.
    #expect(try await connection.read(exactly: 1, timeout: patience) == Array("!".utf8))
    if ending == .close { listener.close() } else { server.cancel() }
    // No more are accepted ...
    while await reason({ try await nodes.client.connect(to: listener.local, timeout: patience) })
      != .connectionRefused
    {}
    // ... but the one at work ends in order.
    try await connection.write("b")
    #expect(try await connection.readAll(timeout: patience) == Array("ab".utf8))
    try await server.value
  }

  @Test("cancels what has not ended in the time of grace", arguments: Ending.allCases, [1, 100])
  func impatient(ending: Ending, concurrency: Int) async throws {
    let nodes = try await World.stack.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let failures = Mutex<[SocketError.Reason?]>([])
    let server = Task {
      try await nodes.server.serve(
        listener, concurrency: concurrency, grace: .milliseconds(20),
        onFailure: { _, error in
          failures.withLock { $0.append((error as? SocketError)?.reason) }
        },
        { connection in
          try await connection.write("!")
          _ = try await connection.read(exactly: 2)
        })
    }
    let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
    try await connection.write("a")
    // Until it is answered, a close of the listener would reset it.
    #expect(try await connection.read(exactly: 1, timeout: patience) == Array("!".utf8))
    if ending == .close { listener.close() } else { server.cancel() }
    try await server.value
    #expect(failures.withLock { $0 } == [.cancelled])
    #expect(await reason { try await connection.read(timeout: patience) } == .connectionReset)
  }

  /// What a handler waits for, in vain.
  enum Wait: CaseIterable { case bytes, readiness, room, another, child, afterwards }

  @Test("cancels a handler whatever it waits for", arguments: World.allCases, Wait.allCases)
  func cancelsWaits(world: World, wait: Wait) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let other = try await nodes.connect()
    let failures = Mutex<[SocketError.Reason?]>([])
    let server = Task {
      try await nodes.server.serve(
        listener, grace: .zero,
        onFailure: { _, error in
          failures.withLock { $0.append((error as? SocketError)?.reason) }
        },
        { connection in
          try await connection.write("!")
          switch wait {
          case .bytes: _ = try await connection.read()
          case .readiness:
            // It may be told of readiness that a former read has used up.
            while try connection.tryReadByte() == nil { try await connection.waitUntilReadable() }
          case .room:
            while true { try await connection.write([UInt8](repeating: 0, count: 65_536)) }
          case .another: _ = try await other.server.read()
          case .child:
            async let bytes = connection.read()
            _ = try await bytes
          case .afterwards:
            // It hears of its cancellation here, and waits on its own connection all the same.
            _ = try? await other.server.read()
            _ = try await connection.read()
          }
        })
    }
    var connections: [TCPConnection] = []
    for _ in 0..<10 {
      let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
      #expect(try await connection.read(upTo: 1, timeout: patience) == Array("!".utf8))
      connections.append(connection)
    }
    server.cancel()
    try await server.value
    #expect(failures.withLock { $0 } == Array(repeating: .cancelled, count: 10))
    withExtendedLifetime((connections, other)) {}
  }

  @Test("cancels handlers in the midst of their work", arguments: World.allCases)
  func cancelsWork(world: World) async throws {
    let nodes = try await world.nodes()
    for _ in 0..<20 {
      let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
      let server = Task {
        try await nodes.server.serve(listener, grace: .zero) { connection in
          while true { try await connection.write(connection.read()) }
        }
      }
      await withThrowingTaskGroup { group in
        for number in 0..<10 {
          group.addTask {
            let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
            for _ in 0..<number {
              try await connection.write("x")
              #expect(try await connection.read(exactly: 1, timeout: patience).count == 1)
            }
            // The end, however the server's has come to pass.
            if number % 2 == 0 { server.cancel() }
            while (try? await connection.write("x")) != nil,
              try await !connection.read(timeout: patience).isEmpty
            {}
          }
        }
        while let ended = await group.nextResult() {
          if case .failure(let error as SocketError) = ended {
            #expect([.connectionReset, .connectionRefused, .brokenPipe].contains(error.reason))
          }
        }
      }
      try await server.value
    }
  }

  @Test("leaves a handler's own tasks to the handler", arguments: World.allCases)
  func handlersTasks(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let server = Task {
      try await nodes.server.serve(listener) { connection in
        for _ in 0..<5 {
          let reading = Task { await reason { try await connection.read() } }
          reading.cancel()
          #expect(await reading.value == .cancelled)
        }
        // The handler's own wait is as before.
        try await connection.write("!")
        try await connection.write(connection.read(exactly: 1, timeout: patience))
      }
    }
    let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
    #expect(try await connection.read(exactly: 1, timeout: patience) == Array("!".utf8))
    try await connection.write("x")
    #expect(try await connection.readAll(timeout: patience) == Array("x".utf8))
    listener.close()
    try await server.value
  }

  @Test("goes on when a handler throws, whose connection is reset")
  func failingHandler() async throws {
    let nodes = try await World.stack.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let failures = Mutex(0)
    let server = Task {
      try await nodes.server.serve(
        listener, onFailure: { _, _ in failures.withLock { $0 += 1 } }, { _ in throw Mishap() })
    }
    for _ in 0..<3 {
      let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
      #expect(await reason { try await connection.read(timeout: patience) } == .connectionReset)
    }
    listener.close()
    try await server.value
    #expect(failures.withLock { $0 } == 3)
  }

  @Test("ends with an error when its node goes")
  func nodeGone() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://0.0.0.0:7")
    let server = Task { await reason { try await pair.server.serve(listener) { _ in } } }
    await pair.server.shutdown(within: .zero)
    #expect(await server.value == .networkDown)
  }

  @Test("A connection lasts as long as its body; one that throws resets it")
  func withConnection() async throws {
    let nodes = try await World.stack.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    async let first = listener.accept(timeout: patience)
    let value = try await nodes.client.withConnection(to: listener.local) { connection in
      try await connection.write("x")
      return 7
    }
    #expect(value == 7)
    #expect(try await first.readAll(timeout: patience) == Array("x".utf8))
    async let second = greet(listener)
    await #expect(throws: Mishap.self) {
      try await nodes.client.withConnection(to: listener.local) { connection in
        // Our stack gives out no connection that was reset before.
        _ = try await connection.read(exactly: 1, timeout: patience)
        throw Mishap()
      }
    }
    let other = try await second
    #expect(await reason { try await other.read(timeout: patience) } == .connectionReset)
  }

  private func greet(_ listener: TCPListener) async throws -> TCPConnection {
    let connection = try await listener.accept(timeout: patience)
    try await connection.write("!")
    return connection
  }
}

extension TCPConnection {
  fileprivate func tryReadByte() throws -> Int? {
    var byte: [UInt8] = [0]
    var span = byte.mutableSpan
    return try tryRead(into: &span)
  }
}
