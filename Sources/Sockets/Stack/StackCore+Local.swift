import Host
import Packets
import Synchronization

/// When tasks that wait on local sockets of a node of ours are to be woken if nothing happens.
struct LocalAlarms {
  fileprivate var alarms = Alarms<LocalSpace.Place>()
  /// The deadlines that were live when the others were last forgotten.
  fileprivate var liveDeadlines = 0
}

// The local sockets need the node's thread for nothing but their alarms.
extension StackCore {
  // MARK: From any thread

  /// Makes calls on the node's local sockets.
  nonisolated func useLocalSpace<Value, Failure: Error>(
    _ body: (inout LocalSpace) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    var woken: [LocalSpace.Woken] = []
    defer { for index in woken.indices { woken[index].wake() } }
    return try localSpace.withLock { space throws(Failure) in
      defer { swap(&space.woken, &woken) }
      return try body(&space)
    }
  }

  /// Takes a waiter in, or wakes it at once.
  nonisolated func enlist(_ waiter: Waiter, at place: LocalSpace.Place) {
    if let deadline = waiter.deadline, deadline <= clock.moment {
      return waiter.wake(.deadlineExceeded)
    }
    // On another thread an alarm costs more than to prepare for cancellation.
    if waiter.patience == .brief, !isCurrent { return waiter.wake(.outlasted) }
    if let refusal = useLocalSpace({ $0.enlist(waiter, at: place) }) {
      return waiter.wake(refusal)
    }
    guard waiter.patience == .brief || waiter.deadline != nil else { return }
    if isCurrent { add(waiter, at: place) } else { post(.alarm(waiter, place)) }
  }

  /// Wakes one waiter, if it still waits.
  nonisolated func wake(_ number: UInt64, at place: LocalSpace.Place, _ outcome: WaitOutcome) {
    useLocalSpace { $0.wake(number, at: place, outcome) }
  }

  // MARK: On the node's thread

  nonisolated func add(_ waiter: Waiter, at place: LocalSpace.Place) {
    localAlarms.alarms.add(waiter, at: place, now: clock.moment)
    guard localAlarms.alarms.hasManyStale(live: localAlarms.liveDeadlines) else { return }
    useLocalSpace { space in
      localAlarms.alarms.forgetStale { space.isWaiting($0.number, at: $0.place) }
    }
    localAlarms.liveDeadlines = localAlarms.alarms.deadlineCount
  }

  /// Wakes everybody whose time has come.
  func advanceLocalAlarms() {
    while let first = localAlarms.alarms.first, first.deadline <= now {
      localAlarms.alarms.removeFirst()
      wake(first.number, at: first.place, first.outcome)
    }
  }

  /// The next time a task is to be woken if nothing happens.
  func nextLocalDeadline() -> Instant? {
    while let first = localAlarms.alarms.first {
      if useLocalSpace({ $0.isWaiting(first.number, at: first.place) }) { return first.deadline }
      localAlarms.alarms.removeFirst()
    }
    return nil
  }
}
