/// Whatever has sockets between processes, or between the tasks of one: this machine, whose kernel
/// has them for all its processes, or a node of ours, which has them in memory for whoever holds
/// the node, under names of its own.
///
/// Streams, messages in order, datagrams, the backlog, the two directions' ends and every error are
/// alike in both. What only a kernel can do, to pass open descriptors along and to say which
/// process is at the other end, throws ``SocketError/Reason/unsupported`` on a node of ours.
public protocol LocalNode: Sendable {
  /// Connects to a listener of this node. Waits only while the listener's backlog is full.
  ///
  /// - Throws: among others ``SocketError/Reason/connectionRefused`` where nobody listens;
  ///   ``SocketError/Reason/system(errno:_:)`` where there is no such path, or a socket of another
  ///   kind has it.
  func connect(
    to remote: LocalAddress, as kind: LocalConnection.Kind, timeout: Duration?
  ) async throws(SocketError) -> LocalConnection

  /// Waits for connections. A path must not stand already; it goes when the listener does.
  /// ``LocalAddress/unnamed`` has the node choose an abstract name.
  ///
  /// - Parameter backlog: one less than the connections that may wait to be accepted (listen(2)).
  func listen(
    on local: LocalAddress, as kind: LocalConnection.Kind, backlog: Int
  ) throws(SocketError) -> LocalListener

  /// Makes a socket for messages, with a name where others are to answer.
  func bind(_ local: LocalAddress) throws(SocketError) -> LocalDatagramSocket

  /// Makes a connection and its other end (`socketpair`).
  func connectPair(
    as kind: LocalConnection.Kind
  ) throws(SocketError) -> (LocalConnection, LocalConnection)
}

extension LocalNode {
  /// As ``connect(to:as:timeout:)``, without a limit of time.
  public func connect(
    to remote: LocalAddress, as kind: LocalConnection.Kind = .stream
  ) async throws(SocketError) -> LocalConnection {
    try await connect(to: remote, as: kind, timeout: nil)
  }

  /// As ``connect(to:as:timeout:)``, as a stream.
  public func connect(
    to remote: LocalAddress, timeout: Duration?
  ) async throws(SocketError) -> LocalConnection {
    try await connect(to: remote, as: .stream, timeout: timeout)
  }

  /// As ``listen(on:as:backlog:)``, with the usual choices.
  public func listen(
    on local: LocalAddress, as kind: LocalConnection.Kind = .stream
  ) throws(SocketError) -> LocalListener {
    try listen(on: local, as: kind, backlog: 1024)
  }

  /// As ``connectPair(as:)``, as a stream.
  public func connectPair() throws(SocketError) -> (LocalConnection, LocalConnection) {
    try connectPair(as: .stream)
  }
}
