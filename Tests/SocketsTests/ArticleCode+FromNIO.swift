import Addresses
import Sockets
import Synchronization
import Testing

// The code of FromNIO.md, ours. `GuideTests` looks for each of its blocks here.

/// A message whose length, of two bytes, comes first.
func readMessage(_ reader: inout StreamReader) async throws -> [UInt8] {
  let length = try await reader.read(exactly: 2)
  return try await reader.read(exactly: Int(length[0]) << 8 | Int(length[1]))
}

func writeMessage(_ message: [UInt8], to connection: TCPConnection) async throws {
  let length = [UInt8(message.count >> 8 & 0xFF), UInt8(message.count & 0xFF)]
  try await connection.write(joining: [length, message])
}

@Suite("The code of the article for users of SwiftNIO", .timeLimit(.minutes(1)))
struct NIOArticle {
  private func serve(on node: any NetworkNode) async throws {
    let listener = try await node.listen(
      on: "tcp://[::]:7007", backlog: 256, options: TCPOptions(noDelay: true))
    try await node.serve(listener) { connection in
      for try await chunk in connection.chunks { try await connection.write(chunk) }
    }
  }

  @Test("A server with handlers becomes a closure")
  func server() async throws {
    let (client, node) = try await StackNode.pair()
    let serving = Task { try await serve(on: node) }
    while await reason({ try await client.connect(to: "tcp://10.0.0.2:7007") })
      == .connectionRefused
    {}
    let line = try await firstLine(client, "tcp://10.0.0.2:7007")
    #expect(line == "hello")
    serving.cancel()
    try await serving.value
  }

  private func firstLine(_ node: any NetworkNode, _ place: String) async throws -> String? {
    let line = try await node.withConnection(to: place, timeout: .seconds(30)) { connection in
      try await connection.write("hello\n")
      var reader = StreamReader(connection, limit: 8_192)
      return try await reader.readLine(timeout: .seconds(30))
    }
    return line
  }

  private func loop(_ node: any NetworkNode, _ listener: TCPListener) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      for try await connection in listener.connections {
        group.addTask(executorPreference: node.executor) {
          do {
            for try await chunk in connection.chunks { try await connection.write(chunk) }
          } catch {
            connection.abort()
          }
        }
      }
    }
  }

  @Test(
    "The loop of a server may be written out, and messages go both ways", arguments: World.allCases)
  func frames(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let serving = Task { try await loop(nodes.server, listener) }
    let connection = try await nodes.client.connect(to: listener.local)
    async let sending: Void = {
      for number in 1...100 { try await writeMessage([UInt8(number)], to: connection) }
      try await connection.shutdownSend()
    }()
    var reader = StreamReader(connection)
    for number in 1...100 {
      let answer = try await readMessage(&reader)
      #expect(answer == [UInt8(number)])
    }
    try await sending
    listener.close()
    try await serving.value
  }

  @Test("A server quiesces", arguments: World.allCases)
  func quiescing(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let connection = try await nodes.client.connect(to: listener.local)
    let isQuiescing = Mutex(false)
    try await serve(
      nodes.server, listener, isQuiescing: { isQuiescing.withLock { $0 } },
      quiesce: {
        try? await connection.write("one\n")
        let heard = try? await connection.read(exactly: 4, timeout: patience)
        #expect(heard == Array("ONE\n".utf8))
        isQuiescing.withLock { $0 = true }
        try? await connection.write("two\n")
      })
    #expect(try await connection.readAll(timeout: patience) == Array("TWO\n".utf8))
  }

  private func serve(
    _ node: any NetworkNode, _ listener: TCPListener,
    isQuiescing: @escaping @Sendable () -> Bool, quiesce: () async -> Void
  ) async throws {
    let serving = Task {
      try await node.serve(listener, grace: .seconds(30)) { connection in
        var reader = StreamReader(connection)
        while let request = try await reader.readLine() {
          try await connection.write(answer(to: request))
          if isQuiescing() { break }
        }
      }
    }
    await quiesce()
    serving.cancel()
    try await serving.value
  }

  private func answer(to request: String) -> String { request.uppercased() + "\n" }
}
