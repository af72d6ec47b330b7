import Packets

/// What changes when a segment has been handed to the link.
extension Connection {
  /// Books a segment that was handed to the link.
  mutating func sent(_ plan: SegmentPlan, at now: Instant) {
    var end = plan.sequence.advanced(by: plan.length)
    if plan.flags.contains(.syn) {
      end = end.advanced(by: 1)
      send.synDue = false
    }
    if plan.flags.contains(.fin) {
      end = end.advanced(by: 1)
      send.finSent = true
      if !plan.isRetransmission { enterAfterFin() }
    }
    if send.next.precedes(end) {
      if recovery.timedSequence == nil, !plan.isRetransmission {
        recovery.timedSequence = end
        recovery.timedAt = now
      }
      if !plan.flags.contains(.syn) {
        send.transmissions.append(
          Transmission(
            start: send.next, end: end, sentAt: now,
            segmentSize: UInt16(clamping: plan.segmentSize), isPushed: plan.isPushed))
      }
      send.next = end
    } else if plan.isRetransmission {
      send.transmissions.repeated(
        from: plan.sequence, to: end, segmentSize: UInt16(clamping: plan.segmentSize), at: now)
    }
    if plan.isRetransmission {
      statistics.retransmittedSegments &+= 1
      statistics.bytesRetransmitted &+= UInt64(truncatingIfNeeded: plan.length)
      recovery.timedSequence = nil
      recovery.needless.repeats(plan.sequence.distance(to: end), stamp: timestamps.value(at: now))
    }
    if end != plan.sequence {
      if recovery.phase == .fast { recovery.reduction.sends(plan.length) }
      congestion.used(
        flight: send.flight, inFlight: bytesInFlight(), segment: send.segment,
        from: send.unacknowledged, to: send.next)
      noteSending(plan, at: now)
    }
    if plan.sequence.precedes(send.unacknowledged) { send.keepAliveDue = false }
    statistics.segmentsSent &+= 1
    statistics.bytesSent &+= UInt64(truncatingIfNeeded: plan.length)
    if plan.flags.contains(.ack) { acknowledged(at: now) }
  }

  /// Sets the timers that go with something on its way.
  private mutating func noteSending(
    _ plan: SegmentPlan, at now: Instant
  ) {
    if plan.isProbe {
      recovery.tail.end = send.next
      recovery.tail.wasRepetition = plan.isRetransmission
    } else if !timers.isSet(.retransmission) {
      // RFC 6298 §5.1: the timer runs while anything is on its way.
      if plan.flags.contains(.syn) {
        recovery.timerPurpose = .timeout
        timers.set(.retransmission, to: now + roundTrip.timeout)
      } else {
        armRetransmission(since: now, at: now)
      }
    } else if recovery.timerPurpose == .probe, send.transmissions.count > 0 {
      // RFC 8985 §7.2: new data puts the probe off, but never behind the time-out, which began when
      // the oldest segment left, or with the last answer.
      let left = send.transmissions[0].sentAt
      armRetransmission(since: max(left, recovery.stalledSince ?? left), at: now)
    }
    timers.stop(.persist)
    send.probeDue = false
    if recovery.stalledSince == nil { recovery.stalledSince = now }
    if plan.length > 0 {
      send.lastData = now
      statistics.dataSegmentsSent &+= 1
    }
    statistics.windowLimited.end(at: now)
    if send.isUserWaiting { tellRoom() }
  }

  /// Every segment that leaves acknowledges all there is.
  private mutating func acknowledged(at now: Instant) {
    receive.acknowledgeNow = false
    receive.unacknowledgedBytes = 0
    receive.duplicate = nil
    receive.lastAcknowledged = receive.next
    timers.stop(.acknowledgment)
  }
}
