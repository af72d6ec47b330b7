import Packets

/// Where loss recovery stands (RFC 6675, RFC 6582, RFC 6298).
///
/// The sequence space from SND.UNA to SND.NXT is cut by two marks: below ``lostEdge`` everything
/// that was not selectively acknowledged counts as lost; below ``highRetransmitted`` what is lost
/// has been sent again.
///
/// ```
///   SND.UNA      highRetransmitted       lostEdge              SND.NXT
///     | lost, sent again | lost, to be sent | on its way           |
/// ```
struct Recovery {
  enum Phase: UInt8 {
    /// Nothing is missing.
    case open
    /// Duplicate acknowledgments told of a loss (fast recovery).
    case fast
    /// The retransmission timer told (RFC 5681 §3.1).
    case timeout
  }

  var phase = Phase.open
  /// RecoveryPoint: SND.NXT when recovery began; it ends when this is acknowledged.
  var point = SequenceNumber(rawValue: 0)
  var lostEdge = SequenceNumber(rawValue: 0)
  var highRetransmitted = SequenceNumber(rawValue: 0)
  var duplicateAcknowledgments = 0
  /// Time-outs in a row without an answer.
  var consecutiveTimeouts = 0
  /// When the oldest data in flight was first sent without an answer since.
  var stalledSince: Instant?
  /// One round-trip sample per window: the sequence number that ends it and when it was sent. Used
  /// without timestamps, and never over a retransmission (Karn).
  var timedSequence: SequenceNumber?
  var timedAt = Instant.zero
}
