public import Addresses

extension NetworkNode {
  /// Opens a TCP connection for the time that `body` takes, which runs on the node's ``executor``.
  ///
  /// When `body` returns, the connection is closed gracefully; when it throws, it is aborted, so
  /// that the peer does not take the part for the whole. Cancellation reaches `body` as that of any
  /// task.
  ///
  /// - Parameter timeout: for the connection to be established.
  public func withConnection<Value>(
    to remote: Endpoint, options: TCPOptions = TCPOptions(), timeout: Duration? = nil,
    _ body: (TCPConnection) async throws -> Value
  ) async throws -> Value {
    let connection = try await connect(to: remote, options: options, timeout: timeout)
    return try await connection.lasting(on: executor, body)
  }

  /// As ``withConnection(to:options:timeout:_:)-(Endpoint,_,_,_)``, to an endpoint written like
  /// `tcp://192.0.2.1:80`.
  public func withConnection<Value>(
    to remote: String, options: TCPOptions = TCPOptions(), timeout: Duration? = nil,
    _ body: (TCPConnection) async throws -> Value
  ) async throws -> Value {
    let connection = try await connect(to: remote, options: options, timeout: timeout)
    return try await connection.lasting(on: executor, body)
  }
}

extension TCPConnection {
  fileprivate func lasting<Value>(
    on executor: any TaskExecutor, _ body: (TCPConnection) async throws -> Value
  ) async throws -> Value {
    try await executor.run {
      do {
        let value = try await body(self)
        close()
        return value
      } catch {
        abort()
        throw error
      }
    }
  }
}

extension TaskExecutor {
  /// Runs `body` here, from its beginning on. What belongs to an actor stays there.
  ///
  /// `withTaskExecutorPreference` alone lets what belongs to no actor begin where the caller is,
  /// and come here when it first waits.
  package func run<Value>(_ body: () async throws -> Value) async throws -> Value {
    try await withTaskExecutorPreference(self) {
      await Task.yield()
      return try await body()
    }
  }
}
