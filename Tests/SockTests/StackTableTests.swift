import Addresses
import Foundation
import Logging
import Sockets
import Testing
import sock

@Suite("The table of stacks of ours", .timeLimit(.minutes(1)))
struct StackTableTests {
  /// A stack with a listener, a connection to it with five bytes that nobody has read, and a UDP
  /// socket.
  private func stack() async throws -> (node: StackNode, client: StackNode, all: [any Sendable]) {
    let (client, server) = try await StackNode.pair()
    let listener = try await server.listen(on: "tcp://10.0.0.2:7", backlog: 12)
    let connection = try await client.connect(to: listener.local)
    let accepted = try await listener.accept()
    try await connection.write("hello")
    try await accepted.waitUntilReadable()
    let waiting = try await client.connect(to: listener.local)
    let socket = try await server.bind("udp://10.0.0.2:53")
    let connected = try await server.bind("udp://10.0.0.2:54")
    try await connected.connect(to: Endpoint("udp://10.0.0.1:9")!)
    return (server, client, [listener, connection, accepted, waiting, socket, connected])
  }

  @Test("has a stack's sockets as ss shows them")
  func rows() async throws {
    let (node, _, all) = try await stack()
    // The connection that waits to be accepted is counted when its handshake is done.
    var entries = await node.sockets()
    while entries.first(where: { $0.state == .listening })?.receiveQueue != 1 {
      entries = await node.sockets()
    }
    let rows = entries.map { TableRow($0, stack: "sock0", process: 12, user: 1_000) }
    #expect(
      rows.map(\.state).sorted() == ["ESTAB", "ESTAB", "ESTAB", "LISTEN", "UNCONN"])
    let listener = try #require(rows.first { $0.state == "LISTEN" })
    #expect(listener.netid == "tcp")
    #expect(listener.local == "10.0.0.2:7")
    #expect(listener.peer == nil)
    #expect(listener.receiveQueue == 1)
    #expect(listener.sendQueue == 12)
    let open = try #require(rows.first { $0.state == "UNCONN" })
    #expect(open.netid == "udp")
    #expect(open.local == "10.0.0.2:53")
    #expect(rows.contains { $0.local == "10.0.0.2:54" && $0.peer == "10.0.0.1:9" })
    #expect(rows.contains { $0.netid == "tcp" && $0.state == "ESTAB" && $0.receiveQueue == 5 })
    withExtendedLifetime(all) {}
  }

  @Test("is told by a process to whoever asks it, and no more when its door is closed")
  func door() async throws {
    let (node, _, all) = try await stack()
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let device = "tun:door\(getpid())"
    let door = try #require(
      StackDoor.open(
        to: node, devices: [device], logger: logger))
    let running = await RunningStacks.all()
    let report = try #require(running.reports.first { $0.isAbout(device) })
    #expect(report.process == Int(getpid()))
    #expect(report.user == Int(geteuid()))
    let rows = try running.rows(of: [device])
    #expect(rows.count == 5)
    #expect(rows.allSatisfy { "tun:\($0.stack)" == device && $0.process == report.process })
    door.close()
    #expect(await RunningStacks.all().reports.allSatisfy { !$0.isAbout(device) })
    withExtendedLifetime(all) {}
  }

  private func report(_ devices: String..., process: Int = 12) -> StackReport {
    StackReport(devices: devices, process: process, user: 0, rows: [])
  }

  @Test("says which stacks there are where the one that was meant is not")
  func absent() {
    let two = RunningStacks([report("tun:a", "tap:b"), report("tun:c", process: 14)], silent: 1)
    #expect(throws: Never.self) { try two.rows(of: ["a", "tap:b", "c"]) }
    let wrongKind = #expect(throws: Complaint.self) { try two.rows(of: ["tun:b"]) }
    #expect(
      wrongKind?.description.hasSuffix(
        """
        "tun:b": there are tun:a (process 12), tap:b (process 12), tun:c (process 14); 1 answers \
        only to another user, or to root
        """) == true)
    let none = #expect(throws: Complaint.self) { try RunningStacks([]).rows(of: ["a"]) }
    #expect(none?.description.contains("none runs here; start one") == true)
    #expect(none?.description.contains("--network tun:a=") == true)
  }

  @Test("finds the doors among a machine's local sockets")
  func doors() {
    let text = """
      Num       RefCount Protocol Flags    Type St Inode Path
      0: 00000002 00000000 00010000 0001 01 1 @swift-sockets/0/12/0
      0: 00000003 00000000 00000000 0001 03 2 @swift-sockets/0/12/0
      0: 00000003 00000000 00000000 0001 03 3 /run/swift-sockets/0
      0: 00000003 00000000 00000000 0001 03 4
      0: 00000002 00000000 00010000 0001 01 5 @swift-sockets/1000/7/0
      """
    #expect(RunningStacks.doors(in: text) == ["swift-sockets/0/12/0", "swift-sockets/1000/7/0"])
  }

  @Test("believes no report that means to confuse", arguments: ["a b", "a\u{1B}[2J", "ü", "a\nb"])
  func hostile(text: String) throws {
    let bytes = try report("tun:\(text)").encoded()
    #expect(throws: Complaint.self) { try StackReport(decoding: bytes) }
    #expect(throws: (any Error).self) { try StackReport(decoding: Array("{}".utf8)) }
    let good = report("tun:a")
    #expect(try StackReport(decoding: good.encoded()) == good)
  }

  @Test("is JSON where that is asked for")
  func json() async throws {
    let (node, _, all) = try await stack()
    let rows = await node.sockets().map { TableRow($0, stack: "a", process: 1, user: 2) }
    let lines = try TableText.objects(rows)
    let decoded = try lines.map { try JSONDecoder().decode(TableRow.self, from: Data($0.utf8)) }
    #expect(decoded == rows)
    #expect(lines.contains { $0.contains(#""local":"10.0.0.2:53""#) && $0.contains(#""user":2"#) })
    withExtendedLifetime(all) {}
  }
}
