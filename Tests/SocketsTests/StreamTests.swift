import Addresses
import Sockets
import Testing

@Suite("A TCP connection between two nodes", .timeLimit(.minutes(1)))
struct StreamTests {
  @Test("carries bytes both ways and ends in order", arguments: ["10.0.0.2", "[fd00::2]"])
  func echo(address: String) async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://\(address):7")
    let server = Task {
      let connection = try await listener.accept(timeout: patience)
      let bytes = try await connection.readAll(timeout: patience)
      try await connection.write(bytes)
      try await connection.shutdownSend()
      return connection
    }
    let connection = try await pair.client.connect(to: "tcp://\(address):7", timeout: patience)
    #expect(connection.remote == Endpoint("tcp://\(address):7"))
    try await connection.write("hello")
    try await connection.shutdownSend()
    #expect(try await connection.readAll(timeout: patience) == Array("hello".utf8))
    let other = try await server.value
    #expect(other.local == connection.remote)
    #expect(other.remote == connection.local)
  }

  @Test("answers before the peer has said anything: half-close in the other direction")
  func halfCloseOfServer() async throws {
    let (client, server) = try await Pair().connect()
    try await server.write("first")
    try await server.shutdownSend()
    #expect(try await client.readAll(timeout: patience) == Array("first".utf8))
    try await client.write("still here")
    try await client.shutdownSend()
    #expect(try await server.readAll(timeout: patience) == Array("still here".utf8))
  }

  @Test("delivers ten megabytes each way at once, byte for byte, to a slow reader")
  func bulkBothWays() async throws {
    let bytes = noise(10 << 20)
    let (client, server) = try await Pair().connect()
    try await withThrowingTaskGroup { group in
      for end in [client, server] {
        group.addTask {
          try await end.write(bytes, timeout: patience)
          try await end.shutdownSend()
        }
        group.addTask {
          var received: [UInt8] = []
          while true {
            let part = try await end.read(upTo: 10_007, timeout: patience)
            if part.isEmpty { break }
            received += part
          }
          #expect(received == bytes)
        }
      }
      try await group.waitForAll()
    }
  }

  @Test("makes the writer wait for the reader")
  func backPressure() async throws {
    let options = TCPOptions(sendBufferLimit: 65_536, receiveBufferLimit: 65_536)
    let (client, server) = try await Pair().connect(options: options)
    let bytes = noise(1 << 20)
    #expect(
      await reason { try await client.write(bytes, timeout: .milliseconds(200)) }
        == .deadlineExceeded)
    var received: [UInt8] = []
    client.close()
    while true {
      let part = try await server.read(timeout: patience)
      if part.isEmpty { break }
      received += part
    }
    #expect(received.count < bytes.count)
    #expect(received.elementsEqual(bytes.prefix(received.count)))
  }

  @Test("to a port nobody listens on is refused")
  func refused() async throws {
    let pair = try await Pair()
    let error = await #expect(throws: SocketError.self) {
      try await pair.client.connect(to: "tcp://10.0.0.2:80", timeout: patience)
    }
    #expect(error?.description == "connect to tcp://10.0.0.2:80: connection refused")
    #expect(await pair.client.table().connectionCount == 0)
  }

  @Test("that is aborted is reset for the peer")
  func abort() async throws {
    let (client, server) = try await Pair().connect()
    client.abort()
    #expect(await reason { try await server.read(timeout: patience) } == .connectionReset)
    #expect(await reason { try await client.read() } == .closed)
  }

  @Test("that is closed while a task reads wakes the task")
  func closeWhileReading() async throws {
    let (client, server) = try await Pair().connect()
    let reading = Task { await reason { try await client.read(timeout: patience) } }
    try await client.write("x")
    #expect(try await server.read(timeout: patience).count == 1)
    client.close()
    #expect(await reading.value == .closed)
  }

  @Test("closes when its last reference goes")
  func closesWhenDropped() async throws {
    let pair = try await Pair()
    var ends: (client: TCPConnection, server: TCPConnection)? = try await pair.connect()
    let server = try #require(ends?.server)
    ends = nil
    #expect(try await server.read(timeout: patience).isEmpty)
  }

  @Test("is no more to be written to after its own end")
  func writeAfterShutdown() async throws {
    let (client, _) = try await Pair().connect()
    try await client.shutdownSend()
    #expect(await reason { try await client.write("x") } == .brokenPipe)
  }

  @Test("says how it stands")
  func info() async throws {
    let (client, server) = try await Pair().connect()
    try await client.write("12345")
    #expect(try await server.read(timeout: patience).count == 5)
    let info = try await server.info()
    #expect(info.state == .established)
    #expect(info.bytesReceived == 5)
    try await client.setOptions(TCPOptions(noDelay: true))
  }

  @Test("limits what readAll takes")
  func readAllLimit() async throws {
    let (client, server) = try await Pair().connect()
    try await client.write(noise(1_000))
    try await client.shutdownSend()
    #expect(
      await reason { try await server.readAll(limit: 999, timeout: patience) } == .messageTooLong)
  }

  @Test("works for tasks that prefer the node's executor")
  func onExecutor() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://[::]:7")
    let server = Task(executorPreference: pair.server.executor) {
      for try await connection in listener.connections {
        var buffer = [UInt8](repeating: 0, count: 100)
        while true {
          var span = buffer.mutableSpan
          let count = try await connection.read(into: &span, timeout: patience)
          if count == 0 { break }
          try await connection.write(buffer.span.extracting(first: count))
        }
      }
    }
    let total = try await Task(executorPreference: pair.client.executor) {
      let connection = try await pair.client.connect(to: "tcp://10.0.0.2:7", timeout: patience)
      var total = 0
      for round in 1...500 {
        try await connection.write([UInt8](repeating: UInt8(truncatingIfNeeded: round), count: 50))
        var left = 50
        while left > 0 {
          let part = try await connection.read(upTo: left, timeout: patience)
          #expect(part.allSatisfy { $0 == UInt8(truncatingIfNeeded: round) })
          left -= part.count
          total += part.count
        }
      }
      return total
    }.value
    #expect(total == 25_000)
    listener.close()
    try await server.value
  }
}
