import Packets

/// How many ICMP errors a destination may still get.
///
/// RFC 1812 §4.3.2.8, RFC 4443 §2.4 f: errors are limited. One budget for all destinations would
/// tell one of them what another received (ICMP-9, CVE-2020-25705), so each has its own, under a
/// keyed hash, and none knows its size or when it grows: both are drawn at random.
struct ErrorLimiter: ~Copyable {
  struct Budget: BitwiseCopyable {
    var tokens = 0
    /// When it grows next, in nanoseconds.
    var refill = Int64.min
  }

  private var budgets = MaskedStorage<Budget>()
  private let interval: Interval
  private let burst: Int
  private static var places: Int { 256 }

  init(interval: Interval, burst: Int) {
    budgets.reset(capacity: Self.places, filling: Budget())
    self.interval = interval < .microseconds(1) ? .microseconds(1) : interval
    self.burst = burst < 1 ? 1 : (burst > 64 ? 64 : burst)
  }

  /// Whether one more error may go, and if so, takes it out of the budget.
  ///
  /// - Parameter hash: the keyed hash of the destination.
  mutating func allows(_ hash: UInt64, at now: Instant, _ secrets: inout Secrets) -> Bool {
    let place = Int(truncatingIfNeeded: hash)
    var budget = budgets[place]
    var refill = Instant(nanoseconds: budget.refill)
    if now.since(refill) >= interval * Int64(2 &* burst) {
      budget.tokens = burst &+ Int(secrets.next(below: UInt32(truncatingIfNeeded: burst &+ 1)))
      refill = now + jitter(&secrets)
    }
    while refill <= now {
      if budget.tokens < 2 &* burst { budget.tokens &+= 1 }
      refill = refill + jitter(&secrets)
    }
    let isAllowed = budget.tokens > 0
    if isAllowed { budget.tokens &-= 1 }
    budget.refill = refill.nanoseconds
    budgets[place] = budget
    return isAllowed
  }

  /// One half to three halves of the interval.
  private func jitter(_ secrets: inout Secrets) -> Interval {
    let share = Int64(secrets.next(below: 1_024))
    return interval / 2 + interval / 1_024 * share + Interval(nanoseconds: 1)
  }
}
