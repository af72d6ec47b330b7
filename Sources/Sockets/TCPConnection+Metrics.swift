public import Addresses
import Packets

extension TCPConnection {
  /// What a connection has carried so far and how it came to be: the figures to add up and to draw
  /// when it ends. How it stands at the moment is ``Info``.
  public struct Metrics: Hashable, Sendable {
    /// How it was connected; nil where it was accepted.
    public let establishment: Establishment?
    /// Since it was established.
    public let age: Duration
    /// From the establishment to the first read that came to something; nil before it.
    public let timeToFirstByte: Duration?

    /// Stream bytes sent, retransmitted ones again.
    public let bytesSent: UInt64
    /// Of these, those that were sent before.
    public let bytesRetransmitted: UInt64
    /// Stream bytes received in order; on a ``HostNode`` the peer's end counts as one.
    public let bytesReceived: UInt64
    public let segmentsSent: UInt64
    public let segmentsReceived: UInt64
    /// Of the segments, those that carry bytes of the stream.
    public let dataSegmentsSent: UInt64
    public let dataSegmentsReceived: UInt64
    /// Segments sent again.
    public let retransmittedSegments: UInt64

    /// Since bytes of the stream were sent; nil: none were. In milliseconds on the kernel.
    public let timeSinceSent: Duration?
    /// Since bytes of the stream arrived; nil: none did. In milliseconds on the kernel.
    public let timeSinceReceived: Duration?
    /// How long something was queued or on its way.
    public let busyTime: Duration
    /// Of this, how long the peer's window held it back: the peer's program does not read.
    public let windowLimitedTime: Duration
    /// The smoothed round-trip time; nil before the first measurement.
    public let roundTripTime: Duration?
    /// The least round-trip time of late; nil before the first measurement.
    public let minimumRoundTripTime: Duration?

    /// Since bytes of the stream passed in either direction; the age where none have.
    public var idleTime: Duration {
      [timeSinceSent, timeSinceReceived].compactMap(\.self).min() ?? age
    }
  }

  /// How a connection was connected (RFC 8305 where by name).
  public struct Establishment: Hashable, Sendable {
    /// From the call of `connect` until the connection stood: the name's resolution, the attempts
    /// before, the handshake.
    public let duration: Duration
    /// Of this, what it took to learn the addresses of the name; nil where no name was given.
    public let resolution: Duration?
    /// The attempts in the order they began; one of them is ``Outcome/connected``.
    public let attempts: [Attempt]

    /// How long the handshake took that led to the connection.
    public var handshake: Duration {
      attempts.first { $0.outcome == .connected }?.duration ?? duration
    }

    /// One address that was tried.
    public struct Attempt: Hashable, Sendable {
      public let remote: Endpoint
      /// When it began, counted from the call.
      public let start: Duration
      /// How long it went on.
      public let duration: Duration
      public let outcome: Outcome
    }

    /// What became of an attempt.
    public enum Outcome: Hashable, Sendable {
      case connected
      case failed(SocketError.Reason)
      /// Another one was faster.
      case abandoned
    }
  }

  /// What the connection has carried and how it came to be, also when it is over. Nothing is
  /// counted for it on the way: the figures are the protocol's own. Constant time; waits for
  /// nothing but the node's thread.
  ///
  /// - Throws: ``SocketError/Reason/closed``: take them before ``close()``.
  public func metrics() async throws(SocketError) -> Metrics {
    let info = try await info()
    return Metrics(
      establishment: history.establishment(of: remote), age: history.age(at: clock.moment),
      timeToFirstByte: history.timeToFirstByte, bytesSent: info.bytesSent,
      bytesRetransmitted: info.bytesRetransmitted, bytesReceived: info.bytesReceived,
      segmentsSent: info.segmentsSent, segmentsReceived: info.segmentsReceived,
      dataSegmentsSent: info.dataSegmentsSent, dataSegmentsReceived: info.dataSegmentsReceived,
      retransmittedSegments: info.retransmittedSegments, timeSinceSent: info.timeSinceSent,
      timeSinceReceived: info.timeSinceReceived, busyTime: info.busyTime,
      windowLimitedTime: info.windowLimitedTime, roundTripTime: info.roundTripTime,
      minimumRoundTripTime: info.minimumRoundTripTime)
  }
}
