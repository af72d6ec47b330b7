import Addresses
import Packets

/// The transmission control block of one connection (RFC 9293 §3.3.1), flat and in place.
///
/// `send` and `receive` mirror the RFC's SND and RCV variables. The files beside this one cut its
/// behaviour along the RFC's seams: `+Arrival` (segment arrival, step by step), `+Acknowledgment`,
/// `+Delivery` (receiver), `+Sending` (sender), `+Recovery`, `+Closing`, `+Timers`, `+User`.
///
/// Nothing here sends: input and commands change state and set ``wantsOutput``; the table asks
/// ``nextSegment(at:options:)`` when a packet may leave. Results for the outside wait in
/// ``events`` and ``outcome`` until the table collects them.
struct Connection: ~Copyable {
  var flow: Flow
  /// Under this hash the connection is found.
  var hash: UInt64
  /// Of its IPv6 packets.
  var flowLabel: UInt32 = 0
  var route: Route
  private(set) var state = ConnectionState.closed
  var send: SendSpace
  var receive: ReceiveSpace
  var congestion: CongestionControl
  var roundTrip = RoundTripTime()
  var recovery = Recovery()
  var timers = ConnectionTimers()
  var options: TCPSocketOptions
  /// Timestamps (RFC 7323 §3): negotiated, our clock's secret offset, the peer's last value.
  var timestamps = TimestampState()
  var congestionNotification = CongestionNotification()
  /// Both sides permitted selective acknowledgment (RFC 2018 §2).
  var sackPermitted = false

  /// Both sides sent the window scale option.
  var scalesWindow = false
  /// A listener made this connection.
  var isPassive = false
  /// 2 MSL.
  let timeWait: Interval
  /// How long an acknowledgment waits for company.
  let acknowledgmentDelay: Interval
  /// Segments that will be acknowledged at once.
  var quickAcknowledgments: Int
  /// So many of them, where there is a reason.
  static var quickSegments: Int { 16 }
  /// Noted by the table as being in TIME-WAIT.
  var isTimeWaitNoted = false
  /// The patience of FIN-WAIT-2 without a user.
  let orphanTimeout: Interval
  /// What its SYN offers.
  let offersTimestamps: Bool
  let offersSack: Bool
  let asksForNotification: Bool
  /// An idle time takes the congestion window back (RFC 5681 §4.1).
  let restartsAfterIdle: Bool
  /// Segments in a packet that the link cuts, at least, where the windows allow so many.
  let leastOffload: Int
  /// Octets that may wait to be sent for the first time, unless the options say otherwise.
  let leastNotSent: Int
  /// The listener that this connection has not been accepted from yet.
  var listener: UInt32?
  /// The user has let go; the slot is freed when the connection ends.
  var isOrphan = false
  /// What ended the connection, for the user to be told.
  var failure: StackError?
  /// A reason reported by the network that becomes the failure if the connection times out.
  var softError: StackError?

  var events = PendingEvents()
  var wantsOutput = false
  /// In the queue of connections with something to send.
  var isQueued = false
  /// In the queue of sockets with events to tell.
  var isTelling = false
  /// In its listener's queue.
  var isReady = false
  /// Counted by its listener as not yet established.
  var countsAsHalfOpen = false
  /// Its listener waits for data before it gives it out.
  var isDeferred = false
  /// Found by its flow.
  var isInTable = false
  /// The deadline that the table's heap holds for this connection.
  var scheduled = Instant.distantFuture
  /// The last time anything arrived from the peer.
  var lastArrival: Instant
  /// The last time that the peer acknowledged anything new, or sent what comes next.
  var lastProgress = Instant(nanoseconds: .min)
  var keepAliveProbesSent = 0
  var challenges = ChallengeBudget()
  var statistics = ConnectionStatistics()

  init(
    flow: Flow, hash: UInt64, route: Route, options: TCPSocketOptions,
    initialSequenceNumber: SequenceNumber, timestampOffset: UInt32,
    configuration: TCPConfiguration, at now: Instant
  ) {
    self.flow = flow
    self.hash = hash
    self.route = route
    self.options = options
    let headers = flow.isIPv4 ? 40 : 60
    let path = max(route.maximumTransmissionUnit &- headers, 64)
    let segment = min(path, max(options.maximumSegmentSize ?? path, 64))
    send = SendSpace(
      initial: initialSequenceNumber, segment: segment,
      limit: options.sendBufferLimit ?? configuration.initialSendBuffer)
    receive = ReceiveSpace(
      limit: options.receiveBufferLimit ?? configuration.initialReceiveBuffer,
      maximum: options.receiveBufferLimit ?? configuration.maximumReceiveBuffer,
      announcedSegment: segment)
    congestion = CongestionControl(
      options.congestionControl ?? configuration.congestionControl, segment: segment)
    timestamps.offset = timestampOffset
    timeWait = configuration.maximumSegmentLifetime * 2
    orphanTimeout = configuration.orphanTimeout
    offersTimestamps = configuration.usesTimestamps
    offersSack = configuration.usesSelectiveAcknowledgments
    asksForNotification = configuration.explicitCongestionNotification == .always
    restartsAfterIdle = configuration.restartsAfterIdle
    leastOffload = configuration.minimumOffloadSegments
    leastNotSent = configuration.notSentLowWater
    acknowledgmentDelay = configuration.acknowledgmentDelay
    quickAcknowledgments = configuration.quickAcknowledgments
    lastArrival = now
  }

  /// What a connection wants of the table after it was touched.
  struct Wishes {
    var isUnaccepted = false
    var isClosed = false
    /// The number of the link in whose queue it wants a place, which it counts as given.
    var interface: Int?
    var wantsTelling = false
    var isTimeWait = false
    /// A deadline earlier than the one the table knows.
    var deadline: Instant?
  }

  /// Collects all of it at once: on the path of every segment.
  mutating func takeWishes() -> Wishes {
    var wishes = Wishes()
    wishes.isUnaccepted =
      countsAsHalfOpen && state != .synReceived && listener != nil && !isHeldBack
    wishes.isClosed = state == .closed
    guard !wishes.isUnaccepted, !wishes.isClosed else { return wishes }
    if wantsOutput, !isQueued {
      isQueued = true
      wishes.interface = Int(route.interface.rawValue)
    }
    wishes.wantsTelling = wantsTelling
    wishes.isTimeWait = state == .timeWait
    wishes.deadline = takeEarlierDeadline()
    return wishes
  }

  /// Whether it waits for data before it is given out. A FIN is an end of waiting, too.
  private var isHeldBack: Bool { isDeferred && state == .established && receive.buffered == 0 }

  /// Whether there is news for a user who would hear it, and who was not called yet.
  var wantsTelling: Bool { !events.isEmpty && !isTelling && listener == nil && !isOrphan }

  /// A connection of nobody to nowhere, closed.
  static func standIn(_ configuration: TCPConfiguration) -> Connection {
    let nowhere = InterfaceIndex(rawValue: 0)
    return Connection(
      flow: Flow(
        local: .v6(.any), localPort: .any, remote: .v6(.any), remotePort: .any,
        interface: nowhere),
      hash: 0,
      route: Route(
        interface: nowhere, source: .v6(.any), nextHop: .v6(.any), maximumTransmissionUnit: 1_280),
      options: TCPSocketOptions(), initialSequenceNumber: SequenceNumber(rawValue: 0),
      timestampOffset: 0, configuration: configuration, at: .zero)
  }

  /// The one place where the state changes.
  ///
  /// - Returns: false where the diagram has no such edge: a mistake of ours, for which the
  ///   connection pays, not the process.
  @discardableResult
  mutating func enter(_ next: ConnectionState) -> Bool {
    guard state.allows(next) else {
      statistics.brokenInvariants &+= 1
      failure = failure ?? .connectionAborted
      state = .closed
      return false
    }
    state = next
    return true
  }

  /// Ends the connection at once, with a reason for the user unless it ended well.
  mutating func end(_ reason: StackError?) {
    if let reason, failure == nil {
      failure = reason
      events.insert(.failed)
    }
    timers.stopAll()
    wantsOutput = false
    enter(.closed)
  }
}

/// The SND variables (RFC 9293 §3.3.1) and what is to be sent.
struct SendSpace: ~Copyable {
  /// ISS.
  let initial: SequenceNumber
  /// SND.UNA: the oldest octet not acknowledged; position zero of ``buffer`` once the SYN is.
  var unacknowledged: SequenceNumber
  /// Octets acknowledged since the handshake: how far below SND.UNA there was anything to
  /// acknowledge. ISS says so only for the first two gigabytes.
  var acknowledged = 0
  /// SND.NXT. It never goes back: retransmission has a mark of its own (``Recovery``).
  var next: SequenceNumber
  /// SND.WND, in bytes, unscaled.
  var window = 0
  /// The largest window the peer ever offered.
  var maximumWindow = 0
  /// SND.WL1 and SND.WL2.
  var windowSequence = SequenceNumber(rawValue: 0)
  var windowAcknowledgment = SequenceNumber(rawValue: 0)
  /// Snd.Wind.Shift (RFC 7323 §2.2).
  var windowShift: UInt8 = 0
  /// The largest segment's payload, options not yet taken off (RFC 9293 §3.7.1).
  var segment: Int
  /// Bytes queued and not acknowledged, from SND.UNA on.
  var buffer = ByteChain()
  var buffered = 0
  /// The most ``buffered`` may be.
  var limit: Int
  /// The user has closed this direction; a FIN follows the last byte.
  var finQueued = false
  /// The FIN is below SND.NXT.
  var finSent = false
  /// A SYN or SYN-ACK is to be sent (again).
  var synDue = false
  /// One byte may go beyond the window, to probe it.
  var probeDue = false
  /// A keep-alive probe is due.
  var keepAliveDue = false
  /// The user has said that more follows at once (`MSG_MORE`).
  var expectsMore = false
  /// The user found the buffer full and waits.
  var isUserWaiting = false
  /// What is between SND.UNA and SND.NXT, and what became of it.
  var transmissions = Transmissions()
  /// Ends of what the user wants in packets of its own (`MSG_EOR`).
  var records = RecordEnds()
  /// What lies before this, the user has said, is to be handed on at once.
  var pushEnd: SequenceNumber
  /// What is queued leaves, whatever Nagle's rule and the user have said before.
  var isFlushing = false
  /// When new data was sent last.
  var lastData = Instant(nanoseconds: .min)

  init(initial: SequenceNumber, segment: Int, limit: Int) {
    self.initial = initial
    self.segment = segment
    self.limit = max(limit, 4096)
    unacknowledged = initial
    next = initial
    pushEnd = initial
  }

  /// Octets on their way or lost: between SND.UNA and SND.NXT.
  @inline(__always)
  var flight: Int { unacknowledged.distance(to: next) }

  /// Of ``acknowledged``, payload.
  var acknowledgedPayload: UInt64 {
    UInt64(clamping: finSent && flight == 0 ? acknowledged &- 1 : acknowledged)
  }

  /// Bytes of ``buffered`` that have never been sent.
  @inline(__always)
  var unsent: Int {
    // An acknowledged FIN is no longer part of the flight; nothing is left to send behind it.
    guard !finSent else { return 0 }
    return buffered &- flight
  }
}

/// The RCV variables (RFC 9293 §3.3.1) and what has arrived.
struct ReceiveSpace: ~Copyable {
  /// IRS.
  var initial = SequenceNumber(rawValue: 0)
  /// RCV.NXT.
  var next = SequenceNumber(rawValue: 0)
  /// The right edge that was announced last; it never moves to the left (RFC 9293 SHLD-14).
  var edge = SequenceNumber(rawValue: 0)
  /// Rcv.Wind.Shift.
  var windowShift: UInt8 = 0
  /// Bytes below RCV.NXT that the user has not read; position zero of ``buffer`` is the first.
  var buffered = 0
  var buffer = ByteChain()
  /// What came out of order, beyond RCV.NXT.
  var ranges = SequenceRanges(limit: 128)
  /// Where the latest out-of-order arrivals began, the latest first: their blocks are reported.
  var recent: InlineArray<4, SequenceNumber> = .init(repeating: SequenceNumber(rawValue: 0))
  var recentCount = 0
  /// A run that arrived twice, to be reported once (RFC 2883).
  var duplicate: SequenceRange?
  /// The sequence number of the peer's FIN, once it is known.
  var finSequence: SequenceNumber?
  /// The FIN was taken: nothing more comes.
  var isFinished = false
  /// The most ``buffered`` and what is out of order may be together, and how far it may grow.
  var limit: Int
  var maximum: Int
  /// The MSS we announce.
  let announcedSegment: Int
  /// Last.ACK.sent (RFC 7323 §4.3).
  var lastAcknowledged = SequenceNumber(rawValue: 0)
  /// Full-sized segments taken since the last acknowledgment went out.
  var unacknowledgedBytes = 0
  var acknowledgeNow = false
  /// Bytes the user read since `measureStart`, to tune ``limit``.
  var consumed = 0
  var measureStart = Instant.zero
  /// The user has closed: what arrives is not kept.
  var isDiscarding = false

  init(limit: Int, maximum: Int, announcedSegment: Int) {
    self.limit = max(limit, 2048)
    self.maximum = max(maximum, self.limit)
    self.announcedSegment = announcedSegment
  }
}

/// The Timestamps option's state (RFC 7323 §3 to §5).
struct TimestampState {
  /// Snd.TS.OK.
  var isEnabled = false
  /// What our clock is shifted by, secret and different for each flow (§5.4).
  var offset: UInt32 = 0
  /// TS.Recent and when it was taken.
  var recent: UInt32 = 0
  var recentAt = Instant.zero

  /// TSval at an instant: milliseconds.
  @inline(__always)
  func value(at now: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000) &+ offset
  }
}

/// Kinds of events that wait to be told.
struct PendingEvents: OptionSet {
  var rawValue: UInt8
  static var connected: Self { Self(rawValue: 1) }
  static var readable: Self { Self(rawValue: 2) }
  static var writable: Self { Self(rawValue: 4) }
  static var failed: Self { Self(rawValue: 8) }
  static var closed: Self { Self(rawValue: 16) }
}

/// How many answers a connection may give to segments that prove nothing (RFC 5961 §7): a budget
/// of its own, so that no other connection can see it used (TCP-36).
struct ChallengeBudget {
  private var windowStart = Instant.zero
  private var used = 0

  /// Whether one more may go out: ten in a second.
  mutating func take(at now: Instant) -> Bool {
    if used == 0 || now.since(windowStart) >= .seconds(1) {
      windowStart = now
      used = 0
    }
    guard used < 10 else { return false }
    used &+= 1
    return true
  }
}
