/// What TCP has done and why it dropped what it dropped. Counters wrap, and never trap.
public struct TCPCounters: Sendable, Equatable {
  public var segmentsReceived: UInt64 = 0
  public var segmentsSent: UInt64 = 0
  public var retransmissions: UInt64 = 0
  public var connectionsOpened: UInt64 = 0
  public var connectionsAccepted: UInt64 = 0
  public var resetsSent: UInt64 = 0
  public var resetsReceived: UInt64 = 0
  /// Resets with a sequence number that proves nothing (RFC 5961 §3).
  public var resetsIgnored: UInt64 = 0
  /// Headers that make no sense.
  public var malformed: UInt64 = 0
  public var badChecksum: UInt64 = 0
  /// Valid, but without a meaning in the connection's state.
  public var segmentsDropped: UInt64 = 0
  /// Outside of the receive window.
  public var outOfWindow: UInt64 = 0
  /// Older by their timestamp (RFC 7323 §5).
  public var oldDuplicates: UInt64 = 0
  /// Acknowledgments of what was never sent, or of long ago (RFC 5961 §5).
  public var acknowledgmentsRefused: UInt64 = 0
  /// SYNs and resets that were challenged (RFC 5961).
  public var challenges: UInt64 = 0
  /// Segments that came out of order and were kept.
  public var outOfOrder: UInt64 = 0
  /// Segments not kept because there would be too many holes.
  public var reassemblyLimit: UInt64 = 0
  /// Payload dropped because the memory budget was spent.
  public var bufferExhausted: UInt64 = 0
  /// Data for a user who had closed.
  public var dataAfterClose: UInt64 = 0
  /// SYNs refused because a table was full.
  public var connectionLimit: UInt64 = 0
  /// SYNs beyond a backlog: answered with a cookie, or dropped.
  public var cookiesSent: UInt64 = 0
  public var cookiesAccepted: UInt64 = 0
  public var cookiesRefused: UInt64 = 0
  public var backlogOverflow: UInt64 = 0
  /// Connections in TIME-WAIT that made room for a new one.
  public var timeWaitRecycled: UInt64 = 0
  /// Replies not sent because too many were waiting already.
  public var repliesDropped: UInt64 = 0
  /// ICMP errors about connections: believed, and not.
  public var pathErrors: UInt64 = 0
  public var pathErrorsIgnored: UInt64 = 0
  /// A broken invariant of ours cost a connection. Anything but zero is a bug.
  public var brokenInvariants: UInt64 = 0

  public init() {}
}
