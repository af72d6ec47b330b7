import Addresses
import Glibc
import InMemoryLogging
import Logging
import Sockets
import Testing

extension Conformance {
  /// Each in a process of its own, whose limit on descriptors it lowers.
  @Suite("A process that has no descriptor left", .timeLimit(.minutes(2)))
  struct DescriptorTests {
    @Test("pauses its listener, which goes on when the limit is raised", arguments: World.engines)
    func limitRaised(engine: HostNode.Engine) async {
      await #expect(processExitsWith: .success) { [engine = engine.rawValue as String] in
        let setting = try await Exhaustion(engine)
        #expect(setting.limitDescriptors(to: 0))
        // Neither an error nor a connection, however often it is asked, and nobody is kept busy.
        for _ in 0..<2 {
          #expect(
            await reason { try await setting.listener.accept(timeout: .milliseconds(250)) }
              == .deadlineExceeded)
        }
        let accepting = Task { try await setting.listener.accept(timeout: patience) }
        await setting.letPausePass()
        #expect(setting.limitDescriptors(to: setting.usualLimit))
        // Nothing else tells the listener.
        #expect(try await accepting.value.remote == setting.clients[0].local)
        #expect(
          try await setting.listener.accept(timeout: patience).remote == setting.clients[1].local)
      }
    }

    @Test("says so once, and once that it is over", arguments: World.engines)
    func logged(engine: HostNode.Engine) async {
      await #expect(processExitsWith: .success) { [engine = engine.rawValue as String] in
        let log = InMemoryLogHandler()
        let setting = try await Exhaustion(engine, Logger(label: "test") { _ in log })
        #expect(setting.limitDescriptors(to: 0))
        // Long enough for several tries.
        let failed = await reason {
          try await setting.listener.accept(timeout: .milliseconds(350))
        }
        #expect(failed == .deadlineExceeded)
        let local = "\(setting.listener.local)"
        func lines(_ text: String) -> [InMemoryLogHandler.Entry] {
          log.entries.filter { "\($0.message)".contains(text) }
        }
        #expect(lines("no connections are accepted").map(\.level) == [.warning])
        #expect(lines("no connections are accepted").first?.metadata["local"] == "\(local)")
        #expect(lines("accepted again").isEmpty)
        #expect(setting.limitDescriptors(to: setting.usualLimit))
        for _ in 0..<2 { _ = try await setting.listener.accept(timeout: patience) }
        #expect(lines("no connections are accepted").count == 1)
        #expect(lines("accepted again").map(\.level) == [.notice])
        #expect(setting.node.counts.acceptPauses == 1)
        #expect(setting.node.counts.accepted == 2)
      }
    }

    @Test(
      "pauses its listener, which goes on when another socket is closed", arguments: World.engines)
    func socketClosed(engine: HostNode.Engine) async {
      await #expect(processExitsWith: .success) { [engine = engine.rawValue as String] in
        let setting = try await Exhaustion(engine)
        let accepting = Task(executorPreference: setting.node.executor) {
          let first = try await setting.listener.accept(timeout: patience)
          let second = try await setting.listener.accept(timeout: patience)
          return [first.remote, second.remote]
        }
        setting.useUpDescriptors()
        let late = try #require(setting.clients.last)
        setting.spare.close()
        setting.otherSpare.close()
        let remotes = try await accepting.value
        #expect(remotes == setting.clients.prefix(2).map(\.local))
        #expect(late.local != remotes[0])
      }
    }

    @Test(
      "ends the wait of a paused listener when that is closed, or its task cancelled",
      arguments: World.engines)
    func pausedListener(engine: HostNode.Engine) async {
      await #expect(processExitsWith: .success) { [engine = engine.rawValue as String] in
        let setting = try await Exhaustion(engine)
        #expect(setting.limitDescriptors(to: 0))
        let cancelled = Task {
          await reason { try await setting.listener.accept(timeout: patience) }
        }
        let closed = Task { await reason { try await setting.listener.accept(timeout: patience) } }
        await setting.letPausePass()
        cancelled.cancel()
        #expect(await cancelled.value == .cancelled)
        setting.listener.close()
        #expect(await closed.value == .closed)
      }
    }

    @Test("says so where a socket is asked for, and what to do", arguments: World.engines)
    func refusal(engine: HostNode.Engine) async {
      await #expect(processExitsWith: .success) { [engine = engine.rawValue as String] in
        let setting = try await Exhaustion(engine)
        #expect(setting.limitDescriptors(to: 0))
        let endpoint = setting.listener.local
        let failures = [
          await failure { try await setting.node.connect(to: endpoint, timeout: patience) },
          await failure { try await setting.node.listen(on: "tcp://127.0.0.1:0") },
          await failure { try await setting.node.bind("udp://127.0.0.1:0") },
          await failure {
            try await HostNode(engine: setting.node.engine).bind("udp://127.0.0.1:0")
          },
        ]
        for failure in failures {
          guard case .system(let errno, let sentence) = failure?.reason else {
            Issue.record("another outcome: \(failure?.description ?? "none")")
            continue
          }
          #expect(errno == EMFILE)
          #expect(sentence.contains("ulimit -n"))
        }
        #expect(setting.limitDescriptors(to: setting.usualLimit))
        _ = try await setting.node.connect(to: endpoint, timeout: patience)
      }
    }
  }
}

/// A listener with connections that wait for it, in a process that is to run out of descriptors.
private struct Exhaustion: Sendable {
  let node: HostNode
  let listener: TCPListener
  let clients: [TCPConnection]
  let spare: UDPSocket
  let otherSpare: UDPSocket
  let usualLimit: rlim_t

  init(_ engine: String, _ logger: Logger? = nil) async throws {
    node = HostNode(engine: try #require(HostNode.Engine(rawValue: engine)), logger: logger)
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
      throw SocketError(.open, reason: .invalidOperation)
    }
    usualLimit = limit.rlim_cur
    spare = try await node.bind("udp://127.0.0.1:0")
    otherSpare = try await node.bind("udp://127.0.0.1:0")
    listener = try await node.listen(on: "tcp://127.0.0.1:0")
    var clients: [TCPConnection] = []
    for _ in 0..<3 {
      clients.append(try await node.connect(to: listener.local, timeout: patience))
    }
    self.clients = clients
  }

  /// Descriptors from that number on are refused; those that are open stay.
  func limitDescriptors(to count: rlim_t) -> Bool {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard unsafe getrlimit(resource, &limit) == 0 else { return false }
    limit.rlim_cur = count
    return unsafe setrlimit(resource, &limit) == 0
  }

  /// Opens descriptors until there is none left below a low limit.
  func useUpDescriptors() {
    _ = limitDescriptors(to: 64)
    while dup(0) >= 0 {}
  }

  /// Longer than a listener pauses.
  func letPausePass() async {
    _ = await reason { try await spare.receive(timeout: .milliseconds(250)) }
  }
}
