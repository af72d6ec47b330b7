import Packets

/// The timers of a connection: a table of instants, nothing more. Setting and stopping are stores.
struct ConnectionTimers {
  enum Name: Int, CaseIterable {
    /// Oldest unacknowledged octet (RFC 6298), or before that what ``Recovery/timerPurpose`` says.
    case retransmission
    /// An acknowledgment that waits for company (RFC 9293 §3.8.6.3).
    case acknowledgment
    /// A window too small to send into (RFC 9293 §3.8.6.1).
    case persist
    /// RFC 9293 §3.8.4.
    case keepAlive
    /// 2 MSL in TIME-WAIT, the patience of an orphan in FIN-WAIT-2, and that of a listener which
    /// waits for data.
    case close
  }

  private var instants: InlineArray<5, Instant> = .init(repeating: .distantFuture)

  @inline(__always)
  mutating func set(_ name: Name, to instant: Instant) { instants[name.rawValue] = instant }

  @inline(__always)
  mutating func stop(_ name: Name) { instants[name.rawValue] = .distantFuture }

  mutating func stopAll() { instants = .init(repeating: .distantFuture) }

  @inline(__always)
  func isSet(_ name: Name) -> Bool { instants[name.rawValue] != .distantFuture }

  /// Whether the timer ran out; it is stopped then.
  mutating func takeExpired(_ name: Name, at now: Instant) -> Bool {
    guard instants[name.rawValue] <= now, isSet(name) else { return false }
    stop(name)
    return true
  }

  /// The earliest of all; the distant future when none is set.
  @inline(__always)
  var earliest: Instant {
    let a = min(instants[0], instants[1])
    let b = min(instants[2], instants[3])
    return min(min(a, b), instants[4])
  }
}
