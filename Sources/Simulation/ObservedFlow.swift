/// A TCP connection as a bystander knows it: two halves, each judged when it speaks and informed
/// when the other is heard.
struct ObservedFlow {
  /// What one end has said.
  struct Half {
    /// Its SYN was seen, so that its numbers mean something.
    var isKnown = false
    /// The other end began anew with this connection's addresses; what this end still says about
    /// the old one is not judged.
    var isStale = false
    var initialSequence: UInt32 = 0
    /// The end of everything it ever sent.
    var highest: UInt32 = 0
    /// One past its FIN.
    var end: UInt32?
    /// The highest acknowledgement it sent, and the right edge that came with the best offer.
    var acknowledged: UInt32?
    var offeredEdge: UInt32 = 0
    /// The right edge of the best offer of its own that the other end has heard.
    var heardEdge: UInt32?
    var shift: UInt8?
    var maximumSegmentSize: UInt32 = 536
    var permitsSACK = false
    var sendsTimestamps = false
    var timestamp: UInt32 = 0
    var lastPureAcknowledgement: (UInt32, UInt32, Int) = (0, 0, 0)
    /// Pure acknowledgements equal to the one before, and segments heard.
    var repetitions = 0
    var heard = 0
  }

  private var low = Half()
  private var high = Half()

  typealias Segment = ObservedPacket.Segment

  /// One end sends a segment.
  ///
  /// - Returns: bytes of payload that were sent before.
  mutating func sent(
    _ segment: Segment, forward: Bool, largestPiece: Int,
    breaches: inout [(WireMonitor.Rule, String)]
  ) -> Int {
    forward
      ? Self.sent(segment, by: &low, to: &high, largestPiece, &breaches)
      : Self.sent(segment, by: &high, to: &low, largestPiece, &breaches)
  }

  /// One end hears a segment of the other's.
  mutating func delivered(_ segment: Segment, forward: Bool) {
    if forward {
      Self.delivered(segment, of: &low, to: &high)
    } else {
      Self.delivered(segment, of: &high, to: &low)
    }
  }

  private static func delivered(_ segment: Segment, of speaker: inout Half, to listener: inout Half)
  {
    listener.heard += 1
    guard speaker.isKnown, !speaker.isStale, segment.isACK, !segment.isRST else { return }
    let edge = segment.acknowledgement &+ offer(segment, by: speaker, to: listener)
    if let heard = speaker.heardEdge, !precedes(heard, edge) { return }
    speaker.heardEdge = edge
  }

  private static func sent(
    _ segment: Segment, by speaker: inout Half, to listener: inout Half, _ largestPiece: Int,
    _ breaches: inout [(WireMonitor.Rule, String)]
  ) -> Int {
    if segment.isSYN { begin(segment, by: &speaker, to: &listener) }
    guard speaker.isKnown, !speaker.isStale, !segment.isRST else { return 0 }
    let repeated = judgeData(segment, by: &speaker, to: listener, largestPiece, &breaches)
    if segment.isACK, listener.isKnown {
      judgeAcknowledgement(segment, by: &speaker, to: listener, &breaches)
    }
    judgeTimestamp(segment, by: &speaker, to: listener, &breaches)
    return repeated
  }

  private static func begin(_ segment: Segment, by speaker: inout Half, to listener: inout Half) {
    guard !speaker.isKnown || speaker.isStale || segment.sequence != speaker.initialSequence else {
      return
    }
    let heard = speaker.heard
    speaker = Half()
    speaker.heard = heard
    speaker.isKnown = true
    speaker.initialSequence = segment.sequence
    speaker.highest = segment.sequence
    speaker.shift = segment.windowShift
    speaker.maximumSegmentSize = segment.maximumSegmentSize ?? 536
    speaker.permitsSACK = segment.permitsSACK
    speaker.sendsTimestamps = segment.timestamp != nil
    speaker.timestamp = segment.timestamp ?? 0
    // A first SYN begins a connection: the other half's numbers are of the one before. An
    // answering SYN, or one that crosses another, belongs to the half that is there.
    if !segment.isACK, listener.isKnown, listener.acknowledged != nil { listener.isStale = true }
  }

  private static func judgeData(
    _ segment: Segment, by speaker: inout Half, to listener: Half, _ largestPiece: Int,
    _ breaches: inout [(WireMonitor.Rule, String)]
  ) -> Int {
    let end = segment.sequence &+ segment.length
    if segment.payload > 0 {
      let size = largestPiece + segment.optionBytes
      if listener.isKnown, size > Int(listener.maximumSegmentSize) {
        breaches.append((.segmentTooLarge, "\(size), limit \(listener.maximumSegmentSize)"))
      }
      // A probe of a closed window may be one octet beyond it, and so may a FIN.
      if let edge = listener.heardEdge, precedes(edge &+ 1, end) {
        breaches.append((.beyondWindow, "by \(end &- edge) octets"))
      }
      if let last = speaker.end, precedes(last, end) {
        breaches.append((.dataAfterFIN, "by \(end &- last) octets"))
      }
    }
    var repeated = 0
    if segment.length > 0, precedes(segment.sequence, speaker.highest) {
      let overlap = min(
        UInt32(truncatingIfNeeded: segment.payload),
        speaker.highest &- segment.sequence)
      repeated = Int(overlap)
    }
    if precedes(speaker.highest, end) { speaker.highest = end }
    if segment.isFIN { speaker.end = speaker.end ?? end }
    return repeated
  }

  private static func judgeAcknowledgement(
    _ segment: Segment, by speaker: inout Half, to listener: Half,
    _ breaches: inout [(WireMonitor.Rule, String)]
  ) {
    let number = segment.acknowledgement
    if precedes(listener.highest, number) {
      breaches.append((.acknowledgedUnsent, "by \(number &- listener.highest) octets"))
    }
    let window = offer(segment, by: speaker, to: listener)
    let edge = number &+ window
    if let before = speaker.acknowledged {
      if precedes(number, before) {
        breaches.append((.acknowledgementWentBack, "by \(before &- number) octets"))
      }
      // RFC 7323 §2.4: a scaled window loses up to one unit of its scale to rounding.
      let unit: UInt32 = 1 << UInt32(speaker.shift ?? 0)
      // The window of a SYN cannot be scaled, so that of a repeated one may be smaller.
      if !segment.isSYN, precedes(edge &+ unit &- 1, speaker.offeredEdge) {
        breaches.append((.windowShrank, "by \(speaker.offeredEdge &- edge) octets"))
      }
      if precedes(speaker.offeredEdge, edge) { speaker.offeredEdge = edge }
    } else {
      speaker.offeredEdge = edge
    }
    speaker.acknowledged = number
    for (left, right) in segment.blocks {
      // A block below the acknowledgement reports a duplicate (RFC 2883).
      if !listener.permitsSACK || !precedes(left, right) || precedes(listener.highest, right) {
        breaches.append((.badSACK, "\(left) to \(right)"))
      }
    }
    judgeRepetition(segment, by: &speaker, window, &breaches)
  }

  /// What is sent twice in the same words must have been provoked: a duplicate acknowledgement by a
  /// segment, a probe by a timer, of which a run sees a few hundred at most.
  private static func judgeRepetition(
    _ segment: Segment, by speaker: inout Half, _ window: UInt32,
    _ breaches: inout [(WireMonitor.Rule, String)]
  ) {
    guard segment.length == 0 else { return }
    let words = (segment.acknowledgement, window, segment.blocks.count)
    if words == speaker.lastPureAcknowledgement {
      speaker.repetitions += 1
      if speaker.repetitions > speaker.heard + 1_000 {
        breaches.append(
          (.storm, "\(speaker.repetitions) repetitions, \(speaker.heard) segments heard"))
      }
    }
    speaker.lastPureAcknowledgement = words
  }

  private static func judgeTimestamp(
    _ segment: Segment, by speaker: inout Half, to listener: Half,
    _ breaches: inout [(WireMonitor.Rule, String)]
  ) {
    guard speaker.sendsTimestamps, listener.isKnown, listener.sendsTimestamps else { return }
    guard let timestamp = segment.timestamp else {
      if !segment.isSYN { breaches.append((.timestampMissing, "")) }
      return
    }
    if precedes(timestamp, speaker.timestamp) {
      breaches.append((.timestampWentBack, "from \(speaker.timestamp) to \(timestamp)"))
    }
    speaker.timestamp = timestamp
  }

  /// The window a segment offers, in octets (RFC 7323 §2.2: that of a SYN is never scaled).
  private static func offer(_ segment: Segment, by speaker: Half, to listener: Half) -> UInt32 {
    guard !segment.isSYN, let shift = speaker.shift, listener.shift != nil else {
      return segment.window
    }
    return segment.window << UInt32(shift)
  }

  private static func precedes(_ a: UInt32, _ b: UInt32) -> Bool {
    Int32(bitPattern: a &- b) < 0
  }
}
