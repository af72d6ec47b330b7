/// An option of a socket that is alive, by its POSIX or Linux name, with the type of its value.
///
/// ```
/// try await connection.set(.quickAck, to: true)
/// let size = try await connection.value(of: .receiveBuffer)
/// ```
///
/// What a node, or a kind of socket, does not have throws ``SocketError/Reason/unsupported``; the
/// article <doc:Options> lists which and why. Buffers are in bytes as Linux counts them, with its
/// overhead, on the kernel's sockets.
public struct SocketOption<Value: Sendable>: Sendable {
  package let name: SocketOptionName
  let read: @Sendable (OptionValue) -> Value?
  let write: @Sendable (Value) -> OptionValue
}

/// The names, without their types.
package enum SocketOptionName: Sendable, CaseIterable {
  case receiveBuffer, sendBuffer, reuseAddress, reusePort, broadcast, linger
  case keepAlive, keepIdle, keepInterval, keepCount, userTimeout
  case noDelay, cork, quickAck, notSentLowWater, maximumSegment, congestionControl
  case deferAccept, fastOpen
  case hopLimit, multicastHopLimit, multicastLoop, trafficClass, ipv6Only
  case mark, priority, device
}

/// A value as worlds hand it on: durations in milliseconds, nil as minus one.
package enum OptionValue: Hashable, Sendable {
  case number(Int)
  case text(String)

  var number: Int? { if case .number(let number) = self { number } else { nil } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
}

extension SocketOption where Value == Bool {
  private init(_ name: SocketOptionName) {
    self.init(name: name, read: { $0.number.map { $0 != 0 } }, write: { .number($0 ? 1 : 0) })
  }

  /// `SO_REUSEADDR`.
  public static var reuseAddress: Self { Self(.reuseAddress) }
  /// `SO_REUSEPORT`.
  public static var reusePort: Self { Self(.reusePort) }
  /// `SO_BROADCAST`.
  public static var broadcast: Self { Self(.broadcast) }
  /// `SO_KEEPALIVE`.
  public static var keepAlive: Self { Self(.keepAlive) }
  /// `TCP_NODELAY`.
  public static var noDelay: Self { Self(.noDelay) }
  /// Send whole segments only, until this is taken back (`TCP_CORK`).
  public static var cork: Self { Self(.cork) }
  /// Acknowledge at once, for now (`TCP_QUICKACK`).
  public static var quickAck: Self { Self(.quickAck) }
  /// `IP_MULTICAST_LOOP`, `IPV6_MULTICAST_LOOP`.
  public static var multicastLoop: Self { Self(.multicastLoop) }
  /// `IPV6_V6ONLY`; can be asked for only.
  public static var ipv6Only: Self { Self(.ipv6Only) }
}

extension SocketOption where Value == Int {
  private init(_ name: SocketOptionName) {
    self.init(name: name, read: { $0.number }, write: { .number($0) })
  }

  /// Bytes that may wait to be read (`SO_RCVBUF`).
  public static var receiveBuffer: Self { Self(.receiveBuffer) }
  /// Bytes that may wait to be sent, or to be acknowledged (`SO_SNDBUF`).
  public static var sendBuffer: Self { Self(.sendBuffer) }
  /// Unanswered probes after which a connection is given up (`TCP_KEEPCNT`).
  public static var keepCount: Self { Self(.keepCount) }
  /// Bytes of unsent data from which on a connection takes no more (`TCP_NOTSENT_LOWAT`).
  public static var notSentLowWater: Self { Self(.notSentLowWater) }
  /// `TCP_MAXSEG`, in bytes.
  public static var maximumSegment: Self { Self(.maximumSegment) }
  /// Connections that may bring data with their first packet before they are accepted
  /// (`TCP_FASTOPEN`), of a listener.
  public static var fastOpen: Self { Self(.fastOpen) }
  /// The hop limit of unicast packets (`IP_TTL`, `IPV6_UNICAST_HOPS`).
  public static var hopLimit: Self { Self(.hopLimit) }
  /// `IP_MULTICAST_TTL`, `IPV6_MULTICAST_HOPS`.
  public static var multicastHopLimit: Self { Self(.multicastHopLimit) }
  /// What the kernel's routing and filters know packets by (`SO_MARK`); needs privileges there. On
  /// a stack of ours a number that is kept and told: nothing looks at it.
  public static var mark: Self { Self(.mark) }
  /// The queueing priority (`SO_PRIORITY`); above 6 it needs privileges on the kernel. Setting
  /// ``trafficClass`` sets it, too. On a stack of ours a number that is kept and told.
  public static var priority: Self { Self(.priority) }
}

extension SocketOption where Value == Duration {
  private init(_ name: SocketOptionName) {
    self.init(
      name: name, read: { $0.number.map { .milliseconds($0) } },
      write: { .number($0.wholeMilliseconds) })
  }

  /// Silence before the first probe (`TCP_KEEPIDLE`).
  public static var keepIdle: Self { Self(.keepIdle) }
  /// Between probes (`TCP_KEEPINTVL`).
  public static var keepInterval: Self { Self(.keepInterval) }
}

extension SocketOption where Value == Duration? {
  private init(_ name: SocketOptionName) {
    self.init(
      name: name,
      read: { $0.number.map { $0 < 0 ? .some(nil) : .some(.milliseconds($0)) } ?? nil },
      write: { .number($0.map { $0 == .zero ? 0 : $0.wholeMilliseconds } ?? -1) })
  }

  /// Give up when data stays unacknowledged this long (`TCP_USER_TIMEOUT`); nil: by the number of
  /// retransmissions.
  public static var userTimeout: Self { Self(.userTimeout) }
  /// What closing does to data that was not sent yet (`SO_LINGER`): nil: it is sent; zero: it is
  /// dropped, and the peer is reset.
  public static var linger: Self { Self(.linger) }
  /// Whether a listener gives out connections only when data has come, and how long it waits for
  /// that (`TCP_DEFER_ACCEPT`); nil: at once.
  public static var deferAccept: Self { Self(.deferAccept) }
}

extension SocketOption where Value == String {
  private init(_ name: SocketOptionName) {
    self.init(
      name: name, read: { if case .text(let text) = $0 { text } else { nil } },
      write: { .text($0) })
  }

  /// The name of the congestion control: `reno`, `cubic`, and on the kernel what else it has
  /// (`TCP_CONGESTION`).
  public static var congestionControl: Self { Self(.congestionControl) }
  /// The interface that all packets go by and come by; empty: any (`SO_BINDTODEVICE`). On the
  /// kernel only the privileged may change it once it is set.
  public static var device: Self { Self(.device) }
}

extension SocketOption where Value == TrafficClass {
  /// `IP_TOS`, `IPV6_TCLASS`. Of a connection the congestion codepoint is TCP's own.
  public static var trafficClass: Self {
    Self(
      name: .trafficClass,
      read: { $0.number.map { TrafficClass(rawValue: UInt8(truncatingIfNeeded: $0)) } },
      write: { .number(Int($0.rawValue)) })
  }
}

extension SocketImplementation {
  func value<Value>(of option: SocketOption<Value>) async throws(SocketError.Reason) -> Value {
    guard let value = option.read(try await value(of: option.name)) else { throw .unsupported }
    return value
  }

  package func value(
    of option: SocketOptionName
  ) async throws(SocketError.Reason) -> OptionValue {
    throw .unsupported
  }

  package func set(
    _ option: SocketOptionName, to value: OptionValue
  ) async throws(SocketError.Reason) {
    throw .unsupported
  }
}
