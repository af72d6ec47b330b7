import Packets

/// Explicit congestion notification (RFC 3168 §6.1): what the two ends know of marks.
struct CongestionNotification {
  /// Both ends have agreed to it.
  var isEnabled = false
  /// A mark has arrived: acknowledgments say so until the peer has answered (ECE).
  var mustEcho = false
  /// The window was reduced: the next new data says so (CWR).
  var mustTell = false
  /// Until this is acknowledged, an echo tells of the congestion that was answered already.
  var point: SequenceNumber?
}

extension Connection {
  /// The peer's SYN or SYN-ACK has come.
  ///
  /// - Parameter offered: our SYN asked for it.
  mutating func negotiateNotification(
    _ segment: Segment, offered: Bool, configuration: TCPConfiguration
  ) {
    let echo = segment.flags.contains(.ece)
    let reduced = segment.flags.contains(.cwr)
    if segment.flags.contains(.ack) {
      // RFC 3168 §6.1.1: a SYN-ACK that agrees has ECE alone.
      congestionNotification.isEnabled = offered && echo && !reduced
    } else {
      congestionNotification.isEnabled =
        configuration.explicitCongestionNotification != .never && echo && reduced
    }
  }

  /// What an arriving segment says of congestion, either way.
  mutating func takeNotification(_ segment: Segment, at now: Instant) {
    // RFC 3168 §6.1.3: CWR ends the echo; a mark on the same packet begins it again.
    if segment.flags.contains(.cwr) { congestionNotification.mustEcho = false }
    if segment.isMarked {
      congestionNotification.mustEcho = true
      receive.acknowledgeNow = true
    }
    guard segment.flags.contains(.ece) else { return }
    if let point = congestionNotification.point, send.unacknowledged.precedes(point) { return }
    guard recovery.phase == .open, send.flight > 0 else { return }
    // RFC 3168 §6.1.2: as for a loss, and once for each window of data.
    recovery.needless.end()
    congestion.onLoss(inFlight: send.flight, segment: send.segment, at: now)
    congestion.recover(congestion.threshold)
    congestionNotification.point = send.next
    congestionNotification.mustTell = true
  }

  /// Adds what there is to say to a segment that leaves.
  ///
  /// - Returns: the ECN field of its packet.
  @inline(__always)
  mutating func notify(_ plan: inout SegmentPlan) -> UInt8 {
    guard congestionNotification.isEnabled, !plan.flags.contains(.syn) else { return 0 }
    if congestionNotification.mustEcho { plan.flags.insert(.ece) }
    // RFC 3168 §6.1.4 to §6.1.6: neither acknowledgments, nor repetitions, nor window probes.
    guard plan.length > 0, !plan.isRetransmission, !send.probeDue else { return 0 }
    if congestionNotification.mustTell {
      congestionNotification.mustTell = false
      plan.flags.insert(.cwr)
    }
    return 2
  }
}
