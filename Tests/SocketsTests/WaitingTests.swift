import Addresses
import Sockets
import Testing

@Suite("A call that waits", .timeLimit(.minutes(1)))
struct WaitingTests {
  /// The calls that wait, on sockets for which nothing happens.
  enum Call: CaseIterable, CustomTestStringConvertible {
    case connect, accept, read, write, receive, echo

    var testDescription: String { "\(self)" }

    /// - Parameter address: in the cable's network, where nobody answers.
    func perform(_ pair: Pair, _ timeout: Duration?) async throws {
      switch self {
      case .connect:
        // Full, the cable swallows the SYN: nobody takes packets out of a node that has stopped.
        await pair.server.shutdown(within: .zero)
        _ = try await pair.client.connect(to: "tcp://10.0.0.2:7", timeout: timeout)
      case .accept:
        _ = try await pair.server.listen(on: "tcp://0.0.0.0:7").accept(timeout: timeout)
      case .read:
        let ends = try await pair.connect()
        _ = try await ends.client.read(timeout: timeout)
        withExtendedLifetime(ends) {}
      case .write:
        let options = TCPOptions(sendBufferLimit: 10_000, receiveBufferLimit: 10_000)
        let ends = try await pair.connect(options: options)
        try await ends.client.write([UInt8](repeating: 0, count: 10 << 20), timeout: timeout)
        withExtendedLifetime(ends) {}
      case .receive:
        _ = try await pair.server.bind("udp://0.0.0.0:7").receive(timeout: timeout)
      case .echo:
        var bytes = [UInt8](repeating: 0, count: 10)
        var span = bytes.mutableSpan
        _ = try await pair.client.openEcho(.v4).receive(into: &span, timeout: timeout)
      }
    }
  }

  @Test("ends when its time is over, and leaves nothing behind", arguments: Call.allCases)
  func deadline(call: Call) async throws {
    let pair = try await Pair()
    #expect(
      await reason { try await call.perform(pair, .milliseconds(50)) } == .deadlineExceeded)
    try await expectNothingLeft(on: pair.client)
    if call != .connect { try await expectNothingLeft(on: pair.server) }
  }

  @Test("ends when its task is cancelled, and leaves nothing behind", arguments: Call.allCases)
  func cancellation(call: Call) async throws {
    let pair = try await Pair()
    let task = Task { await reason { try await call.perform(pair, patience) } }
    await untilWaiting(call, pair)
    task.cancel()
    #expect(await task.value == .cancelled)
    try await expectNothingLeft(on: pair.client)
    if call != .connect { try await expectNothingLeft(on: pair.server) }
  }

  @Test("does not begin to wait in a task that is cancelled already", arguments: Call.allCases)
  func cancelledBefore(call: Call) async throws {
    let pair = try await Pair()
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await reason { try await call.perform(pair, patience) }
    }
    task.cancel()
    #expect(await task.value == .cancelled)
  }

  @Test("with no time at all succeeds when there is nothing to wait for")
  func noTime() async throws {
    let (client, server) = try await Pair().connect()
    try await client.write("x", timeout: .zero)
    #expect(try await server.read(timeout: patience).count == 1)
    try await client.write("y")
    var found: [UInt8] = []
    let again: () async throws -> Void = { found = try await server.read(timeout: .zero) }
    while await reason(again) == .deadlineExceeded {}
    #expect(found == Array("y".utf8))
  }

  @Test("takes no connection away when it is cancelled at that moment")
  func cancelledAccept() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://0.0.0.0:7")
    for _ in 0..<100 {
      let accepting = Task { try await listener.accept(timeout: patience) }
      let connection = try await pair.client.connect(to: "tcp://10.0.0.2:7", timeout: patience)
      accepting.cancel()
      // Whoever got it, somebody has: this one, or the next to ask.
      let accepted: TCPConnection
      do {
        accepted = try await accepting.value
      } catch {
        accepted = try await listener.accept(timeout: patience)
      }
      #expect(accepted.remote == connection.local)
    }
  }

  @Test("ends when the node is shut down")
  func shutdown() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://0.0.0.0:7")
    let accepting = Task { await reason { try await listener.accept(timeout: patience) } }
    await pair.server.shutdown(within: .zero)
    #expect(await accepting.value == .networkDown)
    #expect(await reason { try await listener.accept(timeout: patience) } == .networkDown)
  }

  /// Waits until the socket of `call` is there, whose task then waits or is about to.
  private func untilWaiting(_ call: Call, _ pair: Pair) async {
    while true {
      let (client, server) = (await pair.client.table(), await pair.server.table())
      let isThere =
        switch call {
        case .connect: client.connections[.synSent] == 1
        case .accept: server.listeners == 1
        case .read, .write: server.connections[.established] == 1
        case .receive: server.datagramSockets == 1
        case .echo: client.echoSockets == 1
        }
      if isThere { return }
      await Task.yield()
    }
  }

  /// Sockets close in the background.
  private func expectNothingLeft(on node: StackNode) async throws {
    while true {
      let table = await node.table()
      let alive = table.connections.filter { $0.key != .timeWait }.values.reduce(0, +)
      if alive + table.listeners + table.datagramSockets + table.echoSockets == 0 { return }
      await Task.yield()
    }
  }
}
