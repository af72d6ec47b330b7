import Packets
import ProtocolStack

/// The tasks that wait on a node's sockets, and their deadlines.
///
/// An event wakes everybody who waits in its direction, and each tries again: no wake-up is lost,
/// not even on a task that is cancelled at that moment. Events are numbered: the runtime may let a
/// turn pass between the try of a task from another executor and its wait, and the number tells.
///
/// Waiting and waking take constant time, with a deadline logarithmic time.
struct Waiters {
  private struct Place {
    var reading = WaitQueue()
    var writing = WaitQueue()
    var readingNews = News()
    var writingNews = News()
  }

  /// The events in one direction.
  private struct News {
    var count: UInt32 = 0
    var latest = WaitOutcome.happened

    mutating func add(_ outcome: WaitOutcome, isEnd: Bool) {
      count &+= 1
      if isEnd, latest != .happened { return }
      latest = outcome
    }
  }

  /// By kind of socket and slot.
  private var places: [[Place]] = Array(repeating: [], count: SocketHandle.Kind.count)
  private var alarms = Alarms<WaitPoint>()
  /// Tasks that wait with a deadline.
  private var deadlines = 0
  /// Tasks that wait.
  private(set) var count = 0

  /// Nobody may wait any more: there is nothing left that could happen.
  private(set) var isClosed = false

  /// The next time a task is to be woken if nothing happens. Constant time, amortized.
  mutating func nextDeadline() -> Instant? {
    // A timer for a wait that is over would be set and go off for nothing.
    while let first = alarms.first, !isWaiting(first) { alarms.removeFirst() }
    return alarms.first?.deadline
  }

  mutating func add(_ waiter: Waiter, at point: WaitPoint, now: Instant) {
    withQueue(at: point) { $0.append(waiter) }
    count += 1
    alarms.add(waiter, at: point, now: now)
    guard waiter.deadline != nil else { return }
    deadlines += 1
    if alarms.hasManyStale(live: deadlines) { forgetStaleAlarms() }
  }

  /// Wakes everybody who waits at `point`.
  ///
  /// - Parameter isEnd: whether it is the end of the socket: who comes late is to hear of a failure
  ///   that came before.
  mutating func wake(
    _ point: WaitPoint, _ outcome: WaitOutcome = .happened, isEnd: Bool = false
  ) {
    let woken = withQueue(at: point) { $0.wakeAll(outcome) }
    addNews(outcome, isEnd: isEnd, at: point)
    count -= woken.count
    deadlines -= woken.withDeadline
  }

  /// How many events there have been at `point`, give or take multiples of 2^32.
  func newsCount(at point: WaitPoint) -> UInt32 {
    guard isPlace(point) else { return 0 }
    let kind = point.socket.kind.place
    let slot = Int(point.socket.index)
    return switch point.direction {
    case .reading: places[kind][slot].readingNews.count
    case .writing: places[kind][slot].writingNews.count
    }
  }

  /// The last event at `point`, unless the count is the same as it was.
  func news(at point: WaitPoint, since count: UInt32) -> WaitOutcome? {
    guard newsCount(at: point) != count, isPlace(point) else { return nil }
    let kind = point.socket.kind.place
    let slot = Int(point.socket.index)
    return switch point.direction {
    case .reading: places[kind][slot].readingNews.latest
    case .writing: places[kind][slot].writingNews.latest
    }
  }

  private mutating func addNews(_ outcome: WaitOutcome, isEnd: Bool, at point: WaitPoint) {
    let kind = point.socket.kind.place
    let slot = Int(point.socket.index)
    switch point.direction {
    case .reading: places[kind][slot].readingNews.add(outcome, isEnd: isEnd)
    case .writing: places[kind][slot].writingNews.add(outcome, isEnd: isEnd)
    }
  }

  /// Wakes everybody who waits on `socket`, in either direction.
  mutating func wake(
    _ socket: SocketHandle, _ outcome: WaitOutcome = .happened, isEnd: Bool = false
  ) {
    wake(WaitPoint(socket: socket, direction: .reading), outcome, isEnd: isEnd)
    wake(WaitPoint(socket: socket, direction: .writing), outcome, isEnd: isEnd)
  }

  /// Has everybody who waits on `socket` try again. That is no event of the socket's.
  mutating func endWaits(on socket: SocketHandle) {
    for direction in [WaitDirection.reading, .writing] {
      let woken = withQueue(at: WaitPoint(socket: socket, direction: direction)) {
        $0.wakeAll(.outlasted)
      }
      count -= woken.count
      deadlines -= woken.withDeadline
    }
  }

  /// Wakes one waiter, if it still waits.
  mutating func wake(number: UInt64, at point: WaitPoint, _ outcome: WaitOutcome) {
    guard isPlace(point) else { return }
    guard let found = withQueue(at: point, { $0.remove(number: number) }) else { return }
    count -= 1
    if found.deadline != nil { deadlines -= 1 }
    found.wake(outcome)
  }

  /// Wakes everybody whose deadline has come.
  mutating func advance(to now: Instant) {
    while let first = alarms.first, first.deadline <= now {
      alarms.removeFirst()
      wake(number: first.number, at: first.place, first.outcome)
    }
  }

  /// Wakes everybody, for good: nobody may wait any more.
  mutating func close(_ outcome: WaitOutcome) {
    isClosed = true
    for kind in places.indices {
      for slot in places[kind].indices {
        _ = places[kind][slot].reading.wakeAll(outcome)
        _ = places[kind][slot].writing.wakeAll(outcome)
      }
    }
    alarms = Alarms()
    count = 0
    deadlines = 0
  }

  private func isPlace(_ point: WaitPoint) -> Bool {
    Int(point.socket.index) < places[point.socket.kind.place].count
  }

  private mutating func withQueue<Value>(
    at point: WaitPoint, _ body: (inout WaitQueue) -> Value
  ) -> Value {
    let kind = point.socket.kind.place
    let slot = Int(point.socket.index)
    while places[kind].count <= slot { places[kind].append(Place()) }
    return switch point.direction {
    case .reading: body(&places[kind][slot].reading)
    case .writing: body(&places[kind][slot].writing)
    }
  }

  /// Whether somebody waits still whom that alarm is for.
  private mutating func isWaiting(_ alarm: Alarms<WaitPoint>.Alarm) -> Bool {
    isPlace(alarm.place) && withQueue(at: alarm.place) { $0.contains(number: alarm.number) }
  }

  private mutating func forgetStaleAlarms() {
    var all = Alarms<WaitPoint>()
    swap(&all, &alarms)
    all.forgetStale { isWaiting($0) }
    swap(&all, &alarms)
  }
}

extension SocketHandle.Kind {
  /// How many kinds there are.
  fileprivate static var count: Int { 6 }

  fileprivate var place: Int {
    switch self {
    case .tcpConnection: 0
    case .tcpListener: 1
    case .udp: 2
    case .echo: 3
    case .raw: 4
    case .packet: 5
    }
  }
}
