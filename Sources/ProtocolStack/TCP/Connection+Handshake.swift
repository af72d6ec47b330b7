import Packets

/// What the two SYNs agree on.
extension Connection {
  /// Books the peer's SYN: its numbers and the options both sides have.
  mutating func takeSyn(
    _ segment: Segment, configuration: TCPConfiguration, at now: Instant
  ) {
    receive.initial = segment.sequence
    receive.next = segment.sequence.advanced(by: 1)
    receive.lastAcknowledged = receive.next
    // RFC 9293 §3.7.1 MUST-15: without the option, 536 bytes (1220 over IPv6).
    let standard: UInt16 = flow.isIPv4 ? 536 : 1220
    let offered = Int(segment.options.segmentSizeLimit(default: standard))
    send.segment = min(send.segment, max(offered, Int(TCPOptions.minimumSegmentSize)))
    congestion = CongestionControl(
      options.congestionControl ?? configuration.congestionControl, segment: send.segment)
    sackPermitted = segment.options.sackPermitted && configuration.usesSelectiveAcknowledgments
    negotiateNotification(segment, offered: offersNotification, configuration: configuration)
    scalesWindow = segment.options.windowScale != nil
    if let shift = segment.options.windowScale {
      send.windowShift = shift
      receive.windowShift = Self.windowShift(for: receive.maximum)
    } else {
      send.windowShift = 0
      receive.windowShift = 0
      receive.maximum = min(receive.maximum, 65_535)
      receive.limit = min(receive.limit, 65_535)
    }
    if configuration.usesTimestamps, let timestamp = segment.options.timestamp {
      timestamps.isEnabled = true
      timestamps.recent = timestamp.value
      timestamps.recentAt = now
    } else {
      timestamps.isEnabled = false
    }
    receive.edge = receive.next.advanced(by: min(receive.limit, 65_535))
    receive.measureStart = now
    // RFC 7323 §2.2: the window in a SYN is never scaled.
    send.window = Int(segment.window)
    send.maximumWindow = send.window
    send.windowSequence = segment.sequence
    send.windowAcknowledgment = send.unacknowledged
  }

  /// The shift that lets a window of `bytes` be announced (RFC 7323 §2.2).
  static func windowShift(for bytes: Int) -> UInt8 {
    var shift: UInt8 = 0
    while shift < TCPOptions.maximumWindowScale, bytes &>> Int(shift) > 65_535 { shift &+= 1 }
    return shift
  }

  /// The options our own SYN or SYN-ACK carries.
  func synOptions(at now: Instant) -> TCPOptions {
    var header = TCPOptions()
    let answers = state == .synReceived
    header.maximumSegmentSize = UInt16(clamping: receive.announcedSegment)
    if !answers || scalesWindow {
      header.windowScale = Self.windowShift(for: receive.maximum)
    }
    header.sackPermitted = answers ? sackPermitted : offersSack
    if answers ? timestamps.isEnabled : offersTimestamps {
      header.timestamp = .init(
        value: timestamps.value(at: now), echo: answers ? timestamps.recent : 0)
    }
    return header
  }

  /// Our SYN was acknowledged.
  mutating func finishSyn(_ segment: Segment, at now: Instant) {
    send.windowSequence = segment.sequence
    send.windowAcknowledgment = segment.acknowledgment
    timers.stop(.retransmission)
    recovery.consecutiveTimeouts = 0
    recovery.stalledSince = nil
    recovery.point = send.unacknowledged
    recovery.timerPurpose = .timeout
    recovery.recent = RecentAcknowledgment(start: send.unacknowledged)
    send.pushEnd = SequenceNumber.later(send.pushEnd, send.unacknowledged)
    if let start = recovery.timedSequence, start.precedesOrEquals(send.unacknowledged) {
      sampleRoundTrip(now.since(recovery.timedAt))
    }
    recovery.timedSequence = nil
    guard enter(.established) else { return }
    events.insert(.connected)
    lastArrival = now
    statistics.lastDataReceived = now
    statistics.lastAcknowledgment = now
    armKeepAlive(at: now)
    if isDeferred, let patience = options.deferAccept { timers.set(.close, to: now + patience) }
    if send.buffered > 0 || send.finQueued { wantsOutput = true }
  }

  /// RFC 9293 §3.10.7.4, fifth, SYN-RECEIVED: the acknowledgment of our SYN.
  ///
  /// - Returns: false where it acknowledges something else: the caller resets.
  mutating func finishesHandshake(_ segment: Segment, at now: Instant) -> Bool {
    // TCP-14: exactly our SYN, or data behind it that was never sent, which cannot be.
    guard send.unacknowledged.precedes(segment.acknowledgment),
      segment.acknowledgment.precedesOrEquals(send.next)
    else { return false }
    send.unacknowledged = send.initial.advanced(by: 1)
    finishSyn(segment, at: now)
    send.window = Int(segment.window) &<< Int(send.windowShift)
    send.maximumWindow = max(send.maximumWindow, send.window)
    return true
  }
}
