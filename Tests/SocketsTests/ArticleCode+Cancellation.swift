import Addresses
import Sockets
import Synchronization
import Testing

// The code of Cancellation.md. `GuideTests` looks for each of its blocks here.

/// What `body` returns, if it does in time; else it is cancelled, and `nil` is the answer.
func within<Value: Sendable>(
  _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value? {
  try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    return try await group.next() ?? nil
  }
}

@Suite("The code of the article about cancellation", .timeLimit(.minutes(1)))
struct CancellationArticle {
  @Test("A timeout is for a call, and zero takes what is there", arguments: World.allCases)
  func timeouts(world: World) async throws {
    let ends = try await world.nodes().connect()
    let connection = ends.client
    try await ends.server.write("hello")
    let greeting = try await connection.read(upTo: 100, timeout: .seconds(30))
    #expect(greeting == Array("hello".utf8))

    try await ends.server.write("more")
    while try await connection.info().bytesReceived < 9 { await Task.yield() }
    var waiting: [UInt8] = []
    do {
      while true {
        let part = try await connection.read(timeout: .zero)
        if part.isEmpty { break }
        waiting += part
      }
    } catch {
      // Nothing more has arrived yet.
      guard error.reason == .deadlineExceeded else { throw error }
    }
    // The task that reads may not have been told of it yet.
    while waiting.count < 4 { waiting += try await connection.read(timeout: patience) }
    #expect(waiting == Array("more".utf8))
  }

  @Test("A reader keeps what it has when its time is over", arguments: World.allCases)
  func reader(world: World) async throws {
    let ends = try await world.nodes().connect()
    let reports = Mutex(0)
    let serving = Task {
      try await serve(ends.server) { reports.withLock { $0 += 1 } }
    }
    try await ends.client.write("0123456")
    while reports.withLock({ $0 }) == 0 { await Task.yield() }
    try await ends.client.write("789abcdef")
    #expect(
      try await ends.client.read(exactly: 16, timeout: patience) == Array("0123456789abcdef".utf8))
    serving.cancel()
    let failure = await reason { try await serving.value }
    #expect(failure == .cancelled)
  }

  private func serve(
    _ connection: TCPConnection, _ report: () async throws -> Void
  ) async throws {
    var reader = StreamReader(connection)
    while true {
      do {
        let request = try await reader.read(exactly: 16, timeout: .seconds(1))
        try await connection.write(request)
      } catch {
        guard error.reason == .deadlineExceeded else { throw error }
        // Idle. What there is of a request stays in the reader.
        try await report()
      }
    }
  }

  @Test("One deadline may be for a whole exchange", arguments: World.allCases, [true, false])
  func exchange(world: World, isAnswered: Bool) async throws {
    let nodes = try await world.nodes()
    let client = nodes.client
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    async let serving: Void = nodes.server.serve(listener) { connection in
      if isAnswered {
        for try await chunk in connection.chunks { try await connection.write(chunk) }
      } else {
        _ = try await connection.readAll()
      }
    }
    let limit = isAnswered ? patience : .milliseconds(500)
    let answer = try await within(limit) {
      try await client.withConnection(to: listener.local) { connection in
        try await connection.write("a question\n")
        var reader = StreamReader(connection)
        return try await reader.readLine()
      }
    }
    #expect(answer == (isAnswered ? "a question" : nil))
    listener.close()
    try await serving
  }

  @Test("A server ends in order")
  func shutdown() async throws {
    let (client, server) = try await StackNode.pair()
    let listener = try await server.listen(on: "tcp://10.0.0.2:7")
    let connection = try await client.connect(to: listener.local)
    try await runServer(server, listener) {
      try? await connection.write("hello")
      _ = try? await connection.read(exactly: 5, timeout: patience)
    }
    #expect(await reason { try await connection.read(timeout: patience) } == .connectionReset)
  }

  private func runServer(
    _ server: StackNode, _ listener: TCPListener, _ shutdownIsWanted: () async -> Void
  ) async throws {
    let serving = Task {
      try await server.serve(listener, grace: .seconds(1)) { connection in
        for try await chunk in connection.chunks { try await connection.write(chunk) }
      }
    }
    await shutdownIsWanted()
    listener.close()
    try await serving.value
    await server.shutdown(within: .seconds(2))
  }
}
