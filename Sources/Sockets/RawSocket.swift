public import Addresses
import Packets

/// Sends and hears IP packets of one protocol, past TCP and UDP (raw(7), RFC 3542 §3).
///
/// Every raw socket hears a copy of every packet that its node takes in for the protocol, the IPv4
/// ones with their header, the IPv6 ones without it and without extension headers. What finds no
/// room in the socket's buffer is dropped. On this machine it needs root, or `CAP_NET_RAW`.
///
/// A node takes in what goes to the groups that sockets of its have joined; ``join(_:from:on:)``
/// has it take in another one.
///
/// ```
/// let socket = try await node.openRaw(.v4, protocol: 89)
/// try await socket.send(hello, to: .ip(neighbour), with: DatagramOptions(hopLimit: 1))
/// ```
public final class RawSocket: Sendable {
  /// The version of the Internet Protocol.
  public typealias Version = EchoSocket.Version

  /// The version it was opened for.
  public let version: Version
  /// The number of its protocol.
  public let `protocol`: UInt8
  let implementation: any RawImplementation

  package init(version: Version, protocol: UInt8, implementation: any RawImplementation) {
    self.version = version
    self.protocol = `protocol`
    self.implementation = implementation
  }

  deinit { implementation.close() }

  /// Hears from now on what is sent to one address of the node's alone, and sends from it.
  ///
  /// - Parameter local: an `ip://` endpoint.
  /// - Throws: ``SocketError/Reason/addressNotAvailable`` for an address of nobody's here.
  public func bind(to local: Endpoint) async throws(SocketError) {
    try local.mustBe(.ip, for: .bind)
    do {
      try await implementation.bind(to: local)
    } catch {
      throw SocketError(.bind, local: local, reason: error)
    }
  }

  /// Exchanges packets with `remote` alone from now on.
  ///
  /// - Parameter remote: an `ip://` endpoint.
  /// - Throws: what routing says.
  public func connect(to remote: Endpoint) async throws(SocketError) {
    try remote.mustBe(.ip, for: .connect)
    do {
      try await implementation.connect(to: remote)
    } catch {
      throw SocketError(.connect, remote: remote, reason: error)
    }
  }

  /// Changes the socket's options, all of them.
  public func setOptions(_ options: RawOptions) async throws(SocketError) {
    do {
      try await implementation.setOptions(options)
    } catch {
      throw SocketError(.configure, reason: error)
    }
  }

  /// Sends one packet; waits while the node has no room for it. Cancelled or out of time, it has
  /// sent nothing.
  ///
  /// - Parameters:
  ///   - bytes: what the IP header is put before, or where ``RawOptions/includesHeader`` says so,
  ///     all of the packet; then the node fills in the total length and the checksum of IPv4, and
  ///     its source and identification where they are zero.
  ///   - remote: an `ip://` endpoint; nil for the one the socket is connected to.
  ///   - options: what is to differ from the socket's own options.
  /// - Throws: among others ``SocketError/Reason/notConnected`` without a destination,
  ///   ``SocketError/Reason/messageTooLong``, and ``SocketError/Reason/invalidOperation`` for a
  ///   header that is none.
  public func send(
    _ bytes: Span<UInt8>, to remote: Endpoint? = nil,
    with options: DatagramOptions = DatagramOptions(), timeout: Duration? = nil
  ) async throws(SocketError) {
    try remote?.mustBe(.ip, for: .send)
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.trySend(bytes, to: remote, with: options) {
        case .done: return
        case .wouldBlock: try await implementation.wait(.writing, until: deadline, &patience)
        case .elsewhere:
          return try await implementation.send(bytes, to: remote, with: options, until: deadline)
        }
      }
    } catch {
      throw SocketError(.send, remote: remote, reason: error)
    }
  }

  /// Receives one packet into memory of the caller's; what it has no room for is lost. Cancelled or
  /// out of time, it has taken nothing.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) -> DatagramHeader {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.tryReceive(into: &bytes) {
        case .done(let header): return header
        case .wouldBlock: try await implementation.wait(.reading, until: deadline, &patience)
        case .elsewhere: return try await implementation.receive(into: &bytes, until: deadline)
        }
      }
    } catch {
      throw SocketError(.receive, reason: error)
    }
  }

  /// Receives one packet, whole. Takes 64 KiB of memory while it waits.
  public func receive(timeout: Duration? = nil) async throws(SocketError) -> ReceivedDatagram {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var span = bytes.mutableSpan
    let header = try await receive(into: &span, timeout: timeout)
    return ReceivedDatagram(bytes: Array(bytes.prefix(header.count)), header: header)
  }

  /// Waiting calls throw ``SocketError/Reason/closed``. Returns at once; from any thread, any
  /// number of times.
  public func close() { implementation.close() }
}

/// What can be chosen about a ``RawSocket``, with the POSIX or Linux names.
public struct RawOptions: Hashable, Sendable {
  /// Bytes that may wait to be read; what arrives beyond is dropped (`SO_RCVBUF`).
  public var receiveBufferLimit: Int?
  /// What is sent begins with its IP header (`IP_HDRINCL`, `IPV6_HDRINCL`).
  public var includesHeader: Bool
  /// Whether packets may go to broadcast addresses (`SO_BROADCAST`).
  public var allowsBroadcast: Bool
  /// The hop limit of unicast packets; nil: the node's (`IP_TTL`, `IPV6_UNICAST_HOPS`).
  public var hopLimit: UInt8?
  /// What packets leave with (`IP_TOS`, `IPV6_TCLASS`).
  public var trafficClass: TrafficClass
  /// Where the node keeps a checksum in what an IPv6 socket sends and receives, in bytes from the
  /// beginning, even; nil: nowhere. For ICMPv6 it does so in any case (`IPV6_CHECKSUM`).
  public var checksumOffset: Int?
  /// Types of ICMPv6 messages that the socket does not hear (`ICMP6_FILTER`).
  public var blockedMessages: Set<UInt8>
  /// The name of the interface that packets go by and come by; nil: any (`SO_BINDTODEVICE`).
  public var device: String?

  public init(
    receiveBufferLimit: Int? = nil, includesHeader: Bool = false, allowsBroadcast: Bool = false,
    hopLimit: UInt8? = nil, trafficClass: TrafficClass = TrafficClass(),
    checksumOffset: Int? = nil, blockedMessages: Set<UInt8> = [],
    device: String? = nil
  ) {
    self.receiveBufferLimit = receiveBufferLimit
    self.includesHeader = includesHeader
    self.allowsBroadcast = allowsBroadcast
    self.hopLimit = hopLimit
    self.trafficClass = trafficClass
    self.checksumOffset = checksumOffset
    self.blockedMessages = blockedMessages
    self.device = device
  }
}
