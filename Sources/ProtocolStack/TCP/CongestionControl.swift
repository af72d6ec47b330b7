import Packets

/// How much may be on its way at once: answers ``window`` and hears of acknowledgments and losses.
///
/// It knows nothing of segments, timers or the connection. The algorithms share slow start and the
/// bookkeeping here (RFC 5681); they differ in how the window grows in congestion avoidance and how
/// far it falls.
struct CongestionControl {
  private enum Algorithm {
    case newReno
    case cubic(Cubic)
  }

  /// In bytes.
  private(set) var window: Int
  /// ssthresh, in bytes: below it the window grows by what is acknowledged.
  private(set) var threshold = Int.max
  private var algorithm: Algorithm
  /// Bytes acknowledged since the window last grew in congestion avoidance.
  private var credit = 0
  /// What it was when it fell last.
  private var before: (window: Int, threshold: Int, algorithm: Algorithm)?

  /// - Parameter segment: the maximum segment size in bytes.
  init(_ name: CongestionAlgorithm, segment: Int) {
    // RFC 6928 §2: ten segments, but no more than 14,600 bytes unless two are larger.
    window = min(10 &* segment, max(2 &* segment, 14_600))
    algorithm =
      switch name {
      case .newReno: .newReno
      case .cubic: .cubic(Cubic())
      }
  }

  var isInSlowStart: Bool { window < threshold }
  /// Packets are to be spaced at this rate in bytes per second; nil: sent as they come.
  var pacingRate: Int? { nil }

  // MARK: - Whether the window is used (RFC 7661, RFC 9438 §5.8)

  /// The window was what held the sender back, in the present window of data.
  private var isLimiting = false
  /// Octets on their way at most, in the present window of data.
  private var mostUsed = 0
  /// SND.NXT when the present window of data began.
  private var usageEnd = SequenceNumber(rawValue: 0)

  /// Something was sent: notes how much of the window is used by it.
  @inline(__always)
  mutating func used(
    flight: Int, inFlight: Int, segment: Int, from unacknowledged: SequenceNumber,
    to next: SequenceNumber
  ) {
    let isFull = window &- inFlight < segment
    guard
      isFull || usageEnd.precedesOrEquals(unacknowledged) || !isLimiting && flight > mostUsed
    else { return }
    isLimiting = isFull
    mostUsed = flight
    usageEnd = next
  }

  /// RFC 7661 §4.3, RFC 9438 §5.8: a window that the application does not fill proves nothing about
  /// the path and does not grow; in slow start up to twice of what the path has carried.
  @inline(__always)
  private var mayGrow: Bool { isLimiting || isInSlowStart && window < 2 &* mostUsed }

  /// Fast recovery sets the window for each acknowledgment (RFC 9937).
  mutating func recover(_ window: Int) { self.window = window }

  /// New data was acknowledged outside of recovery.
  mutating func onAcknowledged(
    _ bytes: Int, segment: Int, roundTrip: Interval, at now: Instant
  ) {
    guard mayGrow else { return }
    var bytes = bytes
    if isInSlowStart {
      // RFC 5681 §3.1 with the byte counting of RFC 3465: at most two segments for each segment's
      // worth of acknowledgment, which a coalesced acknowledgment covers many of.
      let growth = min(bytes, threshold &- window)
      window &+= growth
      bytes &-= growth
      guard bytes > 0 else { return }
    }
    switch algorithm {
    case .newReno: growLinearly(bytes, segment: segment)
    case .cubic(var cubic):
      let target = cubic.target(
        window: window, segment: segment, acknowledged: bytes, roundTrip: roundTrip, at: now)
      algorithm = .cubic(cubic)
      // RFC 9438 §4.3: never less than what Reno would have, and that at once.
      window = max(window, cubic.friendlyWindow(segment: segment))
      // RFC 9438 §4.4: (target - window) / window per acknowledged segment.
      let product = UInt(bitPattern: max(Self.saturatingProduct(target &- window, bytes), 0))
      credit &+= Int(bitPattern: product / max(UInt(bitPattern: window), 1))
      if credit >= 1 {
        window &+= credit
        credit = 0
      }
    }
    window = min(window, 1 << 30)
  }

  /// RFC 5681 §3.1: one segment for each window acknowledged.
  private mutating func growLinearly(_ bytes: Int, segment: Int) {
    credit &+= bytes
    guard credit >= window else { return }
    credit &-= window
    window &+= segment
  }

  /// A loss was noticed by duplicate acknowledgments: once per window of data.
  mutating func onLoss(inFlight: Int, segment: Int, at now: Instant) {
    reduce(inFlight: inFlight, segment: segment, at: now)
    window = threshold
  }

  /// The retransmission timer ran out.
  ///
  /// - Parameter keepsThreshold: it fell already for the same loss.
  mutating func onTimeout(inFlight: Int, segment: Int, keepsThreshold: Bool, at now: Instant) {
    // RFC 5681 §3.1: the threshold falls at the first of several time-outs only.
    if !keepsThreshold { reduce(inFlight: inFlight, segment: segment, at: now) }
    window = segment
  }

  /// RFC 4015 §3.2, RFC 9438 §4.9: what the window fell for was none. It is what it was, or more.
  mutating func undo() {
    guard let before else { return }
    window = max(window, before.window)
    threshold = max(threshold, before.threshold)
    algorithm = before.algorithm
    credit = 0
    self.before = nil
  }

  /// RFC 5681 §4.1: after an idle time the window is what a new connection would have.
  mutating func onIdle(segment: Int) {
    window = min(window, min(10 &* segment, max(2 &* segment, 14_600)))
    if case .cubic(var cubic) = algorithm {
      cubic.restart()
      algorithm = .cubic(cubic)
    }
  }

  private mutating func reduce(inFlight: Int, segment: Int, at now: Instant) {
    before = (window, threshold, algorithm)
    credit = 0
    switch algorithm {
    case .newReno: threshold = max(inFlight / 2, 2 &* segment)
    case .cubic(var cubic):
      threshold = max(cubic.reduced(window: window, at: now), 2 &* segment)
      algorithm = .cubic(cubic)
    }
  }

  private static func saturatingProduct(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: b)
    return overflow ? (a < 0) == (b < 0) ? .max : .min : product
  }
}
