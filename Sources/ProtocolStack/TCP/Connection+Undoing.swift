import Packets

/// What was sent again without need (RFC 3522, RFC 3708, RFC 5682): the window that was taken back
/// for it is given back (RFC 4015, RFC 9438 §4.9).
struct NeedlessRepetition {
  /// SND.UNA when the window fell; nil: it did not, or for something that cannot be taken back.
  private(set) var start: SequenceNumber?
  /// Octets sent again since, and not known to have arrived twice.
  private var unreported = 0
  /// TSval of the first repetition (RFC 3522 §3.2).
  private var firstStamp: UInt32?
  /// Something has arrived after the time-out that was sent before it, and only then.
  private(set) var sawOriginal = false

  /// The window falls.
  mutating func begin(at unacknowledged: SequenceNumber) {
    self = NeedlessRepetition()
    start = unacknowledged
  }

  mutating func end() { self = NeedlessRepetition() }

  mutating func repeats(_ octets: Int, stamp: UInt32) {
    guard start != nil else { return }
    unreported &+= octets
    firstStamp = firstStamp ?? stamp
  }

  /// RFC 2883: the peer has had this twice.
  mutating func reported(_ block: SACKBlock) {
    guard let start, start.precedesOrEquals(block.left), unreported > 0 else { return }
    unreported = max(unreported &- block.left.distance(to: block.right), 0)
  }

  mutating func originalArrived() { sawOriginal = true }

  /// RFC 3708 §3: every repetition arrived where the first transmission had.
  var isReported: Bool { start != nil && firstStamp != nil && unreported == 0 }

  /// RFC 3522 §3.2: the answer is to what was sent before any repetition.
  func precedes(_ echo: UInt32) -> Bool {
    guard start != nil, let firstStamp else { return false }
    return Int32(bitPattern: echo &- firstStamp) < 0
  }
}

extension Connection {
  /// An acknowledgment was taken in: does it prove that the repetitions of this episode were
  /// needless?
  ///
  /// - Parameter advanced: it moved SND.UNA.
  @inline(never)
  mutating func undoNeedless(_ segment: Segment, advanced: Bool, at now: Instant) {
    let isOriginal =
      advanced && timestamps.isEnabled
      && segment.options.timestamp.map { recovery.needless.precedes($0.echo) } ?? false
    let isForward = recovery.phase == .timeout && recovery.needless.sawOriginal
    guard isOriginal || isForward || recovery.needless.isReported else { return }
    recovery.needless.end()
    statistics.needlessRecoveries &+= 1
    congestion.undo()
    send.transmissions.finds()
    recovery.phase = .open
    recovery.duplicateAcknowledgments = 0
    wantsOutput = true
    guard send.flight > 0 else { return }
    armRetransmission(since: now, at: now)
    // What is lost nevertheless is found anew, and costs the window what a loss costs.
    guard sackPermitted else { return }
    detectLosses(at: now)
    guard send.transmissions.lost > 0 else { return }
    beginFastRecovery(arrived: 0, at: now)
    congestion.recover(bytesInFlight() &+ send.segment)
  }
}
