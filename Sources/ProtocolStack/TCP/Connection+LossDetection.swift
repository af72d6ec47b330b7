import Packets

/// Finding out what was lost: by time where the peer has SACK (RFC 8985), by duplicate
/// acknowledgments where it has not (RFC 5681, RFC 6582).
extension Connection {
  /// The peer's selective acknowledgments (RFC 2018 §3).
  ///
  /// - Returns: octets that they told of first.
  mutating func takeSelectiveAcknowledgments(_ blocks: SACKBlocks, at now: Instant) -> Int {
    let before = send.transmissions.arrived
    var number = 0
    while number < blocks.count {
      let block = blocks[number]
      number &+= 1
      // TCP-25: both edges must lie in what is on its way; anything else proves nothing.
      guard send.unacknowledged.precedesOrEquals(block.left), block.left.precedes(block.right),
        block.right.precedesOrEquals(send.next),
        send.unacknowledged.distance(to: block.left) >= 0
      else { continue }
      var index = send.transmissions.index(endingAfter: block.left)
      while index < send.transmissions.count,
        send.transmissions[index].start.precedes(block.right)
      {
        let (piece, next) = send.transmissions.arrives(index, from: block.left, to: block.right)
        if let piece { noteArrival(piece, at: now) }
        index = next
      }
    }
    return send.transmissions.arrived &- before
  }

  /// Tells RACK what has arrived.
  mutating func noteArrival(_ run: Transmission, at now: Instant) {
    if recovery.phase == .timeout, !run.wasRepeated, run.end.precedesOrEquals(recovery.point) {
      recovery.needless.originalArrived()
    }
    recovery.recent.arrived(
      run, minimum: roundTrip.minimum, segmentSize: send.segment, at: now)
  }

  /// RFC 8985 §6.2 step 5, RACK_detect_loss: of what was sent before something that has arrived,
  /// the rest is lost once a round trip and some patience have passed; until then a timer runs.
  ///
  /// Linear in the runs, and only while something is missing.
  mutating func detectLosses(at now: Instant) {
    let transmissions = send.transmissions.count
    guard !send.transmissions.isPlain, transmissions > 0 else { return }
    let patience = recovery.recent.patience(
      isRecovering: recovery.phase != .open,
      hasManyArrivals: send.transmissions.arrived
        > (Self.duplicateThreshold &- 1) &* send.segment,
      roundTrip)
    let trip = recovery.recent.roundTrip + patience
    var longest = Interval.zero
    var index = 0
    while index < transmissions {
      let run = send.transmissions[index]
      if run.isInFlight, recovery.recent.isAfter(run) {
        let left = (run.sentAt + trip).since(now)
        if left <= .zero { send.transmissions.loses(index) } else { longest = max(longest, left) }
      }
      index &+= 1
    }
    guard longest > .zero else { return }
    recovery.timerPurpose = .reordering
    timers.set(.retransmission, to: now + longest)
  }

  /// RFC 5681 §3.2: three duplicates tell that the oldest segment is lost.
  mutating func detectLossByDuplicates() {
    guard recovery.phase == .open,
      recovery.duplicateAcknowledgments >= Self.duplicateThreshold,
      // RFC 6582 §3.2 step 2: not again for losses of the window that was just recovered.
      recovery.point.precedesOrEquals(send.unacknowledged)
    else { return }
    send.transmissions.losesFirst(send.segment)
  }
}
