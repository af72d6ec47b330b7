import Packets

/// The round-trip estimate and the retransmission timeout (RFC 6298).
struct RoundTripTime {
  private(set) var smoothed: Interval?
  private(set) var variation = Interval.zero
  /// The least ever measured.
  private(set) var minimum: Interval?
  /// RTO, with back-off. RFC 6298 §2.1: one second until there is a sample.
  private(set) var timeout = Interval.seconds(1)
  private var backoffs: Int64 = 0

  /// RFC 6298 §2.2, §2.3: alpha is an eighth, beta a quarter.
  mutating func sample(_ measured: Interval, floor: Interval, ceiling: Interval) {
    let sample = max(measured, .microseconds(1))
    minimum = minimum.map { min($0, sample) } ?? sample
    if let mean = smoothed {
      let error = mean - sample
      let magnitude = error < .zero ? .zero - error : error
      variation = (variation * 3 + magnitude) / 4
      smoothed = (mean * 7 + sample) / 8
    } else {
      smoothed = sample
      variation = sample / 2
    }
    backoffs = 0
    recompute(floor: floor, ceiling: ceiling)
  }

  /// RFC 6298 §5.5: the timer doubles each time it runs out.
  mutating func backOff(ceiling: Interval) {
    backoffs = min(backoffs &+ 1, 32)
    timeout = min(timeout * 2, ceiling)
  }

  /// RFC 6298 §5.7: back to the estimate once new data was acknowledged.
  mutating func endBackOff(floor: Interval, ceiling: Interval) {
    guard backoffs > 0 else { return }
    backoffs = 0
    recompute(floor: floor, ceiling: ceiling)
  }

  private mutating func recompute(floor: Interval, ceiling: Interval) {
    // The variation's share has the floor, so that the timeout always lies well above the mean.
    let mean = smoothed ?? .seconds(1)
    timeout = min(mean + max(variation * 4, floor), ceiling)
  }
}
