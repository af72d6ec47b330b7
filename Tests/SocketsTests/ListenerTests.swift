import Addresses
import Sockets
import Testing

@Suite("A TCP listener", .timeLimit(.minutes(1)))
struct ListenerTests {
  @Test("takes a thousand connections at once, and nothing of them is left but TIME-WAIT")
  func manyConnections() async throws {
    let pair = try await Pair(depth: 8_192)
    let count = 1_000
    let listener = try await pair.server.listen(on: "tcp://0.0.0.0:7", backlog: count)
    let server = Task(executorPreference: pair.server.executor) {
      try await withThrowingDiscardingTaskGroup { group in
        for try await connection in listener.connections {
          group.addTask {
            let bytes = try await connection.readAll(timeout: patience)
            try await connection.write(bytes)
            try await connection.shutdownSend()
          }
        }
      }
    }
    try await withTaskExecutorPreference(pair.client.executor) {
      try await withThrowingTaskGroup { group in
        for number in 0..<count {
          group.addTask {
            let connection = try await pair.client.connect(
              to: "tcp://10.0.0.2:7", timeout: patience)
            let text = "connection \(number)"
            try await connection.write(text)
            try await connection.shutdownSend()
            #expect(try await connection.readAll(timeout: patience) == Array(text.utf8))
          }
        }
        try await group.waitForAll()
      }
    }
    listener.close()
    try await server.value
    for node in [pair.client, pair.server] {
      var table = await node.table()
      // The last acknowledgments may still be on their way.
      while table.connections.keys.contains(where: { $0 != .timeWait }) {
        await Task.yield()
        table = await node.table()
      }
      #expect(table.listeners == 0)
      #expect(table.connectionCount <= count)
    }
  }

  @Test("has the address of each connection it gives out, and its own port when it chose one")
  func ephemeralPort() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://10.0.0.2:0")
    #expect(listener.local.port != 0)
    async let accepted = listener.accept(timeout: patience)
    let connection = try await pair.client.connect(to: listener.local, timeout: patience)
    #expect(try await accepted.remote == connection.local)
  }

  @Test("hears both IP versions on [::], IPv6 alone if asked to")
  func dualStack() async throws {
    let pair = try await Pair()
    let both = try await pair.server.listen(on: "tcp://[::]:7")
    let six = try await pair.server.listen(
      on: .tcp(.v6(.any), port: 8), backlog: 8, ipv6Only: true, options: TCPOptions())
    for address in ["tcp://10.0.0.2:7", "tcp://[fd00::2]:7", "tcp://[fd00::2]:8"] {
      _ = try await pair.client.connect(to: address, timeout: patience)
    }
    #expect(
      await reason { try await pair.client.connect(to: "tcp://10.0.0.2:8", timeout: patience) }
        == .connectionRefused)
    withExtendedLifetime((both, six)) {}
  }

  @Test("is alone on its address")
  func addressInUse() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://0.0.0.0:7")
    let error = await #expect(throws: SocketError.self) {
      try await pair.server.listen(on: "tcp://0.0.0.0:7")
    }
    #expect(error?.description == "listen on tcp://0.0.0.0:7: address already in use")
    listener.close()
    _ = try await pair.server.listen(on: "tcp://0.0.0.0:7")
  }

  @Test("ends its sequence when it is closed")
  func closeEndsSequence() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://0.0.0.0:7")
    let counting = Task {
      var count = 0
      for try await _ in listener.connections { count += 1 }
      return count
    }
    let connection = try await pair.client.connect(to: "tcp://10.0.0.2:7", timeout: patience)
    // The task has taken the connection when the connection ends.
    #expect(try await connection.read(timeout: patience).isEmpty)
    listener.close()
    #expect(try await counting.value == 1)
  }

  @Test("refuses endpoints it cannot be at")
  func badEndpoints() async throws {
    let pair = try await Pair()
    #expect(
      await reason { try await pair.server.listen(on: "tcp://192.0.2.1:7") }
        == .addressNotAvailable)
    guard case .badEndpoint = await reason({ try await pair.server.listen(on: "udp://0.0.0.0:7") })
    else { return #expect(Bool(false), "a UDP endpoint is none to listen on") }
    guard case .badEndpoint = await reason({ try await pair.server.listen(on: "nonsense") })
    else { return #expect(Bool(false), "nonsense is no endpoint") }
  }
}
