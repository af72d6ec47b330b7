import Packets

/// Sending again what was lost, and when (RFC 8985, RFC 9937; RFC 6582 where the peer has no SACK).
extension Connection {
  /// The duplicate acknowledgments that tell of a loss (RFC 5681 §3.2).
  static var duplicateThreshold: Int { 3 }

  /// RFC 6675 §4 SetPipe: octets that are probably still on their way. Constant time.
  @inline(__always)
  func bytesInFlight() -> Int {
    let flight = send.flight &- send.transmissions.arrived &- send.transmissions.lost
    guard recovery.duplicateAcknowledgments > 0 else { return flight }
    // RFC 5681 §3.2: each duplicate says that one segment has left the network.
    return max(flight &- recovery.duplicateAcknowledgments &* send.segment, 0)
  }

  /// The next lost octets to send again, as many as one packet takes.
  mutating func retransmission(segmentSize: Int, most: Int) -> SegmentPlan? {
    guard recovery.phase != .open, let index = send.transmissions.firstLost() else { return nil }
    let run = send.transmissions[index]
    // RFC 6675 §5 (C): only while the window has room for a segment; alone, it always goes.
    let inFlight = bytesInFlight()
    let room = congestion.window &- inFlight
    guard room >= segmentSize || inFlight == 0 else { return nil }
    let position = send.unacknowledged.distance(to: run.start)
    var end = run.end
    var isPushed = run.isPushed
    // What left in small pieces may go again in one, unless the user wants them apart.
    var following = index &+ 1
    while following < send.transmissions.count, !send.records.hasEnd(at: end) {
      let next = send.transmissions[following]
      guard next.fate == .lost, run.start.distance(to: next.end) <= segmentSize else { break }
      end = next.end
      isPushed = next.isPushed
      following &+= 1
    }
    let dataLength = max(send.buffered &- position, 0)
    var length = min(
      min(run.start.distance(to: end), most), min(max(room, segmentSize), dataLength))
    if length > segmentSize, run.start.advanced(by: length) != end {
      length &-= length % segmentSize
    }
    var flags: TCPFlags = .ack
    let reached = run.start.advanced(by: length)
    if length > segmentSize || isPushed && reached == end { flags.insert(.psh) }
    if send.finSent, position &+ length == send.buffered, reached.precedes(send.next) {
      flags.insert(.fin)
    }
    guard length > 0 || flags.contains(.fin) else { return nil }
    return SegmentPlan(
      sequence: run.start, length: length, position: position, flags: flags,
      segmentSize: segmentSize, isRetransmission: true)
  }

  // MARK: - Fast recovery

  /// An acknowledgment was taken in: finds what is lost, and sets the window that recovery has.
  ///
  /// - Parameters:
  ///   - arrived: octets that the peer is known to have by it.
  ///   - advanced: it moved SND.UNA.
  mutating func recover(
    arrived: Int, advanced: Bool, lostBefore: Int, at now: Instant
  ) {
    if sackPermitted { detectLosses(at: now) } else { detectLossByDuplicates() }
    let isMore = send.transmissions.lost > lostBefore
    if isMore { wantsOutput = true }
    if recovery.phase == .open, send.transmissions.lost > 0 {
      beginFastRecovery(arrived: arrived, at: now)
    }
    guard recovery.phase == .fast else { return }
    let window = recovery.reduction.window(
      arrived: arrived, isSafe: advanced && !isMore, inFlight: bytesInFlight(),
      threshold: congestion.threshold, segment: send.segment)
    if let window {
      congestion.recover(window)
      wantsOutput = true
    }
  }

  mutating func beginFastRecovery(arrived: Int, at now: Instant) {
    congestion.onLoss(inFlight: send.flight, segment: send.segment, at: now)
    recovery.needless.begin(at: send.unacknowledged)
    recovery.phase = .fast
    recovery.point = send.next
    recovery.tail.end = nil
    recovery.tail.isDue = false
    recovery.reduction.begin(flight: send.flight &- send.transmissions.arrived &+ arrived)
    wantsOutput = true
  }

  /// Fast recovery by the reordering timer: no acknowledgment came that could set the window.
  mutating func reorderingTimedOut(at now: Instant) {
    recovery.timerPurpose = .timeout
    timers.set(.retransmission, to: now + roundTrip.timeout)
    let lostBefore = send.transmissions.lost
    detectLosses(at: now)
    guard send.transmissions.lost > lostBefore else { return }
    wantsOutput = true
    guard recovery.phase == .open else { return }
    beginFastRecovery(arrived: 0, at: now)
    // RFC 9937 §5: the first retransmission goes at once.
    congestion.recover(bytesInFlight() &+ send.segment)
  }

  /// SND.UNA has moved: recovery may be over, or the next hole is known.
  mutating func recoveryAcknowledged(at now: Instant) {
    guard recovery.phase != .open else { return }
    if recovery.point.precedesOrEquals(send.unacknowledged) {
      // RFC 9937 §5: at the end the window is what it was to become.
      if recovery.phase == .fast { congestion.recover(congestion.threshold) }
      recovery.phase = .open
      recovery.duplicateAcknowledgments = 0
      recovery.recent.recovered()
    } else if recovery.phase == .fast, !sackPermitted {
      // RFC 6582 §3.2 step 3: a partial acknowledgment means the next segment is missing too.
      send.transmissions.losesFirst(send.segment)
    }
    wantsOutput = true
  }

  // MARK: - The retransmission timer

  /// RFC 6298 §5.4 to §5.7: the oldest data is sent again and everything in flight counts as lost.
  mutating func retransmissionTimedOut(
    at now: Instant, configuration: TCPConfiguration
  ) {
    statistics.timeouts &+= 1
    roundTrip.backOff(ceiling: configuration.maximumRetransmissionTimeout)
    let isRepeated = recovery.phase == .timeout && recovery.consecutiveTimeouts > 0
    // Fast recovery has lowered the threshold for this window of data already.
    let keepsThreshold = isRepeated || recovery.phase == .fast
    recovery.consecutiveTimeouts &+= 1
    recovery.timedSequence = nil
    recovery.tail = TailLossProbe()
    if send.window > 0 || send.maximumWindow == 0 {
      if !keepsThreshold { recovery.needless.begin(at: send.unacknowledged) }
      congestion.onTimeout(
        inFlight: send.flight, segment: send.segment, keepsThreshold: keepsThreshold, at: now)
    }
    // RFC 2018 §8: the peer may have dropped what it acknowledged selectively.
    if isRepeated || send.transmissions.isEmpty || send.transmissions[0].fate == .arrived {
      send.transmissions.forgetArrivals()
    }
    loseEverything()
    timers.set(.retransmission, to: now + roundTrip.timeout)
    recovery.timerPurpose = .timeout
  }

  /// All that is not known to have arrived is to be sent again, slowly at first.
  mutating func loseEverything() {
    send.transmissions.losesAll()
    recovery.phase = .timeout
    recovery.point = send.next
    recovery.duplicateAcknowledgments = 0
    wantsOutput = true
  }
}
