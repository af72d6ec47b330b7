import Addresses

/// A socket whose options can be asked for and changed while it is alive: what `getsockopt` and
/// `setsockopt` take any socket for.
///
/// Code that sets options need not know the kind of socket:
///
/// ```
/// func prefer(_ socket: some ConfigurableSocket) async throws {
///   try await socket.set(.trafficClass, to: TrafficClass(dscp: 46))
/// }
/// ```
///
/// A type that keeps a socket is one itself when it gives out that socket's ``optionAccess``.
public protocol ConfigurableSocket: Sendable {
  /// The socket that has the options.
  var optionAccess: SocketOptionAccess { get }
}

/// One socket, as far as its options are concerned. Holding it holds no socket open.
public struct SocketOptionAccess: Sendable {
  private let implementation: any SocketImplementation
  // What errors tell.
  private let local: Endpoint?
  private let remote: Endpoint?

  init(
    _ implementation: any SocketImplementation, local: Endpoint? = nil, remote: Endpoint? = nil
  ) {
    self.implementation = implementation
    self.local = local
    self.remote = remote
  }

  fileprivate func attempt<Value>(
    _ body: (any SocketImplementation) async throws(SocketError.Reason) -> Value
  ) async throws(SocketError) -> Value {
    do {
      return try await body(implementation)
    } catch {
      throw SocketError(.configure, local: local, remote: remote, reason: error)
    }
  }
}

extension ConfigurableSocket {
  /// What an option of the socket stands at.
  ///
  /// - Throws: ``SocketError/Reason/unsupported`` where there is no such option.
  public func value<Value>(of option: SocketOption<Value>) async throws(SocketError) -> Value {
    try await optionAccess.attempt { socket throws(SocketError.Reason) in
      try await socket.value(of: option)
    }
  }

  /// Changes an option of the socket.
  ///
  /// - Throws: ``SocketError/Reason/unsupported`` where there is no such option, or it cannot be
  ///   changed; ``SocketError/Reason/invalidOperation`` for a value it cannot have;
  ///   ``SocketError/Reason/permissionDenied``.
  public func set<Value>(
    _ option: SocketOption<Value>, to value: Value
  ) async throws(SocketError) {
    try await optionAccess.attempt { socket throws(SocketError.Reason) in
      try await socket.set(option.name, to: option.write(value))
    }
  }
}

extension TCPConnection: ConfigurableSocket {
  public var optionAccess: SocketOptionAccess {
    SocketOptionAccess(implementation, local: local, remote: remote)
  }
}

extension TCPListener: ConfigurableSocket {
  public var optionAccess: SocketOptionAccess { SocketOptionAccess(implementation, local: local) }
}

extension UDPSocket: ConfigurableSocket {
  public var optionAccess: SocketOptionAccess { SocketOptionAccess(implementation, local: local) }
}

extension RawSocket: ConfigurableSocket {
  public var optionAccess: SocketOptionAccess { SocketOptionAccess(implementation) }
}

extension EchoSocket: ConfigurableSocket {
  public var optionAccess: SocketOptionAccess { SocketOptionAccess(implementation) }
}

extension PacketSocket: ConfigurableSocket {
  public var optionAccess: SocketOptionAccess { SocketOptionAccess(implementation) }
}
