import Packets
import Synchronization

/// The time of a simulation, and the tasks that sleep by it. It stands still until it is told to
/// move.
final class VirtualTime: Sendable {
  private struct Sleepers {
    var waiters: [Waiter] = []
    /// Called when somebody has gone to sleep, or time may move on.
    var nudge: (@Sendable () -> Void)?
  }

  private let nanoseconds = Atomic<Int64>(1_000_000_000)
  private let sleepers = Mutex(Sleepers())
  /// Who has it stand still.
  private let holds = Atomic<Int>(0)

  init() {}

  var now: Instant { Instant(nanoseconds: nanoseconds.load(ordering: .relaxed)) }

  /// Moves to `time`, unless that is past.
  func advance(to time: Instant) {
    if time > now { nanoseconds.store(time.nanoseconds, ordering: .relaxed) }
  }

  /// Whether it stands still, and with it all that it drives.
  var isHeld: Bool { holds.load(ordering: .relaxed) > 0 }

  /// Has it stand still until the ``release()`` that belongs to this.
  func hold() { holds.add(1, ordering: .relaxed) }

  func release() {
    holds.subtract(1, ordering: .relaxed)
    sleepers.withLock { $0.nudge }?()
  }

  /// Says whom to tell when somebody has gone to sleep.
  func whenSleeping(_ nudge: @escaping @Sendable () -> Void) {
    sleepers.withLock { $0.nudge = nudge }
  }

  /// - Returns: false where the task was cancelled.
  func sleep(until deadline: Instant) async -> Bool {
    let number = Waiter.nextNumber()
    let outcome = await withTaskCancellationHandler {
      await Waiter.suspend(until: deadline, .lasting, number) { enlist($0) }
    } onCancel: {
      for waiter in take({ $0.number == number }) { waiter.wake(.cancelled) }
    }
    if case .cancelled = outcome { return false }
    return true
  }

  private func enlist(_ waiter: Waiter) {
    let deadline = waiter.deadline ?? .zero
    if waiter.isCancelled { return waiter.wake(.cancelled) }
    if deadline <= now { return waiter.wake(.happened) }
    let nudge = sleepers.withLock { sleepers in
      sleepers.waiters.append(waiter)
      return sleepers.nudge
    }
    // A cancellation between the two tests found nobody to wake.
    if waiter.isCancelled {
      for waiter in take({ $0.number == waiter.number }) { waiter.wake(.cancelled) }
    }
    nudge?()
  }

  private func take(_ isWanted: (Waiter) -> Bool) -> [Waiter] {
    sleepers.withLock { sleepers in
      let taken = sleepers.waiters.filter(isWanted)
      sleepers.waiters.removeAll(where: isWanted)
      return taken
    }
  }

  /// When the next of those who sleep is to be woken.
  var nextDeadline: Instant? {
    sleepers.withLock { $0.waiters.lazy.compactMap(\.deadline).min() }
  }

  /// Wakes whose time has come: by deadline, and where those are equal, by who slept first.
  func wakeSleepers() {
    let now = now
    let due = take { ($0.deadline ?? .zero) <= now }
    for waiter in due.sorted(by: { $0.precedes($1) }) { waiter.wake(.happened) }
  }
}

extension NodeClock {
  /// Waits for what threads outside of the node's world do, which takes none of its time: a virtual
  /// one stands still meanwhile.
  func standingStill<Value, Failure: Error>(
    _ body: () async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    virtual?.hold()
    defer { virtual?.release() }
    return try await body()
  }
}

extension Waiter {
  fileprivate func precedes(_ other: Waiter) -> Bool {
    (deadline ?? .zero, number) < (other.deadline ?? .zero, other.number)
  }
}
