import Packets

/// What a connection has seen.
struct ConnectionStatistics {
  var segmentsSent: UInt64 = 0
  var segmentsReceived: UInt64 = 0
  /// Of these, those with payload.
  var dataSegmentsSent: UInt64 = 0
  var dataSegmentsReceived: UInt64 = 0
  var bytesSent: UInt64 = 0
  var bytesReceived: UInt64 = 0
  var bytesRetransmitted: UInt64 = 0
  var retransmittedSegments: UInt64 = 0
  var timeouts: UInt64 = 0
  /// Recoveries that proved to be needless.
  var needlessRecoveries: UInt64 = 0
  var brokenInvariants: UInt32 = 0
  var lastDataReceived = Instant(nanoseconds: .min)
  var lastAcknowledgment = Instant(nanoseconds: .min)
  /// While data is queued or on its way.
  var busy = Stopwatch()
  /// While the peer's window holds data back.
  var windowLimited = Stopwatch()
}

/// Adds up the times between beginnings and ends.
struct Stopwatch {
  private var total = Interval.zero
  private var since: Instant?

  @inline(__always)
  mutating func begin(at now: Instant) {
    if since == nil { since = now }
  }

  @inline(__always)
  mutating func end(at now: Instant) {
    guard let start = since else { return }
    total = total + now.since(start)
    since = nil
  }

  func value(at now: Instant) -> Interval {
    since.map { total + now.since($0) } ?? total
  }
}
