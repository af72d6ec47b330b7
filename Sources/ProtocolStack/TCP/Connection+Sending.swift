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
  /// Its end is where the user, or the end of a record, wants all to be handed on.
  var isPushed = false
  var isRetransmission = false
  /// A tail loss probe (RFC 8985 §7).
  var isProbe = false
}

extension Connection {
  /// The options every segment but a SYN carries now.
  // A call that only borrows would copy the whole block to the stack.
  @inline(__always)
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
      if send.unsent > 0, send.flight == 0 { restartAfterIdle(at: now) }
      let size = max(send.segment &- optionsSize, 1)
      let most = largestPayload(segmentSize: size, optionsSize: optionsSize)
      if recovery.tail.isDue, let plan = probe(segmentSize: size) { return plan }
      if let plan = retransmission(segmentSize: size, most: most) { return plan }
      if let plan = newData(segmentSize: size, most: most, at: now) { return plan }
      if send.keepAliveDue { return keepAlivePlan() }
      if receive.acknowledgeNow { return acknowledgmentPlan() }
    }
    wantsOutput = false
    return nil
  }

  /// RFC 5681 §4.1: what the window says of the path is out of date.
  private mutating func restartAfterIdle(at now: Instant) {
    guard restartsAfterIdle, send.lastData.nanoseconds > .min,
      now.since(send.lastData) > roundTrip.timeout
    else { return }
    congestion.onIdle(segment: send.segment)
  }

  /// The payload of the largest packet to send: a multiple of the segment size that the link takes,
  /// that lasts about a millisecond at the rate the window gives, and that is at most half of the
  /// window, so that a small window is not one burst.
  @inline(__always)
  private func largestPayload(segmentSize: Int, optionsSize: Int) -> Int {
    let headers = (flow.isIPv4 ? 40 : 60) &+ optionsSize
    guard route.segmentationOffload > headers &+ segmentSize else { return segmentSize }
    let room = min(route.segmentationOffload, 65_535) &- headers
    var segments = min(room, congestion.window / 2) / segmentSize
    let trip = max(roundTrip.smoothed ?? .zero, recovery.recent.roundTrip)
    if trip.nanoseconds > 2_000_000 {
      let share = congestion.window &* 2 / Int(trip.nanoseconds / 1_000_000) / segmentSize
      segments = min(segments, max(share, leastOffload))
    }
    return max(segments, 1) &* segmentSize
  }

  private func synPlan() -> SegmentPlan {
    var flags: TCPFlags = state == .synSent ? .syn : [.syn, .ack]
    if state == .synReceived {
      // RFC 3168 §6.1.1: agreed.
      if congestionNotification.isEnabled { flags.insert(.ece) }
    } else if offersNotification {
      flags.formUnion([.ece, .cwr])
    }
    return SegmentPlan(sequence: send.initial, flags: flags)
  }

  /// RFC 3168 §6.1.1.1: a SYN that was not answered goes again without asking for marks, which
  /// some paths do not let through.
  var offersNotification: Bool { asksForNotification && recovery.consecutiveTimeouts == 0 }

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
    guard unsent > 0 || wantsFin else {
      send.isFlushing = false
      return nil
    }
    guard !send.transmissions.isCrowded else { return nil }
    let flight = send.flight
    // RFC 9293 §3.8.6.2.1 SHLD-15: a window that shrank leaves nothing, never less.
    let windowRoom = max(send.window &- flight, 0)
    let inFlight = flight == 0 ? 0 : bytesInFlight()
    var length = min(unsent, min(windowRoom, most))
    var recordEnd: SequenceNumber?
    if !send.records.isEmpty, let end = send.records.first(after: send.next) {
      length = min(length, send.next.distance(to: end))
      recordEnd = end
    }
    if unsent > 0 {
      if send.probeDue {
        // RFC 9293 §3.8.6.1 MUST-36: an octet of new data, whatever the window says.
        length = max(length, 1)
      } else {
        length = min(length, congestionRoom(inFlight: inFlight, segmentSize: segmentSize))
        guard length > 0 else {
          noteWaiting(windowRoom: windowRoom, flight: flight, size: segmentSize, at: now)
          return nil
        }
        let isRecord = length < unsent && recordEnd == send.next.advanced(by: length)
        if !isRecord {
          length = silly(
            length, unsent: unsent, windowRoom: windowRoom, flight: flight, size: segmentSize)
        }
        guard length > 0 else {
          noteWaiting(windowRoom: windowRoom, flight: flight, size: segmentSize, at: now)
          return nil
        }
      }
    }
    var flags: TCPFlags = .ack
    // Also at the end of what the link cuts, so that a receiver which puts it together again hands
    // it on.
    let end = send.next.advanced(by: length)
    let isPushed =
      length > 0 && recordEnd == end
      || send.next.precedes(send.pushEnd) && send.pushEnd.precedesOrEquals(end)
    if isPushed || length > segmentSize { flags.insert(.psh) }
    // The FIN rides on the last data, or alone; it takes a place in the window of its own.
    if wantsFin, length == unsent, windowRoom > length || flight == 0 && length == 0 {
      flags.insert(.fin)
    } else if length == 0 {
      noteWaiting(windowRoom: windowRoom, flight: flight, size: segmentSize, at: now)
      return nil
    }
    return SegmentPlan(
      sequence: send.next, length: length, position: flight, flags: flags,
      segmentSize: segmentSize, isPushed: isPushed)
  }

  /// What the congestion window still allows, in whole segments except for the first.
  @inline(__always)
  private func congestionRoom(inFlight: Int, segmentSize: Int) -> Int {
    let room = congestion.window &- inFlight
    if room >= segmentSize || inFlight == 0 { return max(room, segmentSize) }
    return 0
  }

  /// Sender-side avoidance of silly windows, and Nagle's rule: what of `length` may go.
  @inline(__always)
  private func silly(
    _ length: Int, unsent: Int, windowRoom: Int, flight: Int, size: Int
  ) -> Int {
    let whole = length &- length % size
    if length == unsent {
      // All that is queued fits. A small tail waits for what is on its way, unless told not to.
      if length == whole || send.finQueued { return length }
      let isHeld = options.isCorked || send.expectsMore
      if send.isFlushing { return length }
      if !isHeld, options.noDelay || flight == 0 { return length }
      return whole
    }
    if whole > 0 { return whole }
    // Less than a segment because of the window: only when it is half of the best ever seen.
    return windowRoom > 0 && length >= send.maximumWindow / 2 ? length : 0
  }

  /// RFC 9293 §3.8.6.1 MUST-36: with data waiting and nothing on its way that would bring news of
  /// the window, a timer has to.
  private mutating func noteWaiting(windowRoom: Int, flight: Int, size: Int, at now: Instant) {
    if windowRoom < min(send.unsent, size) { statistics.windowLimited.begin(at: now) }
    guard flight == 0, !timers.isSet(.persist), !timers.isSet(.retransmission) else { return }
    timers.set(.persist, to: now + roundTrip.timeout)
  }
}
