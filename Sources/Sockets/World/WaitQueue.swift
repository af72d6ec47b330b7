import Packets
import Synchronization

/// A task that waits, and for how long.
///
/// The continuation is of the kind that nobody checks: the checked one allocates at every wait. A
/// waiter is woken when it leaves its ``WaitQueue``, and it leaves once.
@safe package struct Waiter {
  /// Its name, used for no other.
  let number: UInt64
  /// When it has waited too long for its caller, if ever.
  let deadline: Instant?
  let patience: Patience
  private let continuation: UnsafeContinuation<WaitOutcome, Never>

  private static let lastNumber = Atomic<UInt64>(0)

  /// A name for a waiter, never used before.
  static func nextNumber() -> UInt64 { lastNumber.add(1, ordering: .relaxed).newValue }

  /// Suspends the caller until its waiter, which `enlist` gets, is woken.
  @inline(__always)
  static func suspend(
    until deadline: Instant?, _ patience: Patience, _ number: UInt64 = nextNumber(),
    _ enlist: (Waiter) -> Void
  ) async -> WaitOutcome {
    await unsafe Self.withContinuation { continuation in
      enlist(
        unsafe Waiter(
          number: number, deadline: deadline, patience: patience, continuation: continuation))
    }
  }

  /// The public function first asks the runtime, under the task's lock, where the caller runs. Its
  /// twin, made for callers of older compilers, goes on where it is, as all of this module does.
  @inline(__always)
  private static func withContinuation(
    _ body: (UnsafeContinuation<WaitOutcome, Never>) -> Void
  ) async -> WaitOutcome {
    #if compiler(<6.4)
      await unsafe _unsafeInheritExecutor_withUnsafeContinuation(body)
    #else
      await unsafe withUnsafeContinuation(body)
    #endif
  }

  /// Whether the task that is about to wait was cancelled. To be asked while it enlists.
  var isCancelled: Bool { unsafe withUnsafeCurrentTask { unsafe $0?.isCancelled ?? false } }

  /// Whether it means to wait briefly, and had its name no later than the one called `number`.
  fileprivate func isBrief(upTo number: UInt64) -> Bool {
    patience == .brief && self.number <= number
  }

  /// Lets the task go on. Once.
  consuming func wake(_ outcome: WaitOutcome) { unsafe continuation.resume(returning: outcome) }
}

/// Tasks that wait for the same thing: mostly none or one, which costs no allocation.
struct WaitQueue {
  private var first: Waiter?
  private var others: [Waiter] = []

  var isEmpty: Bool { first == nil }

  mutating func append(_ waiter: Waiter) {
    if first == nil { first = waiter } else { others.append(waiter) }
  }

  /// Takes everybody out, to be woken when no lock is held. Constant time.
  mutating func takeAll() -> WaitQueue {
    var taken = WaitQueue()
    if first != nil { swap(&self, &taken) }
    return taken
  }

  /// Takes everybody out and wakes them, in their order. Linear in their number.
  @discardableResult
  mutating func wakeAll(_ outcome: WaitOutcome) -> (count: Int, withDeadline: Int) {
    guard let first else { return (0, 0) }
    self.first = nil
    var count = 1
    var withDeadline = first.deadline == nil ? 0 : 1
    first.wake(outcome)
    guard !others.isEmpty else { return (count, withDeadline) }
    for waiter in others {
      count += 1
      withDeadline += waiter.deadline == nil ? 0 : 1
      waiter.wake(outcome)
    }
    others.removeAll(keepingCapacity: true)
    return (count, withDeadline)
  }

  /// Takes one out, to be woken. Linear in the number of waiters.
  mutating func remove(number: UInt64) -> Waiter? {
    if let first, first.number == number {
      self.first = others.isEmpty ? nil : others.removeFirst()
      return first
    }
    guard let index = others.firstIndex(where: { $0.number == number }) else { return nil }
    return others.remove(at: index)
  }

  /// Takes out those who mean to wait briefly and are called by `number` or an earlier one, to be
  /// woken. Linear in the number of waiters.
  mutating func takeBrief(upTo number: UInt64) -> WaitQueue {
    var taken = WaitQueue()
    while let waiter = firstBrief(upTo: number).flatMap({ remove(number: $0) }) {
      taken.append(waiter)
    }
    return taken
  }

  private func firstBrief(upTo number: UInt64) -> UInt64? {
    if let first, first.isBrief(upTo: number) { return first.number }
    return others.first { $0.isBrief(upTo: number) }?.number
  }

  /// The highest number of those who mean to wait briefly.
  var latestBrief: UInt64? {
    let among = others.lazy.filter { $0.patience == .brief }.map(\.number).max()
    guard let first, first.patience == .brief else { return among }
    return max(first.number, among ?? 0)
  }

  func contains(number: UInt64) -> Bool {
    first?.number == number || others.contains { $0.number == number }
  }
}
