import HeapModule
import Packets
import ProtocolStack

/// The tasks that wait on a node's sockets, and their deadlines.
///
/// An event wakes everybody who waits in its direction, and each tries again: no wake-up is lost,
/// not even on a task that is cancelled at that moment. Waiting and waking take constant time, with
/// a deadline logarithmic time.
struct Waiters {
  private struct Waiter {
    let number: UInt64
    let hasDeadline: Bool
    let continuation: CheckedContinuation<WaitOutcome, Never>
  }

  private struct Place {
    var reading: [Waiter] = []
    var writing: [Waiter] = []
  }

  private struct Alarm: Comparable {
    let deadline: Instant
    let number: UInt64
    let point: WaitPoint

    static func < (a: Self, b: Self) -> Bool {
      (a.deadline, a.number) < (b.deadline, b.number)
    }

    static func == (a: Self, b: Self) -> Bool { a.number == b.number }
  }

  /// By kind of socket and slot.
  private var places: [[Place]] = Array(repeating: [], count: SocketHandle.Kind.count)
  private var alarms = Heap<Alarm>()
  /// Tasks that wait with a deadline. The heap holds alarms of others that wait no more.
  private var deadlines = 0
  /// Tasks that wait.
  private(set) var count = 0

  /// Nobody may wait any more: there is nothing left that could happen.
  private(set) var isClosed = false

  /// The next deadline of a task, or one that has lost its meaning.
  var nextDeadline: Instant? { alarms.min?.deadline }

  mutating func add(
    _ continuation: CheckedContinuation<WaitOutcome, Never>, number: UInt64, at point: WaitPoint,
    until deadline: Instant?
  ) {
    let waiter = Waiter(
      number: number, hasDeadline: deadline != nil, continuation: continuation)
    withQueue(at: point) { $0.append(waiter) }
    count += 1
    guard let deadline else { return }
    deadlines += 1
    alarms.insert(Alarm(deadline: deadline, number: number, point: point))
    if alarms.count > 64 + 2 * deadlines { forgetStaleAlarms() }
  }

  /// Wakes everybody who waits at `point`.
  mutating func wake(_ point: WaitPoint, _ outcome: WaitOutcome = .happened) {
    guard isPlace(point) else { return }
    var woken = 0
    var withDeadline = 0
    withQueue(at: point) { queue in
      for waiter in queue {
        if waiter.hasDeadline { withDeadline += 1 }
        waiter.continuation.resume(returning: outcome)
      }
      woken = queue.count
      queue.removeAll(keepingCapacity: true)
    }
    count -= woken
    deadlines -= withDeadline
  }

  /// Wakes everybody who waits on `socket`, in either direction.
  mutating func wake(_ socket: SocketHandle, _ outcome: WaitOutcome = .happened) {
    wake(WaitPoint(socket: socket, direction: .reading), outcome)
    wake(WaitPoint(socket: socket, direction: .writing), outcome)
  }

  /// Wakes one waiter, if it still waits.
  mutating func wake(number: UInt64, at point: WaitPoint, _ outcome: WaitOutcome) {
    guard isPlace(point) else { return }
    let found = withQueue(at: point) { queue -> Waiter? in
      guard let index = queue.firstIndex(where: { $0.number == number }) else {
        return nil
      }
      return queue.remove(at: index)
    }
    guard let found = found else { return }
    count -= 1
    if found.hasDeadline { deadlines -= 1 }
    found.continuation.resume(returning: outcome)
  }

  /// Wakes everybody whose deadline has come.
  mutating func advance(to now: Instant) {
    while let first = alarms.min, first.deadline <= now {
      _ = alarms.popMin()
      wake(number: first.number, at: first.point, .deadlineExceeded)
    }
  }

  /// Wakes everybody, for good: nobody may wait any more.
  mutating func close(_ outcome: WaitOutcome) {
    isClosed = true
    for kind in places.indices {
      for slot in places[kind].indices {
        for waiter in places[kind][slot].reading + places[kind][slot].writing {
          waiter.continuation.resume(returning: outcome)
        }
        places[kind][slot] = Place()
      }
    }
    alarms = Heap()
    count = 0
    deadlines = 0
  }

  private func isPlace(_ point: WaitPoint) -> Bool {
    Int(point.socket.index) < places[point.socket.kind.place].count
  }

  private mutating func withQueue<Value>(
    at point: WaitPoint, _ body: (inout [Waiter]) -> Value
  ) -> Value {
    let kind = point.socket.kind.place
    let slot = Int(point.socket.index)
    while places[kind].count <= slot { places[kind].append(Place()) }
    return switch point.direction {
    case .reading: body(&places[kind][slot].reading)
    case .writing: body(&places[kind][slot].writing)
    }
  }

  private mutating func forgetStaleAlarms() {
    var live: [Alarm] = []
    live.reserveCapacity(deadlines)
    for alarm in alarms.unordered {
      let isLive = withQueue(at: alarm.point) { queue in
        queue.contains { $0.number == alarm.number }
      }
      if isLive { live.append(alarm) }
    }
    alarms = Heap(live)
  }
}

extension SocketHandle.Kind {
  /// How many kinds there are.
  fileprivate static var count: Int { 4 }

  fileprivate var place: Int {
    switch self {
    case .tcpConnection: 0
    case .tcpListener: 1
    case .udp: 2
    case .echo: 3
    }
  }
}
