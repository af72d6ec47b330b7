import Packets

/// Where loss recovery stands (RFC 8985, RFC 6675, RFC 6582, RFC 6298). What is lost and what is
/// on its way stands in ``Transmissions``.
struct Recovery {
  enum Phase: UInt8 {
    /// Nothing is missing, as far as is proved.
    case open
    /// Acknowledgments told of a loss (fast recovery).
    case fast
    /// The retransmission timer told (RFC 5681 §3.1).
    case timeout
  }

  /// What the retransmission timer runs for: one purpose at a time (RFC 8985 §7.2, §6.2 step 5).
  enum TimerPurpose: UInt8 {
    case timeout
    /// To see whether the tail arrived (RFC 8985 §7).
    case probe
    /// To see whether what is late was lost (RFC 8985 §6.2).
    case reordering
  }

  var phase = Phase.open
  var timerPurpose = TimerPurpose.timeout
  /// RecoveryPoint: SND.NXT when recovery began; it ends when this is acknowledged.
  var point = SequenceNumber(rawValue: 0)
  /// Without SACK: since SND.UNA last moved.
  var duplicateAcknowledgments = 0
  /// Time-outs in a row without an answer.
  var consecutiveTimeouts = 0
  /// When the oldest data in flight was first sent without an answer since.
  var stalledSince: Instant?
  /// One round-trip sample per window: the sequence number that ends it and when it was sent. Used
  /// without timestamps, and never over a retransmission (Karn).
  var timedSequence: SequenceNumber?
  var timedAt = Instant.zero
  var reduction = ProportionalRateReduction()
  var recent = RecentAcknowledgment()
  var tail = TailLossProbe()
  var needless = NeedlessRepetition()
}

/// The state of a tail loss probe (RFC 8985 §7.3).
struct TailLossProbe {
  /// One is to be sent.
  var isDue = false
  /// TLP.end_seq: SND.NXT behind the probe that was sent and not answered yet.
  var end: SequenceNumber?
  /// TLP.is_retrans: the probe was nothing new.
  var wasRepetition = false
}

/// How much may be sent for what arrives while the window falls (RFC 9937 §5), so that it falls
/// evenly over one round trip and the acknowledgments' clock goes on.
struct ProportionalRateReduction {
  /// RecoverFS: octets on their way when the loss was noticed.
  private var flight = 0
  /// prr_delivered and prr_out, in octets.
  private var delivered = 0
  private(set) var sent = 0

  /// - Parameter flight: SND.NXT - SND.UNA without what had arrived before this acknowledgment.
  mutating func begin(flight: Int) {
    self.flight = max(flight, 1)
    delivered = 0
    sent = 0
  }

  mutating func sends(_ octets: Int) { sent &+= octets }

  /// - Parameters:
  ///   - arrived: octets that the peer has by this acknowledgment (DeliveredData).
  ///   - isSafe: SND.UNA moved, and nothing more was found lost (SafeACK).
  /// - Returns: the congestion window; nil where the acknowledgment told of no delivery.
  mutating func window(
    arrived: Int, isSafe: Bool, inFlight: Int, threshold: Int, segment: Int
  ) -> Int? {
    guard arrived > 0 else { return nil }
    delivered &+= arrived
    var room: Int
    if inFlight > threshold {
      let (product, overflow) = delivered.multipliedReportingOverflow(by: threshold)
      // Divided without signs, which cannot trap.
      let whole = UInt(bitPattern: product &+ flight &- 1) / max(UInt(bitPattern: flight), 1)
      room = (overflow ? threshold : Int(bitPattern: whole)) &- sent
    } else {
      // PRR-SSRB where all goes well, else PRR-CRB: not more than has arrived.
      room = max(delivered &- sent, arrived)
      if isSafe { room &+= segment }
      room = min(room, threshold &- inFlight)
    }
    // RFC 9937 §5: the first retransmission goes at once.
    if sent == 0 { room = max(room, segment) }
    return inFlight &+ max(room, 0)
  }
}
