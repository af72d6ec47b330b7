import Packets

/// Finding out what was lost and sending it again (RFC 6675; RFC 6582 where the peer has no SACK).
extension Connection {
  /// The duplicate acknowledgments that tell of a loss (RFC 5681 §3.2).
  private static var duplicateThreshold: Int { 3 }

  /// RFC 6675 §4 SetPipe: octets that are probably still on their way. Linear in the runs of the
  /// scoreboard, of which there are at most 128; constant when nothing is missing.
  func bytesInFlight() -> Int {
    let flight = send.flight
    guard
      recovery.phase != .open || !send.scoreboard.isEmpty
        || recovery.duplicateAcknowledgments > 0
    else { return flight }
    if !sackPermitted {
      // RFC 5681 §3.2: each duplicate says that one segment has left the network.
      let left = recovery.duplicateAcknowledgments &* send.segment
      let lost = unretransmittedLoss()
      return max(flight &- left &- lost, 0)
    }
    return max(flight &- send.scoreboard.total &- unretransmittedLoss(), 0)
  }

  /// Octets counted as lost, not sent again and not selectively acknowledged.
  private func unretransmittedLoss() -> Int {
    let from = SequenceNumber.later(recovery.highRetransmitted, send.unacknowledged)
    guard recovery.phase != .open, from.precedes(recovery.lostEdge) else { return 0 }
    var lost = from.distance(to: recovery.lostEdge)
    var index = send.scoreboard.index(endingAfter: from)
    while index < send.scoreboard.count {
      let range = send.scoreboard[index]
      guard range.start.precedes(recovery.lostEdge) else { break }
      let start = SequenceNumber.later(range.start, from)
      let end = recovery.lostEdge.precedes(range.end) ? recovery.lostEdge : range.end
      lost &-= start.distance(to: end)
      index &+= 1
    }
    return max(lost, 0)
  }

  /// The next lost octets to send again, as many as one packet takes.
  mutating func retransmission(segmentSize: Int, most: Int, at now: Instant) -> SegmentPlan? {
    guard recovery.phase != .open else { return nil }
    var start = SequenceNumber.later(recovery.highRetransmitted, send.unacknowledged)
    if let covered = send.scoreboard.range(containing: start) { start = covered.end }
    guard start.precedes(recovery.lostEdge), start.precedes(send.next) else { return nil }
    // RFC 6675 §5 (C): only while the window has room for a segment; the first one always goes.
    let inFlight = bytesInFlight()
    let isFirst = start == send.unacknowledged
    guard isFirst || congestion.window &- inFlight >= segmentSize else { return nil }
    var end = recovery.lostEdge.precedes(send.next) ? recovery.lostEdge : send.next
    let following = send.scoreboard.index(endingAfter: start)
    if following < send.scoreboard.count, send.scoreboard[following].start.precedes(end) {
      end = send.scoreboard[following].start
    }
    let room = max(congestion.window &- inFlight, segmentSize)
    let position = send.unacknowledged.distance(to: start)
    let dataLength = max(send.buffered &- position, 0)
    var length = min(min(start.distance(to: end), most), min(room, dataLength))
    if length > segmentSize { length &-= length % segmentSize }
    let reachesFin = send.finSent && position &+ length == send.buffered
    var flags: TCPFlags = .ack
    if reachesFin, start.advanced(by: length).precedes(send.next) { flags.insert(.fin) }
    guard length > 0 || flags.contains(.fin) else { return nil }
    return SegmentPlan(
      sequence: start, length: length, position: position, flags: flags,
      segmentSize: segmentSize, isRetransmission: true)
  }

  /// The peer's selective acknowledgments (RFC 2018 §3).
  ///
  /// - Returns: whether they told anything new.
  mutating func takeSelectiveAcknowledgments(_ blocks: SACKBlocks) -> Bool {
    let before = send.scoreboard.total
    var index = 0
    while index < blocks.count {
      let block = blocks[index]
      index &+= 1
      // TCP-25: both edges must lie in what is on its way; anything else proves nothing.
      guard send.unacknowledged.precedesOrEquals(block.left), block.left.precedes(block.right),
        block.right.precedesOrEquals(send.next),
        send.unacknowledged.distance(to: block.left) >= 0
      else { continue }
      _ = send.scoreboard.insert(SequenceRange(start: block.left, end: block.right))
    }
    return send.scoreboard.total != before
  }

  /// Looks at the scoreboard or the duplicates and begins, or goes on with, fast recovery.
  mutating func detectLoss(at now: Instant) {
    let edge = sackPermitted ? lostEdgeBySelectiveAcknowledgment() : lostEdgeByDuplicates()
    guard let edge else { return }
    if recovery.phase == .open {
      // RFC 6582 §3.2 step 2: not again for losses of the window that was just recovered.
      guard recovery.point.precedesOrEquals(send.unacknowledged) else { return }
      let inFlight = send.flight
      congestion.onLoss(inFlight: inFlight, segment: send.segment, at: now)
      recovery.phase = .fast
      recovery.point = send.next
      recovery.highRetransmitted = send.unacknowledged
      recovery.lostEdge = edge
      wantsOutput = true
    } else if recovery.lostEdge.precedes(edge) {
      recovery.lostEdge = edge
      wantsOutput = true
    }
  }

  /// RFC 6675 §4 IsLost: below three runs, or more than two segments' worth, of what arrived later.
  private func lostEdgeBySelectiveAcknowledgment() -> SequenceNumber? {
    var index = send.scoreboard.count
    var octets = 0
    var runs = 0
    while index > 0 {
      index &-= 1
      octets &+= send.scoreboard[index].count
      runs &+= 1
      if runs >= Self.duplicateThreshold
        || octets > (Self.duplicateThreshold &- 1) &* send.segment
      {
        return send.scoreboard[index].start
      }
    }
    // RFC 6675 §5 step 1: so many duplicates tell of a loss even where they carry few octets.
    guard recovery.duplicateAcknowledgments >= Self.duplicateThreshold, send.scoreboard.count > 0
    else { return nil }
    return send.scoreboard[0].start
  }

  private func lostEdgeByDuplicates() -> SequenceNumber? {
    guard recovery.duplicateAcknowledgments >= Self.duplicateThreshold else { return nil }
    let end = send.unacknowledged.advanced(by: send.segment)
    return end.precedes(send.next) ? end : send.next
  }

  /// SND.UNA has moved: recovery may be over, or the next hole is known.
  mutating func recoveryAcknowledged(_ acknowledged: Int, at now: Instant) {
    switch recovery.phase {
    case .open: break
    case .fast, .timeout:
      if recovery.point.precedesOrEquals(send.unacknowledged) {
        recovery.phase = .open
        recovery.duplicateAcknowledgments = 0
      } else if recovery.phase == .fast, !sackPermitted {
        // RFC 6582 §3.2 step 3: a partial acknowledgment means the next segment is missing too.
        recovery.duplicateAcknowledgments = max(
          recovery.duplicateAcknowledgments &- acknowledged / max(send.segment, 1), 0)
        let end = send.unacknowledged.advanced(by: send.segment)
        recovery.lostEdge = end.precedes(send.next) ? end : send.next
        recovery.highRetransmitted = send.unacknowledged
      }
      wantsOutput = true
    }
  }

  /// RFC 6298 §5.4 to §5.7: the oldest data is sent again and everything in flight counts as lost.
  mutating func retransmissionTimedOut(
    at now: Instant, configuration: TCPConfiguration
  ) {
    statistics.timeouts &+= 1
    roundTrip.backOff(ceiling: configuration.maximumRetransmissionTimeout)
    let isRepeated = recovery.phase == .timeout && recovery.consecutiveTimeouts > 0
    recovery.consecutiveTimeouts &+= 1
    recovery.timedSequence = nil
    if send.window > 0 || send.maximumWindow == 0 {
      congestion.onTimeout(
        inFlight: send.flight, segment: send.segment, isRepeated: isRepeated, at: now)
    }
    // RFC 2018 §8: the peer may have dropped what it acknowledged selectively.
    send.scoreboard.removeAll()
    recovery.phase = .timeout
    recovery.point = send.next
    recovery.lostEdge = send.next
    recovery.highRetransmitted = send.unacknowledged
    recovery.duplicateAcknowledgments = 0
    wantsOutput = true
    timers.set(.retransmission, to: now + roundTrip.timeout)
  }
}
