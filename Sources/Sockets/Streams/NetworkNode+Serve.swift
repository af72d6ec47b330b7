import Addresses
public import Logging
import SystemPackage

extension NetworkNode {
  /// Answers the connections of a listener: one task each, on the node's ``executor``, until the
  /// listener is closed or the calling task is cancelled.
  ///
  /// Then it shuts down gracefully: no more connections are accepted, and the handlers have `grace`
  /// to end by themselves before they are cancelled. It returns when the last one has ended, so a
  /// handler that ignores cancellation keeps it. Cancellation is not an error here.
  ///
  /// ```
  /// try await node.serve(on: "tcp://[::]:7") { connection in
  ///   for try await chunk in connection.chunks { try await connection.write(chunk) }
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - listener: this node's. It is closed afterwards.
  ///   - concurrency: the connections answered at a time. At the limit, accepting pauses: further
  ///     ones wait in the listener's backlog. It pauses too when the system has no descriptors or
  ///     memory for another.
  ///   - grace: what the handlers get when it shuts down.
  ///   - logger: hears of the beginning, the end, handlers that fail and shortages; nil for the
  ///     node's.
  ///   - onFailure: hears what handlers throw, the one wrong thing that a server must not end by.
  ///   - handler: answers one connection. When it returns, the connection is closed gracefully;
  ///     when it throws, it is aborted.
  /// - Throws: what the listener fails with, after the same shutdown.
  public func serve(
    _ listener: TCPListener, concurrency: Int = 1_024, grace: Duration = .seconds(5),
    logger: Logger? = nil,
    onFailure: @escaping @Sendable (TCPConnection, any Error) -> Void = { _, _ in },
    _ handler: @escaping @Sendable (TCPConnection) async throws -> Void
  ) async throws(SocketError) {
    let (stopped, stop) = AsyncStream.makeStream(of: Never.self)
    let limit = max(1, concurrency)
    let record = ServerRecord(logger ?? self.logger, "\(listener.local)", limit: limit)
    record.started()
    // A task of its own: the caller's cancellation must not reach the handlers at once.
    let handlers = HandlerTasks()
    let executor = executor
    let server = Task(executorPreference: executor) { () -> SocketError? in
      let failure = await Serving.accept(
        from: listener, atMost: limit, on: clock, handlers, record
      ) { connection, place in
        Task(executorPreference: executor) {
          connection.beginHandling()
          do {
            try await handler(connection)
            connection.close()
            record.ends(connection, nil)
          } catch {
            connection.abort()
            record.ends(connection, error)
            onFailure(connection, error)
          }
          connection.endHandling()
          handlers.end(place)
        }
      }
      stop.finish()
      await handlers.wait(untilFewerThan: 1)
      return failure
    }
    // At the limit nobody asks the listener, which then must tell by itself.
    listener.whenClosed { stop.finish() }
    let limiter = Task(executorPreference: executor) {
      for await _ in stopped {}
      try await clock.sleep(for: grace)
      record.graceEnded()
      server.cancel()
      handlers.cancelAll()
    }
    let failure = await withTaskCancellationHandler {
      await server.value
    } onCancel: {
      listener.close()
    }
    limiter.cancel()
    listener.close()
    record.stopped(failure)
    if let failure { throw failure }
  }

  /// Listens, and answers the connections that come, as
  /// ``serve(_:concurrency:grace:logger:onFailure:_:)`` does.
  ///
  /// - Parameter local: an endpoint written like `tcp://[::]:80`.
  public func serve(
    on local: String, options: TCPOptions = TCPOptions(), concurrency: Int = 1_024,
    grace: Duration = .seconds(5), logger: Logger? = nil,
    onFailure: @escaping @Sendable (TCPConnection, any Error) -> Void = { _, _ in },
    _ handler: @escaping @Sendable (TCPConnection) async throws -> Void
  ) async throws(SocketError) {
    try await serve(
      listen(on: local, options: options), concurrency: concurrency, grace: grace,
      logger: logger, onFailure: onFailure, handler)
  }
}

/// The loop that a server accepts in.
private enum Serving {
  /// Accepts until the listener is closed, each connection for a task of its own.
  ///
  /// - Returns: why it could not go on; nil when the listener was closed.
  static func accept(
    from listener: TCPListener, atMost limit: Int, on clock: NodeClock,
    _ handlers: HandlerTasks, _ record: ServerRecord,
    _ answer: (TCPConnection, _ place: Int) -> Task<Void, Never>
  ) async -> SocketError? {
    while true {
      if handlers.count >= limit { await handlers.wait(untilFewerThan: limit) }
      do throws(SocketError) {
        let connection = try await listener.accept()
        record.begins()
        handlers.begin(answering: connection) { place in answer(connection, place) }
      } catch {
        guard error.reason != .closed, error.reason != .cancelled else { return nil }
        guard error.reason.mayPass else { return error }
        record.couldNotAccept(error)
        let count = handlers.count
        if count > 0 {
          await handlers.wait(untilFewerThan: count)
        } else if await (try? clock.sleep(for: .milliseconds(50))) == nil {
          return nil
        }
      }
    }
  }
}

extension SocketError.Reason {
  /// Whether a listener that fails with it may do better in a while.
  fileprivate var mayPass: Bool {
    switch self {
    case .noBufferSpace, .connectionAborted: true
    case .system(let errno, _):
      [Errno.tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory].contains(
        Errno(rawValue: errno))
    default: false
    }
  }
}
