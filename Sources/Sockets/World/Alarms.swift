import DequeModule
import HeapModule
import Packets

/// When waiting tasks are to be woken if nothing happens: at their callers' deadlines, and at the
/// ends of brief waits.
///
/// An alarm stays when its wait is over: most waits end long before. Adding takes constant time
/// where the caller has set no deadline, else logarithmic time.
struct Alarms<Place: Sendable> {
  struct Alarm: Comparable {
    let deadline: Instant
    /// The waiter's.
    let number: UInt64
    let place: Place
    /// What its task is told.
    let outcome: WaitOutcome

    static func < (a: Self, b: Self) -> Bool {
      (a.deadline, a.number) < (b.deadline, b.number)
    }

    static func == (a: Self, b: Self) -> Bool { a.number == b.number }
  }

  private var deadlines = Heap<Alarm>()
  /// The ends of the brief waits, which all last alike, in their order.
  private var briefs: Deque<Alarm> = []

  /// What a brief wait lasts: more than a tick of the system's, or each time the thread sleeps a
  /// hardware timer is set, which costs more than the packet that wakes it.
  static var briefWait: Interval { .milliseconds(12) }

  /// The one that goes off first.
  var first: Alarm? {
    guard let brief = briefs.first else { return deadlines.min }
    guard let deadline = deadlines.min else { return brief }
    return min(brief, deadline)
  }

  mutating func removeFirst() {
    if let brief = briefs.first, deadlines.min.map({ brief < $0 }) ?? true {
      briefs.removeFirst()
    } else {
      _ = deadlines.popMin()
    }
  }

  mutating func add(_ waiter: Waiter, at place: Place, now: Instant) {
    if waiter.patience == .brief {
      briefs.append(
        Alarm(
          deadline: now + Self.briefWait, number: waiter.number, place: place, outcome: .outlasted))
    }
    addDeadline(of: waiter, at: place)
  }

  /// As ``add(_:at:now:)``, leaving the end of a brief wait to the caller.
  mutating func addDeadline(of waiter: Waiter, at place: Place) {
    guard let deadline = waiter.deadline else { return }
    deadlines.insert(
      Alarm(
        deadline: deadline, number: waiter.number, place: place, outcome: .deadlineExceeded))
  }

  /// The deadlines of callers, those of waits that are over among them.
  var deadlineCount: Int { deadlines.count }

  /// Whether most deadlines are those of waits that are over.
  func hasManyStale(live: Int) -> Bool { deadlines.count > 64 + 2 * live }

  /// Keeps what `isLive` affirms. Linear in the number of deadlines.
  mutating func forgetStale(_ isLive: (Alarm) -> Bool) {
    deadlines = Heap(deadlines.unordered.filter(isLive))
  }
}
