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
    /// Bytes that may be on their way, by this side's judgement.
    public let congestionWindow: Int
    /// Stream bytes sent, retransmitted ones again.
    public let bytesSent: UInt64
    /// Stream bytes received in order.
    public let bytesReceived: UInt64
    /// Segments sent again.
    public let retransmittedSegments: UInt64

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
