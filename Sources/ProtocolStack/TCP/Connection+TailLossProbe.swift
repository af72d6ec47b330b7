import Packets

/// Tail loss probes: the end of a flight has nothing behind it whose arrival would tell of its
/// loss, so after two round trips something is sent to provoke an answer (RFC 8985 §7).
extension Connection {
  /// An answer may be held back so long by its sender (WCDelAckT).
  private static var worstDelay: Interval { .milliseconds(200) }
  /// Finer than the clocks of hosts, a probe is more likely to be early than useful.
  private static var leastWait: Interval { .milliseconds(10) }

  /// RFC 8985 §7.2: something new was sent, or acknowledged: sets the timer that fits. The probe
  /// comes at the retransmission timeout at the latest, in its place.
  ///
  /// - Parameter start: when the retransmission timeout began.
  @inline(__always)
  mutating func armRetransmission(since start: Instant, at now: Instant) {
    let timeout = start + roundTrip.timeout
    guard sackPermitted, recovery.phase == .open, send.transmissions.isPlain,
      recovery.consecutiveTimeouts == 0, let mean = roundTrip.smoothed, recovery.tail.end == nil
    else {
      recovery.timerPurpose = .timeout
      timers.set(.retransmission, to: timeout)
      return
    }
    var wait = max(mean * 2, Self.leastWait)
    if send.flight <= send.segment { wait = wait + Self.worstDelay }
    recovery.timerPurpose = .probe
    timers.set(.retransmission, to: max(min(now + wait, timeout), now))
  }

  /// RFC 8985 §7.3: the timer ran out.
  mutating func probeTimedOut(at now: Instant) {
    recovery.timerPurpose = .timeout
    timers.set(.retransmission, to: now + roundTrip.timeout)
    guard recovery.tail.end == nil else { return }
    recovery.tail.isDue = true
    wantsOutput = true
  }

  /// The probe: new data where the peer takes it, else the last segment again.
  mutating func probe(segmentSize: Int) -> SegmentPlan? {
    recovery.tail.isDue = false
    guard recovery.phase == .open, send.transmissions.count > 0 else { return nil }
    let last = send.transmissions[send.transmissions.count &- 1]
    let hasRoom = send.window &- send.flight >= segmentSize && !send.transmissions.isCrowded
    if send.unsent >= segmentSize, hasRoom {
      // RFC 8985 §7.3: new data is sent even where the congestion window is full.
      return SegmentPlan(
        sequence: send.next, length: segmentSize, position: send.flight, flags: .ack,
        segmentSize: segmentSize, isProbe: true)
    }
    guard last.fate != .arrived else { return nil }
    let octets = last.count
    let size = max(segmentSize, 1)
    let start = last.start.advanced(by: octets > size ? (octets &- 1) / size &* size : 0)
    let position = send.unacknowledged.distance(to: start)
    let length = min(start.distance(to: last.end), max(send.buffered &- position, 0))
    var flags: TCPFlags = .ack
    if last.isPushed { flags.insert(.psh) }
    if send.finSent { flags.insert(.fin) }
    guard length > 0 || flags.contains(.fin) else { return nil }
    return SegmentPlan(
      sequence: start, length: length, position: position, flags: flags,
      segmentSize: segmentSize, isRetransmission: true, isProbe: true)
  }

  /// RFC 8985 §7.4.2, TLP_process_ack: did the probe repair a loss that would else go unnoticed?
  ///
  /// - Parameters:
  ///   - isReport: the peer says that it had the probe twice.
  ///   - isDuplicate: the acknowledgment tells nothing else that is new.
  mutating func probeAcknowledged(
    _ acknowledgment: SequenceNumber, isReport: Bool, isDuplicate: Bool, at now: Instant
  ) {
    guard let end = recovery.tail.end, end.precedesOrEquals(acknowledgment) else { return }
    if !recovery.tail.wasRepetition || isReport || isDuplicate || recovery.phase != .open {
      // Nothing was lost: both copies were answered, or the probe was nothing but new data.
      recovery.tail.end = nil
    } else if end.precedes(acknowledgment) {
      // One copy was lost, or its answer would have come before this.
      recovery.tail.end = nil
      recovery.needless.end()
      congestion.onLoss(inFlight: send.flight, segment: send.segment, at: now)
      congestion.recover(congestion.threshold)
    }
  }
}
