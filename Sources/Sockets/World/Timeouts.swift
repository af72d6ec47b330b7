import Packets

extension Interval {
  /// Saturates.
  init(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    self = .seconds(seconds) + Interval(nanoseconds: attoseconds / 1_000_000_000)
  }
}

extension Duration {
  init(_ interval: Interval) { self = .nanoseconds(interval.nanoseconds) }
}
