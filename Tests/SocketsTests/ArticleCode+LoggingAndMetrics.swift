import Addresses
import Foundation
import Logging
import Sockets
import SocketsMetrics
import Testing

// The code of LoggingAndMetrics.md, and its table. `GuideTests` looks for each of its blocks here.

@Suite("The code of the article about logging", .timeLimit(.minutes(1)))
struct LoggingArticle {
  /// Compiled, and not run: it would print.
  private func logged() {
    var logger = Logger(label: "echo")
    logger.logLevel = .debug
    let node = HostNode(logger: logger)
    _ = node
  }

  @Test("A server may have a logger of its own", arguments: World.allCases)
  func server(world: World) async throws {
    let recorder = LogRecorder()
    let nodes = try await world.nodes()
    let node = RecordedNode(node: nodes.server, logger: recorder.logger())
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let serving = Task { try await serve(listener, node) }
    #expect(await recorder.line("serving")?["service"] == "echo")
    listener.close()
    try await serving.value
  }

  /// What the article has of a node.
  private struct RecordedNode {
    let node: any NetworkNode
    let logger: Logger

    func serve(
      _ listener: TCPListener, logger: Logger,
      _ handler: @escaping @Sendable (TCPConnection) async throws -> Void
    ) async throws { try await node.serve(listener, logger: logger, handler) }
  }

  private func serve(_ listener: TCPListener, _ node: RecordedNode) async throws {
    var logger = node.logger
    logger[metadataKey: "service"] = "echo"
    try await node.serve(listener, logger: logger) { connection in
      for try await chunk in connection.chunks { try await connection.write(chunk) }
    }
  }

  @Test("A connection says what it has carried", arguments: World.allCases)
  func connection(world: World) async throws {
    let nodes = try await world.nodes()
    let recorder = LogRecorder()
    let logger = recorder.logger()
    let (connection, peer) = try await nodes.connect()
    try await peer.write("hello")
    _ = try await connection.read(exactly: 5, timeout: patience)
    let metrics = try await connection.metrics()
    logger.info(
      "connection ended",
      metadata: [
        "seconds": "\(metrics.age.components.seconds)",
        "in": "\(metrics.bytesReceived)", "out": "\(metrics.bytesSent)",
        "again": "\(metrics.bytesRetransmitted)",
      ])
    connection.close()
    #expect(recorder.lines("connection ended").first?["in"] == "5")
    #expect(metrics.establishment?.attempts.count == 1)
  }

  /// Compiled, and not run: it would print.
  private func printed(_ metrics: TCPConnection.Metrics) {
    for attempt in metrics.establishment?.attempts ?? [] {
      print(attempt.remote, attempt.start, attempt.duration, attempt.outcome)
    }
  }

  /// Compiled, and not run: it would print.
  private func printed(_ node: StackNode) async {
    for socket in await node.sockets() where socket.receiveQueue > 0 {
      print(socket.state, socket.local, socket.receiveQueue)
    }
  }

  @Test("A node hands its counters on")
  func node() async throws {
    let node = try await StackNode.pair().0
    let reporting = Task { await node.reportMetrics(every: .seconds(10)) }
    reporting.cancel()
    await reporting.value
  }

  @Test("So does this machine")
  func host() async throws {
    let host = HostNode()
    let reportingHost = Task { await host.reportMetrics(every: .seconds(10)) }
    reportingHost.cancel()
    await reportingHost.value
  }

  @Test("Every line that is logged has its row, and no other")
  func everyLine() throws {
    let table = try ArticleTable("LoggingAndMetrics", heading: ["level", "line", "when"])
    let rows = table.rows.map { "\($0[0]): \($0[1])" }
    #expect(rows.count > 20)
    #expect(Set(rows).count == rows.count)
    #expect(Set(rows) == (try Self.lines()))
  }

  /// The lines in the source, with their levels.
  private static func lines() throws -> Set<String> {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources/Sockets")
    let call = /logger\.([a-z]+)\(\s*"([^"]*)"/
    var lines: Set<String> = []
    for path in try FileManager.default.subpathsOfDirectory(atPath: root.path)
    where path.hasSuffix(".swift") {
      let text = try String(contentsOf: root.appending(path: path), encoding: .utf8)
      for match in text.matches(of: call) { lines.insert("\(match.1): \(match.2)") }
    }
    return lines
  }
}
