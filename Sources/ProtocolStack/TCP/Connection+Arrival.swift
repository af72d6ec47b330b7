import Packets

/// SEGMENT ARRIVES, in the order of RFC 9293 §3.10.7.4, one function a step.
extension Connection {
  /// Takes a segment, and notes whether the conversation got on.
  mutating func takes(
    _ segment: Segment, _ bytes: Span<UInt8>, pool: inout ChunkPool,
    configuration: TCPConfiguration, counters: inout TCPCounters, at now: Instant
  ) -> Arrival {
    let (acknowledged, received) = (send.unacknowledged, receive.next)
    let arrival = arrives(
      segment, bytes, pool: &pool, configuration: configuration, counters: &counters, at: now)
    // RFC 4861 §7.3.1: it has what was sent, or its next octets came because it has.
    if send.unacknowledged != acknowledged || receive.next != received { lastProgress = now }
    return arrival
  }

  /// Takes a segment in any state but LISTEN and CLOSED.
  mutating func arrives(
    _ arrived: Segment, _ bytes: Span<UInt8>, pool: inout ChunkPool,
    configuration: TCPConfiguration, counters: inout TCPCounters, at now: Instant
  ) -> Arrival {
    var segment = arrived
    statistics.segmentsReceived &+= 1
    if state == .synSent {
      return arrivesInSynSent(
        segment, bytes, pool: &pool, configuration: configuration, counters: &counters, at: now)
    }
    if state == .synReceived, segment.flags == .syn, segment.sequence == receive.initial {
      // The peer's SYN once more: our answer was lost.
      send.synDue = true
      wantsOutput = true
      return .done
    }
    guard
      sequenceIsAcceptable(&segment, counters: &counters, configuration: configuration, at: now)
    else { return .done }
    if segment.flags.contains(.rst) { return resetArrives(segment, counters: &counters, at: now) }
    if segment.flags.contains(.syn) { return synArrives(segment, counters: &counters, at: now) }
    // RFC 9293 §3.10.7.4, fifth: without an acknowledgment a segment means nothing here.
    guard segment.flags.contains(.ack) else {
      counters.segmentsDropped &+= 1
      return .done
    }
    takeTimestamp(segment, at: now)
    guard state != .synReceived || finishesHandshake(segment, at: now) else { return .reset }
    guard
      acknowledgmentArrives(
        segment, pool: &pool, configuration: configuration, counters: &counters, at: now)
    else { return .done }
    lastArrival = now
    keepAliveProbesSent = 0
    if segment.length > 0 || segment.flags.contains(.fin) {
      return dataArrives(
        segment, bytes, pool: &pool, configuration: configuration, counters: &counters, at: now)
    }
    return .done
  }

  /// First: is any of it in the window (RFC 9293 §3.10.7.4), and is it new (RFC 7323 §5)?
  ///
  /// Trims the segment to the window.
  private mutating func sequenceIsAcceptable(
    _ segment: inout Segment, counters: inout TCPCounters,
    configuration: TCPConfiguration, at now: Instant
  ) -> Bool {
    if timestamps.isEnabled, !segment.flags.contains(.rst) {
      guard let timestamp = segment.options.timestamp else {
        // RFC 7323 §3.2 MUST: once negotiated, a segment without one is dropped.
        counters.segmentsDropped &+= 1
        return false
      }
      if Int32(bitPattern: timestamp.value &- timestamps.recent) < 0,
        now.since(timestamps.recentAt) < .seconds(24 * 24 * 3600)
      {
        // RFC 7323 §5.3 R1: an old duplicate. It is answered, then dropped.
        counters.oldDuplicates &+= 1
        answerUnacceptable(segment, at: now)
        return false
      }
    }
    let window = receive.next.distance(to: receive.edge)
    let length = segment.spaceLength
    let offset = receive.next.distance(to: segment.sequence)
    let end = offset &+ length
    // RFC 9293 §3.4, the four cases of the acceptability test.
    let isAcceptable: Bool
    if length == 0 {
      isAcceptable = window == 0 ? offset == 0 : offset >= 0 && offset < window
    } else {
      isAcceptable = window > 0 && offset < window && end > 0
    }
    guard isAcceptable else { return unacceptable(&segment, offset, counters: &counters, at: now) }
    if offset < 0, !segment.flags.contains(.syn) {
      noteDuplicate(segment.sequence, SequenceNumber.later(segment.sequence, receive.next))
      segment.dropFirst(0 &- offset)
      receive.acknowledgeNow = true
      wantsOutput = true
    }
    // TCP-41: what lies beyond the window that was announced is cut off.
    if end > window { segment.dropLast(end &- window) }
    return true
  }

  private mutating func unacceptable(
    _ segment: inout Segment, _ offset: Int, counters: inout TCPCounters, at now: Instant
  ) -> Bool {
    if segment.flags.contains(.rst) {
      counters.resetsIgnored &+= 1
      return false
    }
    // RFC 9293 §3.10.7.4: at a closed window nothing is taken, but acknowledgments still count.
    if offset == 0, receive.next == receive.edge, !segment.flags.contains(.syn) {
      segment.dropLast(segment.spaceLength)
      receive.acknowledgeNow = true
      wantsOutput = true
      return true
    }
    counters.outOfWindow &+= 1
    // RFC 9293 §3.10.7.4 (TIME-WAIT): the peer's FIN again: it has not seen our acknowledgment.
    if state == .timeWait, segment.flags.contains(.fin) {
      timers.set(.close, to: now + timeWait)
    }
    if segment.length > 0 { noteDuplicate(segment.sequence, segment.end) }
    answerUnacceptable(segment, at: now)
    return false
  }

  /// RFC 9293 §3.10.7.4: an unacceptable segment is answered with where we are. Data always is
  /// (TCP-38), for the peer may have lost our acknowledgments; the rest within a budget (TCP-39).
  private mutating func answerUnacceptable(_ segment: Segment, at now: Instant) {
    guard segment.length > 0 || challenges.take(at: now) else { return }
    receive.acknowledgeNow = true
    wantsOutput = true
  }

  /// Second: RST. RFC 5961 §3: only the exact next octet resets; others in the window are
  /// challenged.
  private mutating func resetArrives(
    _ segment: Segment, counters: inout TCPCounters, at now: Instant
  ) -> Arrival {
    // RFC 1337 §3 (TCP-55): TIME-WAIT is not to be cut short.
    guard state != .timeWait else {
      counters.resetsIgnored &+= 1
      return .done
    }
    guard segment.sequence == receive.next else {
      counters.challenges &+= 1
      challenge(at: now)
      return .done
    }
    counters.resetsReceived &+= 1
    switch state {
    case .synReceived: end(isPassive ? nil : .connectionRefused)
    case .closing, .lastAck: end(nil)
    default: end(.connectionReset)
    }
    return .done
  }

  /// Fourth: SYN. RFC 5961 §4: in a synchronised state it is challenged, whatever its number.
  private mutating func synArrives(
    _ segment: Segment, counters: inout TCPCounters, at now: Instant
  ) -> Arrival {
    counters.challenges &+= 1
    challenge(at: now)
    return .done
  }

  private mutating func challenge(at now: Instant) {
    guard challenges.take(at: now) else { return }
    receive.acknowledgeNow = true
    wantsOutput = true
  }

  /// RFC 7323 §4.3: the value to echo comes from the segment that covers what we acknowledged last.
  mutating func takeTimestamp(_ segment: Segment, at now: Instant) {
    guard timestamps.isEnabled, let timestamp = segment.options.timestamp,
      segment.sequence.precedesOrEquals(receive.lastAcknowledged)
    else { return }
    timestamps.recent = timestamp.value
    timestamps.recentAt = now
  }

  /// RFC 9293 §3.10.7.3: SYN-SENT.
  private mutating func arrivesInSynSent(
    _ arrived: Segment, _ bytes: Span<UInt8>, pool: inout ChunkPool,
    configuration: TCPConfiguration, counters: inout TCPCounters, at now: Instant
  ) -> Arrival {
    var segment = arrived
    let hasAck = segment.flags.contains(.ack)
    let isAckAcceptable =
      hasAck && segment.acknowledgment == send.initial.advanced(by: 1)
      && !send.synDue
    if hasAck, !isAckAcceptable {
      counters.segmentsDropped &+= 1
      return segment.flags.contains(.rst) ? .done : .reset
    }
    if segment.flags.contains(.rst) {
      if isAckAcceptable { end(.connectionRefused) } else { counters.resetsIgnored &+= 1 }
      return .done
    }
    guard segment.flags.contains(.syn) else {
      counters.segmentsDropped &+= 1
      return .done
    }
    takeSyn(segment, configuration: configuration, at: now)
    if isAckAcceptable {
      send.unacknowledged = segment.acknowledgment
      finishSyn(segment, at: now)
      receive.acknowledgeNow = true
      wantsOutput = true
    } else {
      // RFC 9293 §3.5: both sides opened at once.
      enter(.synReceived)
      send.synDue = true
      wantsOutput = true
      return .done
    }
    segment.dropFirst(1)
    if segment.length > 0 || segment.flags.contains(.fin) {
      let beyond = segment.spaceLength &- receive.next.distance(to: receive.edge)
      if beyond > 0 { segment.dropLast(beyond) }
      return dataArrives(
        segment, bytes, pool: &pool, configuration: configuration, counters: &counters, at: now)
    }
    return .done
  }
}
