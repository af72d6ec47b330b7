import Packets

/// RACK: what was sent well before something that has arrived, and has not arrived, is lost
/// (RFC 8985 §5.2, §6.2).
struct RecentAcknowledgment {
  /// RACK.xmit_ts, RACK.end_seq and RACK.rtt: of what was sent last of all that has arrived.
  private(set) var sentAt = Instant(nanoseconds: .min)
  private(set) var end = SequenceNumber(rawValue: 0)
  private(set) var roundTrip = Interval.zero
  private var wasRepeated = false
  /// RACK.fack: the highest octet that has arrived.
  private(set) var highest = SequenceNumber(rawValue: 0)
  /// The same before the acknowledgment that is being taken in, whose blocks come in any order.
  private var highestBefore = SequenceNumber(rawValue: 0)
  /// RACK.reordering_seen.
  private(set) var hasSeenReordering = false
  /// How far back an arrival was behind the highest at most, in segments.
  private(set) var reordering = 3
  /// RACK.reo_wnd_mult and RACK.reo_wnd_persist: how many quarters of the least round trip a
  /// segment may be late, and for how many recoveries more.
  private var multiple: Int64 = 1
  private var persistence = 16
  /// RACK.dsack_round: until this is acknowledged, more duplicates say nothing more.
  private var duplicateRound: SequenceNumber?

  init() {}

  /// The handshake is done: nothing above `start` was sent yet.
  init(start: SequenceNumber) {
    end = start
    highest = start
    highestBefore = start
  }

  /// An acknowledgment begins to be taken in.
  @inline(__always)
  mutating func begin() { highestBefore = highest }

  /// Steps 1 to 3: something has arrived.
  mutating func arrived(
    _ run: Transmission, minimum: Interval?, segmentSize: Int, at now: Instant
  ) {
    if run.wasRepeated {
      // RFC 8985 §6.2 step 2: sooner than a round trip, the first transmission was acknowledged.
      if let minimum, now.since(run.sentAt) < minimum { return }
    } else if run.end.precedes(highestBefore) {
      // RFC 8985 §6.2 step 3: sent once, and yet behind what was sent later.
      hasSeenReordering = true
      let distance = run.start.distance(to: highestBefore) &+ segmentSize &- 1
      reordering = max(reordering, min(distance / max(segmentSize, 1), 300))
    }
    if highest.precedes(run.end) { highest = run.end }
    if sentAt < run.sentAt || sentAt == run.sentAt && end.precedes(run.end) {
      sentAt = run.sentAt
      end = run.end
      wasRepeated = run.wasRepeated
      roundTrip = now.since(run.sentAt)
    }
  }

  /// The peer has had something twice: it was not lost, only late (RFC 2883).
  mutating func duplicateReported(unacknowledged: SequenceNumber, next: SequenceNumber) {
    if let round = duplicateRound, unacknowledged.precedes(round) { return }
    duplicateRound = next
    multiple = min(multiple &+ 1, 20)
    persistence = 16
  }

  /// A recovery is over.
  mutating func recovered() {
    persistence &-= 1
    guard persistence <= 0 else { return }
    persistence = 16
    multiple = 1
  }

  /// Step 4: how late a segment may be (RACK_update_reo_wnd).
  func patience(isRecovering: Bool, hasManyArrivals: Bool, _ estimate: RoundTripTime) -> Interval {
    // Where packets have kept their order, three that came later are proof, as in RFC 6675.
    if !hasSeenReordering, isRecovering || hasManyArrivals { return .zero }
    let quarter = (estimate.minimum ?? .zero) / 4
    return min(quarter * multiple, estimate.smoothed ?? quarter)
  }

  /// Whether `run` was sent before what has arrived last. Of what left at one time, the lower
  /// numbers left first, and repetitions last.
  @inline(__always)
  func isAfter(_ run: Transmission) -> Bool {
    if run.sentAt != sentAt { return run.sentAt < sentAt }
    return run.wasRepeated == wasRepeated ? run.end.precedes(end) : wasRepeated
  }
}
