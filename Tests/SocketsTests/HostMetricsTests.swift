import CoreMetrics
import MetricsTestKit
import Sockets
import SocketsMetrics
import Testing

@Suite("The metrics of this machine's node", .timeLimit(.minutes(1)))
struct HostMetricsTests {
  static let engines: [HostNode.Engine] =
    HostNode.Engine.ioUringRefusal == nil ? [.epoll, .ioUring] : [.epoll]

  @Test("count what has become of its connections", arguments: engines)
  func counts(engine: HostNode.Engine) async throws {
    let node = HostNode(engine: engine)
    var expected = HostNode.Counts()
    #expect(node.counts == expected)
    let listener = try await node.listen(on: "tcp://127.0.0.1:0")
    let client = try await node.connect(to: listener.local)
    let server = try await listener.accept(timeout: patience)
    expected.opened = 1
    expected.accepted = 1
    #expect(node.counts == expected)
    #expect(node.counts.open == 2)
    try await client.write("hello")
    _ = try await server.read(exactly: 5, timeout: patience)
    #expect(node.counts == expected)
    // Once, however it ends and however often.
    client.close()
    client.abort()
    client.close()
    expected.closed = 1
    #expect(node.counts == expected)
    server.abort()
    expected.closed = 2
    #expect(node.counts == expected)
    #expect(node.counts.open == 0)
    do {
      let dropped = try await node.connect(to: listener.local)
      _ = try await listener.accept(timeout: patience)
      #expect(dropped.remote == listener.local)
    }
    expected.opened = 2
    expected.accepted = 2
    expected.closed = 4
    #expect(node.counts == expected)
    let remote = listener.local
    listener.close()
    await #expect(throws: SocketError.self) { try await node.connect(to: remote) }
    expected.failed = 1
    #expect(node.counts == expected)
    let metrics = TestMetrics()
    let reporting = Task { await node.reportMetrics(every: .seconds(3_600), to: metrics) }
    reporting.cancel()
    await reporting.value
    let common = [("node", "host"), ("engine", engine.rawValue)]
    func total(_ label: String, _ dimensions: (String, String)...) throws -> Int64 {
      try metrics.expectCounter(label, common + dimensions).totalValue
    }
    #expect(try total("sockets_tcp_opened", ("side", "client")) == 2)
    #expect(try total("sockets_tcp_opened", ("side", "server")) == 2)
    #expect(try total("sockets_tcp_failed") == 1)
    #expect(try total("sockets_tcp_closed") == 4)
    #expect(try total("sockets_accept_pauses") == 0)
    let open = try metrics.expectMeter("sockets_open", common + [("kind", "connection")])
    #expect(open.lastValue == 0)
    let table = try ArticleTable("LoggingAndMetrics", heading: ["label", "kind", "says"])
    let counted = Set(metrics.counters.map { [$0.label, "counter"] })
    #expect(
      counted.union(metrics.meters.map { [$0.label, "meter"] })
        == Set(table.rows.map { Array($0.prefix(2)) }))
  }
}
