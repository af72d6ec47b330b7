extension TCPConnection {
  /// The states of RFC 9293 §3.3.2.
  public enum State: String, Hashable, Sendable, CaseIterable {
    case closed = "CLOSED"
    case synSent = "SYN-SENT"
    case synReceived = "SYN-RECEIVED"
    case established = "ESTABLISHED"
    case finWait1 = "FIN-WAIT-1"
    case finWait2 = "FIN-WAIT-2"
    case closeWait = "CLOSE-WAIT"
    case closing = "CLOSING"
    case lastAck = "LAST-ACK"
    case timeWait = "TIME-WAIT"
  }

  /// How a connection stands (`TCP_INFO`).
  public struct Info: Hashable, Sendable {
    /// On a ``HostNode`` closed where RFC 9293 says TIME-WAIT.
    public let state: State
    /// The smoothed round-trip time; nil before the first measurement.
    public let roundTripTime: Duration?
    /// How much it varies (RFC 6298); nil before the first measurement.
    public package(set) var roundTripVariation: Duration?
    /// The least of late; nil before the first measurement.
    public package(set) var minimumRoundTripTime: Duration?
    public package(set) var retransmissionTimeout: Duration?
    /// Bytes that may be on their way, by this side's judgement.
    public let congestionWindow: Int
    /// Bytes of congestion window up to which it grows fast; nil before the first loss.
    public package(set) var slowStartThreshold: Int?
    /// Stream bytes of the largest segment sent.
    public package(set) var maximumSegmentSize = 0
    /// Stream bytes that are written and were not sent yet.
    public package(set) var bytesNotSent = 0
    /// Segments sent and not acknowledged yet; where the node counts bytes, as many full segments.
    public package(set) var segmentsInFlight = 0
    /// Stream bytes sent, retransmitted ones again.
    public let bytesSent: UInt64
    /// Stream bytes received in order; on a ``HostNode`` the peer's end counts as one.
    public let bytesReceived: UInt64
    /// Stream bytes that the peer has acknowledged; nil where the node does not count them.
    public package(set) var bytesAcknowledged: UInt64?
    public package(set) var segmentsSent: UInt64 = 0
    public package(set) var segmentsReceived: UInt64 = 0
    /// Segments sent again.
    public let retransmittedSegments: UInt64
    /// Segments that are lost and not acknowledged since, by this side's judgement; where the node
    /// counts bytes, as many full segments; nil where it counts neither.
    public package(set) var lostSegments: Int?
    /// How many segments apart the network changes their order at most, 3 at least; nil where the
    /// node does not look.
    public package(set) var reordering: Int?
    /// Bytes a second that arrive at the peer; nil where that was not measured.
    public package(set) var deliveryRate: UInt64?

    // What `Metrics` tells.

    package var bytesRetransmitted: UInt64 = 0
    package var dataSegmentsSent: UInt64 = 0
    package var dataSegmentsReceived: UInt64 = 0
    package var timeSinceSent: Duration?
    package var timeSinceReceived: Duration?
    package var busyTime = Duration.zero
    package var windowLimitedTime = Duration.zero

    package init(
      state: State, roundTripTime: Duration?, congestionWindow: Int, bytesSent: UInt64,
      bytesReceived: UInt64, retransmittedSegments: UInt64
    ) {
      self.state = state
      self.roundTripTime = roundTripTime
      self.congestionWindow = congestionWindow
      self.bytesSent = bytesSent
      self.bytesReceived = bytesReceived
      self.retransmittedSegments = retransmittedSegments
    }
  }
}
