import Addresses
import Logging
import Packets
import Sockets
import Testing

@Suite("What the library logs", .timeLimit(.minutes(1)))
struct LoggingTests {
  struct Mishap: Error {}

  private func pair(_ recorder: LogRecorder) async throws -> Pair {
    try await Pair(logger: recorder.logger())
  }

  @Test("is nothing, unless a node was given a logger", arguments: World.allCases)
  func silent(world: World) async throws {
    let nodes = try await world.nodes()
    #expect(nodes.client.logger.handler is SwiftLogNoOpLogHandler)
    #expect(nodes.server.logger.handler is SwiftLogNoOpLogHandler)
  }

  @Test("names the node that it is about")
  func nodeName() async throws {
    let recorder = LogRecorder()
    let pair = try await pair(recorder)
    let up = recorder.lines("node up")
    #expect(up.map { $0["node"] } == ["node1", "node2"])
    #expect(up.map(\.level) == [.info, .info])
    #expect(up.first?["addresses"] == #"["10.0.0.1/24", "fd00::1/64"]"#)
    await pair.client.shutdown(within: .zero)
    let down = recorder.lines("node down")
    #expect(down.map { $0["node"] } == ["node1"])
    #expect(down.first?.level == .info)
    let host = HostNode(engine: .epoll, logger: recorder.logger())
    #expect(recorder.lines("node up").last?["node"] == "host")
    #expect(recorder.lines("node up").last?["engine"] == "epoll")
    #expect(host.logger.label == "test")
  }

  @Test("says what a server has done", arguments: World.allCases)
  func server(world: World) async throws {
    let nodes = try await world.nodes()
    let recorder = LogRecorder()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let server = Task {
      try await nodes.server.serve(listener, logger: recorder.logger()) { connection in
        if try await connection.read(exactly: 1) == Array("!".utf8) { throw Mishap() }
      }
    }
    // One that fails by itself, one that breaks, one that ends well.
    let remotes = try await ["!", "", "."].asyncMap { text in
      let connection = try await nodes.client.connect(to: listener.local, timeout: patience)
      try await connection.write(text)
      // Who fails may have reset it by now.
      _ = await reason { try await connection.shutdownSend() }
      _ = await reason { try await connection.read(timeout: patience) }
      return "\(connection.local)"
    }
    listener.close()
    try await server.value
    let begin = try #require(recorder.lines("serving").first)
    #expect(begin["local"] == "\(listener.local)")
    #expect(begin["concurrency"] == "1024")
    let fault = try #require(recorder.lines("handler failed").first)
    #expect(fault.level == .error)
    #expect(fault["remote"] == remotes[0])
    #expect(fault.error is Mishap)
    let broken = try #require(recorder.lines("connection broke").first)
    #expect(broken.level == .info)
    #expect(broken["remote"] == remotes[1])
    #expect((broken.error as? SocketError)?.reason == .unexpectedEnd)
    let end = try #require(recorder.lines("served").first)
    #expect(end.level == .info)
    #expect(end["answered"] == "3")
    #expect(end["failed"] == "2")
    #expect(recorder.lines.count == 4)
  }

  @Test("says once that a server has as many connections as it may")
  func crowded() async throws {
    let nodes = try await World.stack.nodes()
    let recorder = LogRecorder()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let server = Task {
      try await nodes.server.serve(
        listener, concurrency: 2, logger: recorder.logger()
      ) { connection in try await connection.write(connection.readAll()) }
    }
    var connections: [TCPConnection] = []
    for _ in 0..<2 {
      connections.append(try await nodes.client.connect(to: listener.local, timeout: patience))
    }
    let line = await recorder.line("as many connections as there may be: others wait")
    #expect(line?.level == .notice)
    #expect(line?["concurrency"] == "2")
    connections = []
    listener.close()
    try await server.value
    #expect(recorder.lines("as many connections as there may be: others wait").count == 1)
  }

  @Test("tells of handlers that are cancelled, and of the streams that a node resets")
  func endings() async throws {
    let recorder = LogRecorder()
    let pair = try await pair(recorder)
    let listener = try await pair.server.listen(on: "tcp://10.0.0.2:7")
    let server = Task {
      try await pair.server.serve(listener, grace: .milliseconds(1)) { connection in
        try await connection.write("!")
        _ = try await connection.read()
      }
    }
    let connection = try await pair.client.connect(to: listener.local, timeout: patience)
    _ = try await connection.read(exactly: 1, timeout: patience)
    listener.close()
    try await server.value
    let line = recorder.lines("handlers are cancelled: they have not ended in time").first
    #expect(line?.level == .notice)
    #expect(line?["handlers"] == "1")
    #expect(recorder.lines("handler cancelled").first?["remote"] == "\(connection.local)")
    let other = try await pair.connect(to: "tcp://10.0.0.2:8")
    await pair.server.shutdown(within: .zero)
    let reset = recorder.lines("streams are reset: they have not ended in time").first
    #expect(reset?.level == .notice)
    #expect(reset?["node"] == "node2")
    #expect(reset?["streams"] == "1")
    withExtendedLifetime(other) {}
  }

  @Test("counts what a stack drops, and says why at its end")
  func drops() async throws {
    let recorder = LogRecorder()
    let pair = try await pair(recorder)
    let socket = try await pair.client.bind("udp://10.0.0.1:0")
    try await socket.send([1], to: Endpoint("udp://10.0.0.2:9")!)
    // A connection stands when the datagram in front of it has arrived.
    _ = try await pair.connect()
    await pair.server.shutdown(within: .zero)
    let line = try #require(recorder.lines("packets dropped").first { $0["node"] == "node2" })
    #expect(line.level == .debug)
    guard case .dictionary(let counts) = line.metadata["dropped"] else {
      Issue.record("no counts: \(line)")
      return
    }
    #expect(counts["datagram to nobody"] == "1")
  }

  @Test("counts nothing for a logger of graver things")
  func gravest() async throws {
    let recorder = LogRecorder()
    let pair = try await Pair(logger: recorder.logger(.info))
    let socket = try await pair.client.bind("udp://10.0.0.1:0")
    try await socket.send([1], to: Endpoint("udp://10.0.0.2:9")!)
    _ = try await pair.connect()
    await pair.server.shutdown(within: .zero)
    #expect(recorder.lines("packets dropped").isEmpty)
    #expect(recorder.lines("node down").count == 1)
  }

  @Test("tells of each attempt to connect to a name")
  func attempts() async throws {
    let recorder = LogRecorder()
    let pair = try await pair(recorder)
    let listener = try await pair.server.listen(on: "tcp://10.0.0.2:7")
    let resolver = FixedResolver(known: ["a.example": ["fd00::2", "10.0.0.2"]])
    let connection = try await pair.client.connect(
      to: NamedEndpoint(.tcp, host: "a.example", port: 7), resolver: resolver, timeout: patience)
    #expect(connection.remote == listener.local)
    #expect(
      recorder.lines("connecting").map { $0["remote"] }
        == ["tcp://[fd00::2]:7", "tcp://10.0.0.2:7"])
    let failure = try #require(recorder.lines("not connected").first)
    #expect(failure.level == .debug)
    #expect(failure["attempt"] == "1")
    #expect((failure.error as? SocketError)?.reason == .connectionRefused)
  }
}

extension Array where Element: Sendable {
  fileprivate func asyncMap<T>(_ body: (Element) async throws -> T) async rethrows -> [T] {
    var result: [T] = []
    for element in self { result.append(try await body(element)) }
    return result
  }
}
