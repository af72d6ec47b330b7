import Addresses
import Logging
import Packets

/// Several attempts to connect, of which the first to succeed counts (RFC 8305 §5).
struct ConnectionRace {
  let node: any NetworkNode
  /// In the order they are tried.
  let endpoints: [Endpoint]
  let options: TCPOptions
  let time: TimeAllowed
  /// When the call was made, and when the addresses were known.
  let began: Instant
  let resolved: Instant

  /// What one attempt has for itself before the next begins (RFC 8305 §5, §8).
  private static let delay = Duration.milliseconds(250)
  /// The addresses that are tried at most; a name may have any number.
  private static let most = 16

  /// The addresses with both IP versions by turns, beginning with that of the first, else in their
  /// order (RFC 8305 §4, with one address of the first version).
  static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    guard let first = addresses.first else { return [] }
    let isIPv6 = first.address.isIPv6
    var own = addresses.filter { $0.address.isIPv6 == isIPv6 }[...]
    var other = addresses.filter { $0.address.isIPv6 != isIPv6 }[...]
    var order: [SocketAddress] = []
    while !own.isEmpty || !other.isEmpty {
      if let next = own.popFirst() { order.append(next) }
      if let next = other.popFirst() { order.append(next) }
    }
    return order
  }

  /// What happens in the race.
  private enum Event {
    case connected(index: Int, TCPConnection)
    case failed(index: Int, SocketError)
    /// Time for the next attempt, if none began since.
    case patienceEnded(attempts: Int)
  }

  private enum Outcome {
    case connected(TCPConnection)
    /// In the order they were tried.
    case failed([SocketError])
  }

  func run() async throws(SocketError) -> TCPConnection {
    switch await race() {
    case .connected(let connection): return connection
    case .failed(let failures):
      // The caller's own reasons to end come before those of the addresses.
      for reason in [SocketError.Reason.cancelled, .deadlineExceeded] {
        if let failure = failures.first(where: { $0.reason == reason }) { throw failure }
      }
      if failures.count == 1, let failure = failures.first { throw failure }
      throw SocketError(.connect, reason: .allFailed(failures))
    }
  }

  private func race() async -> Outcome {
    await withTaskGroup(of: Event.self) { group in
      var started = 0
      var failures: [Int: SocketError] = [:]
      var course = Course(began: began, resolved: resolved)
      startNext(&started, &group, &course)
      while failures.count < started, let event = await group.next() {
        switch event {
        case .connected(let index, let connection):
          course.end(index, .connected, at: node.clock.moment)
          connection.history.setEstablishment(course.establishment(at: node.clock.moment))
          node.logger.debug(
            "connected",
            metadata: ["remote": "\(connection.remote)", "attempt": "\(index + 1)"])
          group.cancelAll()
          // A second one that stood in the same moment is of no use.
          for await event in group {
            if case .connected(_, let late) = event { late.abort() }
          }
          return .connected(connection)
        case .failed(let index, let error):
          failures[index] = error
          course.end(index, .failed(error.reason), at: node.clock.moment)
          let isOver = error.reason == .cancelled || error.reason == .deadlineExceeded
          if !isOver { startNext(&started, &group, &course) }
        case .patienceEnded(let attempts):
          if attempts == started, !Task.isCancelled { startNext(&started, &group, &course) }
        }
      }
      group.cancelAll()
      return .failed(failures.sorted { $0.key < $1.key }.map(\.value))
    }
  }

  /// Begins the next attempt, if there is one, and the wait before the one after it.
  private func startNext(
    _ started: inout Int, _ group: inout TaskGroup<Event>, _ course: inout Course
  ) {
    guard started < min(endpoints.count, Self.most) else { return }
    let (index, endpoint) = (started, endpoints[started])
    started += 1
    course.begin(endpoint, at: node.clock.moment)
    let attempts = started
    group.addTask { await self.attempt(endpoint, index) }
    group.addTask {
      try? await node.clock.sleep(for: Self.delay)
      return .patienceEnded(attempts: attempts)
    }
  }

  private func attempt(_ endpoint: Endpoint, _ index: Int) async -> Event {
    var attempt: Logger.Metadata { ["remote": "\(endpoint)", "attempt": "\(index + 1)"] }
    node.logger.debug("connecting", metadata: attempt)
    do throws(SocketError) {
      return .connected(
        index: index,
        try await node.connect(to: endpoint, from: nil, options: options, timeout: time.left))
    } catch {
      node.logger.debug("not connected", error: error, metadata: attempt)
      return .failed(index: index, error)
    }
  }
}

/// How a race has gone so far, for ``TCPConnection/Establishment``.
private struct Course {
  private struct Entry {
    let remote: Endpoint
    let start: Instant
    var end: (at: Instant, outcome: TCPConnection.Establishment.Outcome)?
  }

  let began: Instant
  let resolved: Instant
  private var entries: [Entry] = []

  init(began: Instant, resolved: Instant) {
    self.began = began
    self.resolved = resolved
  }

  mutating func begin(_ remote: Endpoint, at now: Instant) {
    entries.append(Entry(remote: remote, start: now))
  }

  mutating func end(_ index: Int, _ outcome: TCPConnection.Establishment.Outcome, at now: Instant) {
    guard entries.indices.contains(index) else { return }
    entries[index].end = (now, outcome)
  }

  /// What the winner is to know.
  func establishment(at now: Instant) -> TCPConnection.Establishment {
    TCPConnection.Establishment(
      duration: Duration(now.since(began)), resolution: Duration(resolved.since(began)),
      attempts: entries.map { entry in
        TCPConnection.Establishment.Attempt(
          remote: entry.remote, start: Duration(entry.start.since(began)),
          duration: Duration((entry.end?.at ?? now).since(entry.start)),
          outcome: entry.end?.outcome ?? .abandoned)
      })
  }
}
