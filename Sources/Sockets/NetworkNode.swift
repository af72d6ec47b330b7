public import Addresses
public import Logging

/// Whatever owns addresses and sockets: a protocol stack of ours on a device, a simulated host,
/// this machine. Programs choose one and run unchanged on any other.
///
/// ```
/// let node = try await StackNode(.tun("sock0", "10.7.0.2/24"))
/// let listener = try await node.listen(on: "tcp://0.0.0.0:7")
/// for try await connection in listener.connections {
///   Task(executorPreference: node.executor) { try await connection.write(connection.readAll()) }
/// }
/// ```
///
/// Every call that may wait takes a `timeout`: the time allowed for the whole call, nil for none.
/// When it is over, the call throws ``SocketError/Reason/deadlineExceeded``. Every call that may
/// wait ends with ``SocketError/Reason/cancelled`` when its task is cancelled; a call that need not
/// wait succeeds in a cancelled task too. Sockets close when their last reference goes.
///
/// Sockets between processes, or between the tasks of one, are ``LocalNode``'s part.
public protocol NetworkNode: LocalNode {
  /// Where tasks that use this node's sockets run without changing threads. Work that blocks or
  /// takes long does not belong here: it keeps the node's packets waiting.
  var executor: any TaskExecutor { get }

  /// The clock that this node's deadlines run on. A program that sleeps by it, and not by one of
  /// the machine's, runs in a simulation as well.
  var clock: NodeClock { get }

  /// Where the node, and whatever works with its sockets in this module, tells how it fares: what
  /// no result and no error tells, for the person who runs the program. Nowhere, unless the program
  /// has given it a logger.
  var logger: Logger { get }

  /// Whom this node asks for the addresses of names, unless it is told otherwise: the name servers
  /// that this machine is set up with, over the node's own sockets; on ``HostNode`` the machine
  /// itself. Each is new and remembers nothing: keep one for its memory.
  var resolver: any NameResolver { get }

  /// Opens a TCP connection and waits until it is established.
  ///
  /// - Parameters:
  ///   - remote: a `tcp://` endpoint.
  ///   - local: the address and port to use here; nil chooses both, a wildcard the one, port zero
  ///     the other.
  ///   - timeout: for the handshake.
  /// - Throws: among others ``SocketError/Reason/connectionRefused``,
  ///   ``SocketError/Reason/timedOut`` where nobody answers,
  ///   ``SocketError/Reason/networkUnreachable`` also for what is no host's address, and of `local`
  ///   ``SocketError/Reason/addressInUse``, ``SocketError/Reason/addressNotAvailable`` and
  ///   ``SocketError/Reason/addressFamilyNotSupported``. On any error, cancellation included,
  ///   nothing of the attempt is left.
  func connect(
    to remote: Endpoint, from local: Endpoint?, options: TCPOptions, timeout: Duration?
  ) async throws(SocketError) -> TCPConnection

  /// Waits for TCP connections.
  ///
  /// - Parameters:
  ///   - local: a `tcp://` endpoint; `0.0.0.0` takes connections to any IPv4 address, `[::]` to any
  ///     address of either version unless `ipv6Only`, port zero chooses one.
  ///   - backlog: the connections that may wait to be accepted.
  ///   - options: of the connections that are accepted.
  /// - Throws: among others ``SocketError/Reason/addressInUse`` and
  ///   ``SocketError/Reason/addressNotAvailable``. It has nothing to wait for.
  func listen(
    on local: Endpoint, backlog: Int, ipv6Only: Bool, options: TCPOptions
  ) async throws(SocketError) -> TCPListener

  /// Makes a UDP socket with a local address.
  ///
  /// - Parameter local: a `udp://` endpoint; `[::]` speaks both IP versions unless `ipv6Only`, port
  ///   zero chooses one. A group's address hears that group's datagrams once it is joined.
  /// - Throws: among others ``SocketError/Reason/addressInUse``,
  ///   ``SocketError/Reason/addressNotAvailable``, and ``SocketError/Reason/noSuchInterface(_:)``
  ///   for ``UDPOptions/multicastInterface``. It has nothing to wait for.
  func bind(
    _ local: Endpoint, ipv6Only: Bool, options: UDPOptions
  ) async throws(SocketError) -> UDPSocket

  /// Makes a socket that sends echo requests of one IP version and hears what becomes of them.
  ///
  /// - Throws: ``SocketError/Reason/system(errno:_:)`` with advice where Linux lets this user send
  ///   none.
  func openEcho(_ version: EchoSocket.Version) async throws(SocketError) -> EchoSocket

  /// Makes a socket that sends and hears IP packets of one protocol.
  ///
  /// - Parameters:
  ///   - protocol: its number (IANA "Protocol Numbers"); 255 sends whole packets of any protocol,
  ///     and hears nothing.
  /// - Throws: on ``HostNode``, where the program may not, ``SocketError/Reason/system(errno:_:)``
  ///   with advice.
  func openRaw(
    _ version: RawSocket.Version, protocol: UInt8, options: RawOptions
  ) async throws(SocketError) -> RawSocket

  /// Makes a socket that sees the frames on the node's interfaces, and sends its own.
  ///
  /// - Throws: on ``HostNode``, where the program may not, ``SocketError/Reason/system(errno:_:)``
  ///   with advice; ``SocketError/Reason/noSuchInterface(_:)``.
  func openPackets(_ options: PacketOptions) async throws(SocketError) -> PacketSocket
}

extension NetworkNode {
  public var logger: Logger { .silent }

  public var resolver: any NameResolver { Resolver(on: self) }

  /// As ``connect(to:from:options:timeout:)``, with the usual choices.
  public func connect(
    to remote: Endpoint, options: TCPOptions = TCPOptions(), timeout: Duration? = nil
  ) async throws(SocketError) -> TCPConnection {
    try await connect(to: remote, from: nil, options: options, timeout: timeout)
  }

  /// A node that has no such sockets throws ``SocketError/Reason/unsupported``.
  public func openRaw(
    _ version: RawSocket.Version, protocol: UInt8, options: RawOptions
  ) async throws(SocketError) -> RawSocket {
    throw SocketError(.open, reason: .unsupported)
  }

  /// As ``openRaw(_:protocol:options:)``, with the usual choices.
  public func openRaw(
    _ version: RawSocket.Version, protocol: UInt8
  ) async throws(SocketError) -> RawSocket {
    try await openRaw(version, protocol: `protocol`, options: RawOptions())
  }

  /// A node that has no such sockets throws ``SocketError/Reason/unsupported``.
  public func openPackets(_ options: PacketOptions) async throws(SocketError) -> PacketSocket {
    throw SocketError(.open, reason: .unsupported)
  }

  /// As ``listen(on:backlog:ipv6Only:options:)``, with the usual choices.
  public func listen(
    on local: Endpoint, backlog: Int = 1024, options: TCPOptions = TCPOptions()
  ) async throws(SocketError) -> TCPListener {
    try await listen(on: local, backlog: backlog, ipv6Only: false, options: options)
  }

  /// As ``listen(on:backlog:ipv6Only:options:)``, on an endpoint written like `tcp://[::]:80`. A
  /// zone may be the name of one of the node's interfaces.
  public func listen(
    on local: String, backlog: Int = 1024, options: TCPOptions = TCPOptions()
  ) async throws(SocketError) -> TCPListener {
    try await listen(
      on: .read(local, for: .listen, zones: zone), backlog: backlog, ipv6Only: false,
      options: options)
  }

  /// As ``bind(_:ipv6Only:options:)``, with the usual choices.
  public func bind(
    _ local: Endpoint, options: UDPOptions = UDPOptions()
  ) async throws(SocketError) -> UDPSocket {
    try await bind(local, ipv6Only: false, options: options)
  }

  /// As ``bind(_:ipv6Only:options:)``, to an endpoint written like `udp://0.0.0.0:53`. A zone may
  /// be the name of one of the node's interfaces.
  public func bind(
    _ local: String, options: UDPOptions = UDPOptions()
  ) async throws(SocketError) -> UDPSocket {
    try await bind(.read(local, for: .bind, zones: zone), ipv6Only: false, options: options)
  }

  /// Makes a UDP socket of both IP versions that needs no address of its own: one that sends, and
  /// receives answers.
  public func bind(options: UDPOptions = UDPOptions()) async throws(SocketError) -> UDPSocket {
    try await bind(.udp(.v6(.any), port: .any), ipv6Only: false, options: options)
  }
}

extension Endpoint {
  /// Reads the text of an endpoint for an operation, which is named in the error.
  ///
  /// - Parameter zones: the number of the interface of that name.
  static func read(
    _ text: String, for operation: SocketError.Operation,
    zones: (String) -> UInt32? = { _ in nil }
  ) throws(SocketError) -> Endpoint {
    do {
      return try Endpoint(parsing: text, zones: zones)
    } catch {
      throw SocketError(operation, reason: .badEndpoint(error.description))
    }
  }

  /// Refuses an endpoint of another transport than `wanted`.
  func mustBe(
    _ wanted: TransportProtocol, for operation: SocketError.Operation
  ) throws(SocketError) {
    guard transport == wanted else {
      throw SocketError(
        operation, reason: .badEndpoint("\(self) is no \(wanted):// endpoint"))
    }
  }
}
