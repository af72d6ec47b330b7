/// What can be chosen about a TCP connection, with the POSIX or Linux names.
public struct TCPOptions: Hashable, Sendable {
  /// Probing a peer that has been silent for long (`SO_KEEPALIVE`).
  public struct KeepAlive: Hashable, Sendable {
    /// Silence before the first probe (`TCP_KEEPIDLE`).
    public var idle: Duration
    /// Between probes (`TCP_KEEPINTVL`).
    public var interval: Duration
    /// Unanswered probes after which the connection is given up (`TCP_KEEPCNT`).
    public var probes: Int

    public init(idle: Duration, interval: Duration = .seconds(75), probes: Int = 9) {
      self.idle = idle
      self.interval = interval
      self.probes = probes
    }
  }

  /// How the sending rate finds its limit (`TCP_CONGESTION`).
  public enum CongestionControl: Hashable, Sendable, CaseIterable {
    /// RFC 5681 with RFC 6582.
    case newReno
    /// RFC 9438.
    case cubic
  }

  /// Send small segments at once (`TCP_NODELAY`); otherwise one waits for company while another is
  /// unacknowledged (RFC 9293 §3.7.4).
  public var noDelay: Bool
  /// nil: silence ends no connection.
  public var keepAlive: KeepAlive?
  /// Give up when data stays unacknowledged this long (`TCP_USER_TIMEOUT`, RFC 5482); nil: after
  /// the node's own number of retransmissions.
  public var userTimeout: Duration?
  /// Bytes to hold that were written and not yet acknowledged (`SO_SNDBUF`); nil: tuned.
  public var sendBufferLimit: Int?
  /// Bytes to hold that have arrived and were not yet read (`SO_RCVBUF`); nil: tuned.
  public var receiveBufferLimit: Int?
  /// The largest segment to send and to ask for (`TCP_MAXSEG`); nil: what the path allows.
  public var maximumSegmentSize: Int?
  /// nil: the node's.
  public var congestionControl: CongestionControl?
  /// Of a listener: shares its address and port with listeners that say so, too
  /// (`SO_REUSEPORT`); each gets a part of the connections.
  public var reusesPort: Bool
  /// The name of the interface that packets go by and come by; nil: any (`SO_BINDTODEVICE`).
  public var device: String?

  public init(
    noDelay: Bool = false, keepAlive: KeepAlive? = nil, userTimeout: Duration? = nil,
    sendBufferLimit: Int? = nil, receiveBufferLimit: Int? = nil, maximumSegmentSize: Int? = nil,
    congestionControl: CongestionControl? = nil, reusesPort: Bool = false,
    device: String? = nil
  ) {
    self.noDelay = noDelay
    self.keepAlive = keepAlive
    self.userTimeout = userTimeout
    self.sendBufferLimit = sendBufferLimit
    self.receiveBufferLimit = receiveBufferLimit
    self.maximumSegmentSize = maximumSegmentSize
    self.congestionControl = congestionControl
    self.reusesPort = reusesPort
    self.device = device
  }
}
