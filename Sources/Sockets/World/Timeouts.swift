import Host
import Packets

extension Instant {
  /// When a call that begins now and may take that long must be done.
  init?(after timeout: Duration?) {
    guard let timeout else { return nil }
    // Who has no time needs not ask what time it is.
    self = timeout <= .zero ? Instant(nanoseconds: 0) : HostClock.now() + Interval(timeout)
  }
}

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
