import Addresses

// The options of sockets that are alive, on every kind of socket.
extension TCPConnection {
  /// What an option of the socket stands at.
  ///
  /// - Throws: ``SocketError/Reason/unsupported`` where there is no such option.
  public func value<Value>(of option: SocketOption<Value>) async throws(SocketError) -> Value {
    do {
      return try await implementation.value(of: option)
    } catch {
      throw SocketError(.configure, local: local, remote: remote, reason: error)
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
    do {
      try await implementation.set(option.name, to: option.write(value))
    } catch {
      throw SocketError(.configure, local: local, remote: remote, reason: error)
    }
  }
}

extension TCPListener {
  /// What an option of the socket stands at.
  ///
  /// - Throws: ``SocketError/Reason/unsupported`` where there is no such option.
  public func value<Value>(of option: SocketOption<Value>) async throws(SocketError) -> Value {
    do {
      return try await implementation.value(of: option)
    } catch {
      throw SocketError(.configure, local: local, reason: error)
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
    do {
      try await implementation.set(option.name, to: option.write(value))
    } catch {
      throw SocketError(.configure, local: local, reason: error)
    }
  }
}

extension UDPSocket {
  /// What an option of the socket stands at.
  ///
  /// - Throws: ``SocketError/Reason/unsupported`` where there is no such option.
  public func value<Value>(of option: SocketOption<Value>) async throws(SocketError) -> Value {
    do {
      return try await implementation.value(of: option)
    } catch {
      throw SocketError(.configure, local: local, reason: error)
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
    do {
      try await implementation.set(option.name, to: option.write(value))
    } catch {
      throw SocketError(.configure, local: local, reason: error)
    }
  }
}
