import Addresses
import CoreMetrics
import MetricsTestKit
import ProtocolStack
import Sockets
import SocketsMetrics
import Testing

@Suite("A node's metrics", .timeLimit(.minutes(1)))
struct NodeMetricsTests {
  @Test(
    "are handed on when the task is cancelled, and when the node ends", arguments: [true, false])
  func totals(cancelled: Bool) async throws {
    let pair = try await Pair()
    let ends = try await pair.connect()
    try await ends.client.write("hello")
    _ = try await ends.server.read(exactly: 5, timeout: patience)
    let socket = try await pair.client.bind("udp://10.0.0.1:0")
    try await socket.send([1], to: Endpoint("udp://10.0.0.2:9")!)
    // Stands when the datagram in front of it has arrived.
    let other = try await pair.connect(to: "tcp://10.0.0.2:8")
    let metrics = TestMetrics()
    let before = await pair.server.counters()
    if !cancelled { await pair.server.shutdown(within: .zero) }
    let reporting = Task { [server = pair.server] in
      await server.reportMetrics(every: .seconds(cancelled ? 3_600 : 0), to: metrics)
    }
    if cancelled { reporting.cancel() }
    await reporting.value
    let node = ("node", "node2")
    func total(_ label: String, _ dimensions: (String, String)...) throws -> Int64 {
      try metrics.expectCounter(label, [node] + dimensions).totalValue
    }
    // An acknowledgment may pass at any time.
    let after = await pair.server.counters()
    let packets = UInt64(try total("sockets_packets", ("direction", "in")))
    #expect((before.stack.packetsReceived...after.stack.packetsReceived).contains(packets))
    let bytes = UInt64(try total("sockets_bytes", ("direction", "out")))
    #expect((before.stack.bytesSent...after.stack.bytesSent).contains(bytes))
    #expect(try total("sockets_tcp_opened", ("side", "server")) == 2)
    #expect(try total("sockets_tcp_opened", ("side", "client")) == 0)
    #expect(try total("sockets_tcp_retransmissions") == 0)
    #expect(try total("sockets_packets_dropped", ("reason", "datagram to nobody")) == 1)
    let established = try metrics.expectMeter(
      "sockets_tcp_connections", [node, ("state", "ESTABLISHED")])
    #expect(established.lastValue == (cancelled ? 2 : 0))
    #expect(try metrics.expectMeter("sockets_open", [node, ("kind", "udp")]).lastValue == 0)
    let table = try ArticleTable("LoggingAndMetrics", heading: ["label", "kind", "dimension"])
    let counted = Set(metrics.counters.map { [$0.label, "counter"] })
    #expect(
      counted.union(metrics.meters.map { [$0.label, "meter"] })
        == Set(table.rows.map { Array($0.prefix(2)) }))
    withExtendedLifetime((ends, other)) {}
  }

  @Test("are added up over several reports")
  func deltas() async throws {
    let pair = try await Pair()
    let metrics = TestMetrics()
    let reporting = Task { [server = pair.server] in
      await server.reportMetrics(every: .milliseconds(1), to: metrics)
    }
    let ends = try await pair.connect()
    for _ in 0..<100 {
      try await ends.client.write("x")
      _ = try await ends.server.read(exactly: 1, timeout: patience)
    }
    await pair.server.shutdown(within: .zero)
    await reporting.value
    let counter = try metrics.expectCounter(
      "sockets_tcp_segments", [("node", "node2"), ("direction", "in")])
    #expect(counter.totalValue == Int64(await pair.server.counters().tcp.segmentsReceived))
  }
}
