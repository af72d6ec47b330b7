public import Packets

/// What holds for all connections of a stack: limits, budgets and the protocol's constants.
public struct TCPConfiguration: Sendable {
  /// Connections in any state, TIME-WAIT included. At the limit new ones are refused; before that,
  /// the oldest TIME-WAIT connection makes room.
  public var connectionLimit = 262_144
  public var listenerLimit = 4_096
  /// Bytes for all send and receive buffers together. When they are spent, writes take nothing and
  /// arriving data is dropped and counted.
  public var bufferMemory = 512 << 20
  /// The receive buffer a connection begins with, in bytes; it doubles while the reader keeps up.
  public var initialReceiveBuffer = 256 << 10
  public var maximumReceiveBuffer = 6 << 20
  /// The send buffer a connection begins with, in bytes; it grows with the congestion window.
  public var initialSendBuffer = 256 << 10
  public var maximumSendBuffer = 4 << 20
  /// Half of the time a closed connection is remembered (RFC 9293 §3.4.2 says two minutes; thirty
  /// seconds is what hosts use).
  public var maximumSegmentLifetime = Interval.seconds(30)
  /// The floor of the retransmission timeout. RFC 6298 §2.4 asks for a second; see DEVIATIONS.md.
  public var minimumRetransmissionTimeout = Interval.milliseconds(200)
  /// The ceiling of the retransmission timeout (RFC 6298 §2.5).
  public var maximumRetransmissionTimeout = Interval.seconds(120)
  /// How long an acknowledgment may wait for company (RFC 9293 §3.8.6.3: below half a second).
  public var acknowledgmentDelay = Interval.milliseconds(40)
  /// So many segments at a connection's beginning are acknowledged at once, while the other side
  /// knows little of the path; none of them once this side sends data of its own.
  public var quickAcknowledgments = 0
  /// Transmissions of a SYN or SYN-ACK after the first (RFC 9293 MUST-23: three minutes at least).
  public var synRetries = 6
  /// Retransmissions of data without an answer before the connection is given up.
  public var dataRetries = 15
  /// How long an abandoned connection waits for the peer's FIN.
  public var orphanTimeout = Interval.seconds(60)
  /// SYNs beyond a listener's backlog are answered with cookies (RFC 4987 §3.6) rather than
  /// dropped.
  public var usesSynCookies = true
  /// Retransmissions without an answer before a connection that no user holds is given up.
  public var orphanRetries = 8
  public var congestionControl = CongestionAlgorithm.cubic
  /// Marks of routers instead of losses (RFC 3168).
  public var explicitCongestionNotification = NotificationPolicy.whenAsked
  /// Offer and accept timestamps (RFC 7323 §3), selective acknowledgments (RFC 2018).
  public var usesTimestamps = true
  public var usesSelectiveAcknowledgments = true
  /// After an idle time of a retransmission timeout the congestion window is no larger than at the
  /// beginning (RFC 5681 §4.1).
  public var restartsAfterIdle = true
  /// A packet that the link cuts lasts a millisecond at most, but has so many segments at least.
  public var minimumOffloadSegments = 2
  /// The most bytes a connection may hold that were never sent, where its own options do not say
  /// (`TCP_NOTSENT_LOWAT`).
  public var notSentLowWater = Int.max
  /// In place of a secret one, for tests of the wrap-around. Never set it on a real network.
  public var fixedInitialSequenceNumber: UInt32?

  public init() {}
}

/// Who brings explicit congestion notification up (RFC 3168 §6.1.1).
public enum NotificationPolicy: UInt8, Sendable, CaseIterable {
  case never
  /// The peer may; our own SYNs do not ask for it.
  case whenAsked
  case always
}

/// Which congestion control a connection uses.
public enum CongestionAlgorithm: UInt8, Sendable, CaseIterable {
  /// RFC 5681 with RFC 6582.
  case newReno
  /// RFC 9438.
  case cubic
}

/// A connection's options, with their POSIX or Linux names.
public struct TCPSocketOptions: Sendable, Equatable {
  /// Send small segments at once (`TCP_NODELAY`); otherwise Nagle's rule holds (RFC 9293 §3.7.4).
  public var noDelay = false
  /// Send whole segments only, until this is taken back or a retransmission timeout has passed
  /// (`TCP_CORK`).
  public var isCorked = false
  /// Probe an idle connection after this time (`SO_KEEPALIVE`, `TCP_KEEPIDLE`), at least a
  /// millisecond; nil: never.
  public var keepAliveIdle: Interval?
  /// Between keep-alive probes (`TCP_KEEPINTVL`), at least a millisecond.
  public var keepAliveInterval = Interval.seconds(75)
  /// Unanswered probes before the connection is given up (`TCP_KEEPCNT`).
  public var keepAliveProbes = 9
  /// Give up when data stays unacknowledged this long (`TCP_USER_TIMEOUT`, RFC 5482); nil: after
  /// the configured number of retransmissions.
  public var userTimeout: Interval?
  /// The send buffer's limit in bytes (`SO_SNDBUF`); nil: tuned.
  public var sendBufferLimit: Int?
  /// The receive buffer's limit in bytes (`SO_RCVBUF`); nil: tuned.
  public var receiveBufferLimit: Int?
  /// The most bytes that may wait to be sent for the first time: so much of a write is taken that
  /// the packet is full in which this lies, and the socket is writable again at half of it
  /// (`TCP_NOTSENT_LOWAT`); nil: the stack's.
  public var notSentLowWater: Int?
  /// The differentiated services of its packets, in the upper six bits (RFC 2474; `IP_TOS`,
  /// `IPV6_TCLASS`). The lower two are TCP's own (RFC 3168), and are kept without effect.
  public var trafficClass: UInt8 = 0
  /// The hop limit of its packets (`IP_TTL`, `IPV6_UNICAST_HOPS`); nil, or zero: the interface's.
  public var hopLimit: UInt8?
  /// Of a listener: a connection is given out when data has come, or the peer's FIN, and without
  /// any after this time (`TCP_DEFER_ACCEPT`); nil: at once, as is one that came by a cookie.
  public var deferAccept: Interval?
  /// The largest segment to send and to announce (`TCP_MAXSEG`); nil: what the path allows.
  public var maximumSegmentSize: Int?
  /// nil: the stack's.
  public var congestionControl: CongestionAlgorithm?
  /// The interface its packets go by and come by; nil: any (`SO_BINDTODEVICE`).
  public var device: InterfaceIndex?
  /// Kept and told, and without effect: no queue and no filter below looks at them (`SO_PRIORITY`,
  /// `SO_MARK`). Of a listener the mark is that of its connections, too.
  public var priority: UInt32 = 0
  public var mark: UInt32 = 0

  public init() {}
}
