import Packets

/// CUBIC's growth in congestion avoidance (RFC 9438): a cubic function of the time since the last
/// reduction, flat around the window where the loss was, and never slower than Reno would be.
struct Cubic {
  /// RFC 9438 §5.1, §4.6.
  private static let scale = 0.4
  private static let beta = 0.7

  /// W_max, in bytes: the window at the last loss, or less where it keeps falling.
  private var maximum = 0.0
  /// The window at the last loss, in bytes.
  private var lastLoss = 0.0
  /// K, in seconds.
  private var period = 0.0
  /// When the present stage of congestion avoidance began.
  private var epoch: Instant?
  /// W_est, in segments: what Reno would have.
  private var estimate = 0.0

  /// Where the window should be one round trip from now, in bytes, never below `window`.
  mutating func target(
    window: Int, segment: Int, acknowledged: Int, roundTrip: Interval, at now: Instant
  ) -> Int {
    let unit = Double(max(segment, 1))
    let current = Double(window) / unit
    if epoch == nil {
      epoch = now
      estimate = current
      maximum = max(maximum, Double(window))
      period = Self.cubeRoot((maximum / unit - current) / Self.scale)
    }
    let plateau = maximum / unit
    let elapsed = now.since(epoch ?? now) + roundTrip
    let distance = Double(elapsed.nanoseconds) / 1e9 - period
    let cubic = Self.scale * distance * distance * distance + plateau
    // RFC 9438 §4.3: alpha makes this as aggressive as Reno, and is one above the last maximum.
    let alpha = estimate < plateau ? 3 * (1 - Self.beta) / (1 + Self.beta) : 1
    estimate += alpha * (Double(acknowledged) / unit) / max(current, 1)
    // RFC 9438 §4.2: no more than half as much again in one round trip.
    let goal = min(max(cubic, estimate, current), current * 1.5)
    return Self.bytes(goal * unit, atLeast: window)
  }

  /// W_est, in bytes: what Reno would have by now.
  func friendlyWindow(segment: Int) -> Int {
    let octets = estimate * Double(max(segment, 1))
    guard octets > 0, octets < 1e12 else { return 0 }
    // Without a conversion that could trap: from 2^52 on the last bit of a number stands for one.
    return Int(truncatingIfNeeded: (octets + 0x1p52).bitPattern & 0xF_FFFF_FFFF_FFFF)
  }

  /// The window after a loss, in bytes.
  mutating func reduced(window: Int, at now: Instant) -> Int {
    // RFC 9438 §4.6: the window may stand for what is on its way, because it grows only while that
    // fills it.
    let used = Double(window)
    epoch = nil
    // RFC 9438 §4.7, fast convergence: a smaller window than at the last loss makes room for
    // others.
    maximum = used < lastLoss ? used * (1 + Self.beta) / 2 : used
    lastLoss = used
    return Self.bytes(used * Self.beta, atLeast: 0)
  }

  /// After an idle time the curve begins anew (RFC 9438 §5.8).
  mutating func restart() { epoch = nil }

  private static func bytes(_ value: Double, atLeast floor: Int) -> Int {
    guard value.isFinite, value < 1e12 else { return floor }
    return max(Int(value), floor)
  }

  /// Newton's method; the argument is small and positive, and four digits are plenty.
  private static func cubeRoot(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 0 }
    var root = value > 1 ? value / 3 + 1 : 1.0
    var step = 0
    while step < 60 {
      let next = (2 * root + value / (root * root)) / 3
      if abs(next - root) < 1e-7 * root { return next }
      root = next
      step += 1
    }
    return root
  }
}
