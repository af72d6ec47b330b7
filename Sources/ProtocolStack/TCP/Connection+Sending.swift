import Packets

/// A segment that may leave now: what it carries and where it lies.
struct SegmentPlan {
  var sequence: SequenceNumber
  /// Octets of payload, from the send buffer's `position`.
  var length = 0
  var position = 0
  var flags: TCPFlags
  /// Payload octets that one wire segment carries; more than that is cut by the link.
  var segmentSize = 0
  var isRetransmission = false
}

extension Connection {
  /// The options every segment but a SYN carries now.
  func segmentOptions(at now: Instant) -> TCPOptions {
    var header = TCPOptions()
    if timestamps.isEnabled {
      header.timestamp = .init(value: timestamps.value(at: now), echo: timestamps.recent)
    }
    if sackPermitted, !receive.ranges.isEmpty || receive.duplicate != nil {
      header.sackBlocks = selectiveAcknowledgments()
    }
    return header
  }

  /// Decides what leaves next: the SYN, what was lost, new data, the FIN, or an acknowledgment.
  ///
  /// - Returns: nothing, and ``wantsOutput`` is false, where all that may be sent has been.
  mutating func nextSegment(optionsSize: Int, at now: Instant) -> SegmentPlan? {
    switch state {
    case .closed: break
    case .synSent, .synReceived:
      if send.synDue { return synPlan() }
      if state == .synReceived, receive.acknowledgeNow { return acknowledgmentPlan() }
    default:
      let size = max(send.segment &- optionsSize, 1)
      let most = largestPayload(segmentSize: size, optionsSize: optionsSize)
      if let plan = retransmission(segmentSize: size, most: most, at: now) { return plan }
      if let plan = newData(segmentSize: size, most: most, at: now) { return plan }
      if send.keepAliveDue { return keepAlivePlan() }
      if receive.acknowledgeNow { return acknowledgmentPlan() }
    }
    wantsOutput = false
    return nil
  }

  /// The payload of the largest packet the link takes: a multiple of the segment size.
  private func largestPayload(segmentSize: Int, optionsSize: Int) -> Int {
    let headers = (flow.isIPv4 ? 40 : 60) &+ optionsSize
    guard route.segmentationOffload > headers &+ segmentSize else { return segmentSize }
    let room = min(route.segmentationOffload, 65_535) &- headers
    return room &- room % segmentSize
  }

  private func synPlan() -> SegmentPlan {
    SegmentPlan(sequence: send.initial, flags: state == .synSent ? .syn : [.syn, .ack])
  }

  private func acknowledgmentPlan() -> SegmentPlan {
    SegmentPlan(sequence: send.next, flags: .ack)
  }

  /// RFC 9293 §3.8.4: an octet the peer has had already makes it answer.
  private func keepAlivePlan() -> SegmentPlan {
    SegmentPlan(sequence: send.unacknowledged.advanced(by: -1), flags: .ack)
  }

  /// Data that may be sent for the first time (RFC 9293 §3.7.4, §3.8.6.2.1).
  private mutating func newData(segmentSize: Int, most: Int, at now: Instant) -> SegmentPlan? {
    let unsent = send.unsent
    let wantsFin = send.finQueued && !send.finSent
    guard unsent > 0 || wantsFin else { return nil }
    let flight = send.flight
    // RFC 9293 §3.8.6.2.1 SHLD-15: a window that shrank leaves nothing, never less.
    let windowRoom = max(send.window &- flight, 0)
    let inFlight = flight == 0 ? 0 : bytesInFlight()
    var length = min(unsent, min(windowRoom, most))
    if unsent > 0 {
      if send.probeDue {
        // RFC 9293 §3.8.6.1 MUST-36: an octet of new data, whatever the window says.
        length = max(length, 1)
      } else {
        length = min(length, congestionRoom(inFlight: inFlight, segmentSize: segmentSize))
        guard length > 0 else {
          noteIdleWindow(windowRoom: windowRoom, flight: flight, at: now)
          return nil
        }
        length = silly(
          length, unsent: unsent, windowRoom: windowRoom, flight: flight, size: segmentSize)
        guard length > 0 else {
          noteIdleWindow(windowRoom: windowRoom, flight: flight, at: now)
          return nil
        }
      }
    }
    var flags: TCPFlags = .ack
    // Also at the end of what the link cuts, so that a receiver which puts it together again hands
    // it on.
    if length > 0, length == unsent || length > segmentSize { flags.insert(.psh) }
    // The FIN rides on the last data, or alone; it takes a place in the window of its own.
    if wantsFin, length == unsent, windowRoom > length || flight == 0 && length == 0 {
      flags.insert(.fin)
    } else if length == 0 {
      noteIdleWindow(windowRoom: windowRoom, flight: flight, at: now)
      return nil
    }
    return SegmentPlan(
      sequence: send.next, length: length, position: flight, flags: flags,
      segmentSize: segmentSize)
  }

  /// What the congestion window still allows, in whole segments except for the first.
  private func congestionRoom(inFlight: Int, segmentSize: Int) -> Int {
    let room = congestion.window &- inFlight
    if room >= segmentSize || inFlight == 0 { return max(room, segmentSize) }
    return 0
  }

  /// Sender-side avoidance of silly windows, and Nagle's rule: what of `length` may go.
  private func silly(
    _ length: Int, unsent: Int, windowRoom: Int, flight: Int, size: Int
  ) -> Int {
    let whole = length &- length % size
    if length == unsent {
      // All that is queued fits. A small tail waits for what is on its way, unless told not to.
      if length == whole || send.finQueued { return length }
      let isHeld = options.isCorked || send.expectsMore
      if !isHeld, options.noDelay || flight == 0 { return length }
      return whole
    }
    if whole > 0 { return whole }
    // Less than a segment because of the window: only when it is half of the best ever seen.
    return windowRoom > 0 && length >= send.maximumWindow / 2 ? length : 0
  }

  /// RFC 9293 §3.8.6.1 MUST-36: with data waiting and nothing on its way that would bring news of
  /// the window, a timer has to.
  private mutating func noteIdleWindow(windowRoom: Int, flight: Int, at now: Instant) {
    guard flight == 0, !timers.isSet(.persist), !timers.isSet(.retransmission) else { return }
    timers.set(.persist, to: now + roundTrip.timeout)
  }

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
      send.next = end
    }
    if plan.isRetransmission {
      statistics.retransmittedSegments &+= 1
      recovery.timedSequence = nil
      if recovery.highRetransmitted.precedes(end) { recovery.highRetransmitted = end }
    }
    if end != plan.sequence {
      // RFC 6298 §5.1: the timer runs while anything is on its way.
      if !timers.isSet(.retransmission) {
        timers.set(.retransmission, to: now + roundTrip.timeout)
      }
      timers.stop(.persist)
      send.probeDue = false
      if recovery.stalledSince == nil { recovery.stalledSince = now }
    }
    if plan.sequence.precedes(send.unacknowledged) { send.keepAliveDue = false }
    statistics.segmentsSent &+= 1
    statistics.bytesSent &+= UInt64(truncatingIfNeeded: plan.length)
    if plan.flags.contains(.ack) { acknowledged(at: now) }
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
