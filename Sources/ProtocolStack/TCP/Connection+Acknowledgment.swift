import Packets

/// Fifth step of segment arrival: what the peer has received, and how much more it takes.
extension Connection {
  /// - Returns: false where the segment is to be dropped.
  mutating func acknowledgmentArrives(
    _ segment: Segment, pool: inout ChunkPool,
    configuration: TCPConfiguration, counters: inout TCPCounters, at now: Instant
  ) -> Bool {
    let acknowledgment = segment.acknowledgment
    // RFC 5961 §5: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, and never before our first octet.
    guard acknowledgment.precedesOrEquals(send.next) else {
      counters.acknowledgmentsRefused &+= 1
      receive.acknowledgeNow = receive.acknowledgeNow || challenges.take(at: now)
      wantsOutput = wantsOutput || receive.acknowledgeNow
      return false
    }
    let advance = send.unacknowledged.distance(to: acknowledgment)
    statistics.lastAcknowledgment = now
    guard advance >= 0 &- min(send.maximumWindow, send.acknowledged) else {
      counters.acknowledgmentsRefused &+= 1
      receive.acknowledgeNow = receive.acknowledgeNow || challenges.take(at: now)
      wantsOutput = wantsOutput || receive.acknowledgeNow
      return false
    }
    let oldWindow = send.window
    takeWindow(segment)
    let lostBefore = send.transmissions.lost
    recovery.recent.begin()
    var arrived = 0
    var isReport = false
    if sackPermitted, !segment.options.sackBlocks.isEmpty {
      isReport = segment.options.sackBlocks.reportDuplicate(acknowledgment)
      if isReport {
        recovery.recent.duplicateReported(
          unacknowledged: send.unacknowledged, next: send.next)
        recovery.needless.reported(segment.options.sackBlocks[0])
      }
      arrived = takeSelectiveAcknowledgments(segment.options.sackBlocks, at: now)
    }
    let wasFlight = send.flight
    if advance > 0 {
      arrived &+= advanceAcknowledged(
        to: acknowledgment, segment, pool: &pool, configuration: configuration, at: now)
    } else if advance == 0 {
      arrived &+= noteNoAdvance(
        segment, isNews: arrived > 0, windowChanged: oldWindow != send.window, at: now)
    }
    if recovery.tail.end != nil {
      probeAcknowledged(
        acknowledgment, isReport: isReport,
        isDuplicate: advance == 0 && arrived == 0 && segment.length == 0 && wasFlight > 0, at: now)
    }
    if arrived > 0, recovery.phase != .open || !send.transmissions.isPlain || !sackPermitted {
      recover(arrived: arrived, advanced: advance > 0, lostBefore: lostBefore, at: now)
    }
    if recovery.needless.start != nil { undoNeedless(segment, advanced: advance > 0, at: now) }
    if congestionNotification.isEnabled { takeNotification(segment, at: now) }
    return true
  }

  /// RFC 9293 §3.10.7.4: the window, from the newest segment.
  mutating func takeWindow(_ segment: Segment) {
    // A segment that acknowledges more counts whatever its number, for the window is measured from
    // there: kept with a later start, the old one would reach beyond what was offered.
    guard
      send.unacknowledged.precedes(segment.acknowledgment)
        || send.windowSequence.precedes(segment.sequence)
        || send.windowSequence == segment.sequence
          && send.windowAcknowledgment.precedesOrEquals(segment.acknowledgment)
    else { return }
    let window = Int(segment.window) &<< Int(send.windowShift)
    if window > send.window || window > 0 && timers.isSet(.persist) {
      timers.stop(.persist)
      wantsOutput = true
    }
    if send.window == 0, window > 0, send.flight > 0 { resendAfterClosedWindow() }
    send.window = window
    send.maximumWindow = max(send.maximumWindow, window)
    send.windowSequence = segment.sequence
    send.windowAcknowledgment = segment.acknowledgment
  }

  /// A closed window opens: what was sent into it was not taken, so it goes again at once. That is
  /// no sign of congestion: the congestion window stays.
  private mutating func resendAfterClosedWindow() {
    loseEverything()
    recovery.needless.end()
    timers.stop(.retransmission)
  }

  /// New data was acknowledged: drop it, measure, grow the window, restart the timer.
  ///
  /// - Returns: octets that the peer was not known to have.
  private mutating func advanceAcknowledged(
    to acknowledgment: SequenceNumber, _ segment: Segment, pool: inout ChunkPool,
    configuration: TCPConfiguration, at now: Instant
  ) -> Int {
    let acknowledged = send.unacknowledged.distance(to: acknowledgment)
    send.acknowledged &+= acknowledged
    let bytes = min(acknowledged, send.buffered)
    send.unacknowledged = acknowledgment
    send.buffered &-= bytes
    send.buffer.dropFirst(bytes, to: &pool)
    send.expectsMore = false
    if send.buffered == 0 {
      send.buffer.trim(to: &pool)
      statistics.busy.end(at: now)
    }
    let arrived = dropAcknowledged(to: acknowledgment, at: now)
    measureRoundTrip(segment, configuration: configuration, at: now)
    recovery.consecutiveTimeouts = 0
    softError = nil
    // RFC 6298 §3 (Karn): without timestamps the back-off stays until there is a clean sample.
    if timestamps.isEnabled {
      roundTrip.endBackOff(
        floor: configuration.minimumRetransmissionTimeout,
        ceiling: configuration.maximumRetransmissionTimeout)
    }
    if recovery.phase == .open {
      // Left behind by half the sequence space, the mark would seem to lie ahead.
      recovery.point = SequenceNumber.later(recovery.point, send.unacknowledged)
    }
    let wasRecovering = recovery.phase == .fast
    recoveryAcknowledged(at: now)
    if !wasRecovering {
      congestion.onAcknowledged(
        arrived, segment: send.segment, roundTrip: roundTrip.smoothed ?? .milliseconds(1), at: now)
    }
    growSendBuffer(configuration: configuration)
    // RFC 6298 §5.2, §5.3.
    if send.flight == 0 {
      timers.stop(.retransmission)
      recovery.stalledSince = nil
    } else {
      armRetransmission(since: now, at: now)
      recovery.stalledSince = now
    }
    if send.unsent > 0 || send.finQueued && !send.finSent || recovery.phase != .open {
      wantsOutput = true
    }
    if send.isUserWaiting { tellRoom() }
    if send.finSent, send.flight == 0 { finAcknowledged(pool: &pool, at: now) }
    return arrived
  }

  /// Takes what was acknowledged out of what is on its way.
  ///
  /// - Returns: octets that the peer was not known to have.
  @inline(__always)
  private mutating func dropAcknowledged(to acknowledgment: SequenceNumber, at now: Instant) -> Int
  {
    var arrived = 0
    while let run = send.transmissions.popFirst(before: acknowledgment) {
      guard run.fate != .arrived else { continue }
      arrived &+= run.count
      if sackPermitted { noteArrival(run, at: now) }
    }
    if let piece = send.transmissions.trimFirst(before: acknowledgment), piece.fate != .arrived {
      arrived &+= piece.count
      if sackPermitted { noteArrival(piece, at: now) }
    }
    if !send.records.isEmpty { send.records.removeAll(through: acknowledgment) }
    if recovery.duplicateAcknowledgments > 0 {
      // One segment filled the hole; the others are those that the duplicates told of.
      let others = max(arrived / max(send.segment, 1) &- 1, 0)
      let told = min(recovery.duplicateAcknowledgments, others)
      recovery.duplicateAcknowledgments =
        recovery.phase == .fast ? recovery.duplicateAcknowledgments &- told : 0
      arrived &-= told &* send.segment
    }
    // RFC 2018 §8: whoever had the next octet would have acknowledged it; so it was dropped.
    if !send.transmissions.isPlain, send.transmissions[0].fate == .arrived {
      send.transmissions.forgetArrivals()
    }
    return arrived
  }

  /// The user waits for room in the buffer: is there enough?
  mutating func tellRoom() {
    guard send.buffered <= send.limit / 2, send.unsent &* 2 < notSentLimit else { return }
    send.isUserWaiting = false
    events.insert(.writable)
  }

  /// Nothing new was acknowledged: a duplicate counts towards a loss (RFC 5681 §2).
  ///
  /// - Returns: octets that the peer has by that, as far as can be known without SACK.
  private mutating func noteNoAdvance(
    _ segment: Segment, isNews: Bool, windowChanged: Bool, at now: Instant
  ) -> Int {
    guard send.flight > 0 else { return 0 }
    // An answer of any kind shows that the peer lives: MUST-37, a closed window is not a failure.
    if send.window == 0 {
      recovery.consecutiveTimeouts = 0
      recovery.stalledSince = now
    }
    if sackPermitted {
      if isNews { wantsOutput = true }
      return 0
    }
    guard segment.length == 0, !segment.flags.contains(.fin), !windowChanged,
      recovery.duplicateAcknowledgments < send.flight / max(send.segment, 1) &+ 3
    else { return 0 }
    recovery.duplicateAcknowledgments &+= 1
    wantsOutput = true
    return send.segment
  }

  private mutating func measureRoundTrip(
    _ segment: Segment, configuration: TCPConfiguration, at now: Instant
  ) {
    // A single sample per window, timed by the segment that ended it, is exact to the nanosecond;
    // the millisecond clock of the timestamps serves where retransmission spoiled it.
    if let timed = recovery.timedSequence {
      guard timed.precedesOrEquals(send.unacknowledged) else { return }
      recovery.timedSequence = nil
      sample(now.since(recovery.timedAt), configuration: configuration)
    } else if timestamps.isEnabled, let timestamp = segment.options.timestamp,
      timestamp.echo != 0, !segment.options.sackBlocks.reportDuplicate(segment.acknowledgment)
    {
      // An answer to a repetition echoes the time of something older (RFC 7323 §5.3 R2 comes before
      // R3). Measured so, one lost acknowledgment would make the estimate as long as the time-out,
      // and the next time-out longer still.
      // RFC 7323 §4.1; an echo from the future or from long ago proves nothing (TCP-51).
      let ticks = Int32(bitPattern: timestamps.value(at: now) &- timestamp.echo)
      guard ticks >= 0, ticks < 120_000 else { return }
      sample(.milliseconds(Int64(max(ticks, 1))), configuration: configuration)
    }
  }

  private mutating func sample(_ interval: Interval, configuration: TCPConfiguration) {
    roundTrip.sample(
      interval, floor: configuration.minimumRetransmissionTimeout,
      ceiling: configuration.maximumRetransmissionTimeout)
  }

  mutating func sampleRoundTrip(_ interval: Interval) {
    roundTrip.sample(interval, floor: .milliseconds(200), ceiling: .seconds(120))
  }

  /// The buffer holds two windows: what is on its way, and what comes next. Of the window only that
  /// part counts which an empty path would hold: a queue that our own data builds up says nothing
  /// about how much more is worth keeping here, where it would fall out of the cache.
  private mutating func growSendBuffer(configuration: TCPConfiguration) {
    guard options.sendBufferLimit == nil else { return }
    let mean = max((roundTrip.smoothed ?? .zero).nanoseconds / 1000, 1)
    let least = min(max((roundTrip.minimum ?? .zero).nanoseconds / 1000, 1), mean)
    let path = congestion.window &* Int(least) / Int(mean) &+ send.segment
    let floor = min(congestion.window, 512 << 10)
    let wanted = min(max(path, floor) &* 2, configuration.maximumSendBuffer)
    if wanted > send.limit { send.limit = wanted }
  }
}

extension SACKBlocks {
  /// Whether the first block says that something arrived twice (RFC 2883 §4): it lies below the
  /// acknowledgment, or within the second block.
  fileprivate func reportDuplicate(_ acknowledgment: SequenceNumber) -> Bool {
    guard count > 0 else { return false }
    if self[0].right.precedesOrEquals(acknowledgment) { return true }
    return count > 1 && self[1].left.precedesOrEquals(self[0].left)
      && self[0].right.precedesOrEquals(self[1].right)
  }
}
