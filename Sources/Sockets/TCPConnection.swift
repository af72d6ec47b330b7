public import Addresses
package import Packets

/// A stream of bytes to a peer and one back (RFC 9293).
///
/// One task may read while another writes. The connection closes gracefully when its last reference
/// goes; ``close()`` and ``abort()`` say when and how.
public final class TCPConnection: Sendable {
  /// This side.
  public let local: Endpoint
  /// The other side.
  public let remote: Endpoint
  let implementation: any StreamImplementation
  /// What ``metrics()`` tells and the implementation does not know.
  let history: ConnectionHistory
  let handler = HandlerIdentity()

  /// - Parameter began: when it was called for; nil where it was accepted.
  package init(
    local: Endpoint, remote: Endpoint, implementation: any StreamImplementation,
    began: Instant? = nil
  ) {
    history = ConnectionHistory(
      established: implementation.clock.moment, began: began)
    self.local = local
    self.remote = remote
    self.implementation = implementation
  }

  deinit { implementation.close() }

  /// The clock that deadlines on it are reckoned by.
  var clock: NodeClock { implementation.clock }

  /// Reads what is there, at least one byte, at most `bytes.count`; waits while there is nothing.
  ///
  /// Does not allocate unless it must wait. Cancelled or out of time, it has read nothing.
  ///
  /// - Returns: how many bytes were read. Zero at the end of the peer's stream, and where `bytes`
  ///   has no room.
  /// - Throws: what ended the connection: ``SocketError/Reason/connectionReset``,
  ///   ``SocketError/Reason/timedOut``, ``SocketError/Reason/closed`` and the like.
  public func read(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) -> Int {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.tryRead(into: &bytes) {
        case .done(let count):
          history.noteRead(count, on: implementation.clock)
          return count
        case .wouldBlock: try await wait(.reading, until: deadline, &patience)
        case .elsewhere:
          let count = try await implementation.read(into: &bytes, until: deadline)
          history.noteRead(count, on: implementation.clock)
          return count
        }
      }
    } catch {
      throw failure(.read, error)
    }
  }

  /// Waits as suits the caller.
  @inline(__always)
  private func wait(
    _ direction: WaitDirection, until deadline: Instant?, _ patience: inout Patience
  ) async throws(SocketError.Reason) {
    if patience == .brief, handler.isCurrent { patience = .supervised }
    try await implementation.wait(direction, until: deadline, &patience)
  }

  /// Reads what is there into an array, whose memory is taken when there is something to read.
  func readArray(upTo count: Int, _ timeout: Duration?) async throws(SocketError) -> [UInt8] {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try tryReadArray(upTo: count) {
        case .done(let bytes): return bytes
        case .wouldBlock: try await wait(.reading, until: deadline, &patience)
        case .elsewhere:
          try await implementation.waitUntilReadable(until: deadline)
          var bytes = [UInt8](repeating: 0, count: count)
          var span = bytes.mutableSpan
          let length = try await implementation.read(into: &span, until: deadline)
          history.noteRead(length, on: implementation.clock)
          return Self.trimmed(&bytes, to: length)
        }
      }
    } catch {
      throw failure(.read, error)
    }
  }

  private func tryReadArray(upTo count: Int) throws(SocketError.Reason) -> Attempt<[UInt8]> {
    switch try implementation.tryReadiness() {
    case .wouldBlock: return .wouldBlock
    case .elsewhere: return .elsewhere
    case .done: break
    }
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    return switch try implementation.tryRead(into: &span) {
    case .done(let length): .done(trimmed(&bytes, noting: length))
    case .wouldBlock: .wouldBlock
    case .elsewhere: .elsewhere
    }
  }

  private func trimmed(_ bytes: inout [UInt8], noting length: Int) -> [UInt8] {
    history.noteRead(length, on: implementation.clock)
    return Self.trimmed(&bytes, to: length)
  }

  /// The first bytes, in memory that is not much larger.
  private static func trimmed(_ bytes: inout [UInt8], to length: Int) -> [UInt8] {
    guard length * 2 >= bytes.count else { return Array(bytes.prefix(length)) }
    bytes.removeLast(bytes.count - length)
    return bytes
  }

  /// Waits until a read is worth a try, and takes nothing: whoever serves many quiet connections
  /// needs no memory for a read before there is something to read.
  ///
  /// The read may find nothing after all, and wait: another task may be first, and the kernel may
  /// have reported what a former read has taken.
  ///
  /// - Throws: ``SocketError``, as ``read(into:timeout:)`` does; but what ended the connection is
  ///   left for the read to tell.
  public func waitUntilReadable(timeout: Duration? = nil) async throws(SocketError) {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.tryReadiness() {
        case .done: return
        case .wouldBlock: try await wait(.reading, until: deadline, &patience)
        case .elsewhere: return try await implementation.waitUntilReadable(until: deadline)
        }
      }
    } catch {
      throw failure(.read, error)
    }
  }

  /// Writes all of `bytes`; waits while the connection has no room for them.
  ///
  /// When it returns, the bytes are the connection's to deliver, not yet the peer's. Does not
  /// allocate unless it must wait. Cancelled or out of time, it may have written some of them: the
  /// stream is of use no more, unless the protocol in it can tell.
  ///
  /// - Throws: ``SocketError/Reason/brokenPipe`` after ``shutdownSend()``, and what ended the
  ///   connection, as ``read(into:timeout:)``.
  public func write(
    _ bytes: Span<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      var written = 0
      while true {
        let rest = bytes.extracting(droppingFirst: written)
        guard case .done(let count) = try implementation.tryWrite(rest) else {
          return try await implementation.write(rest, until: deadline)
        }
        written += count
        if written == bytes.count { return }
        try await wait(.writing, until: deadline, &patience)
      }
    } catch {
      throw failure(.write, error)
    }
  }

  /// Ends this side's stream: the peer reads what was written, then the end. Reading goes on
  /// (`shutdown(SHUT_WR)`, RFC 9293 §3.6). Does not wait for the peer; a second time does nothing.
  ///
  /// - Throws: what ended the connection; ``SocketError/Reason/notConnected``.
  public func shutdownSend() async throws(SocketError) {
    do {
      try await implementation.shutdownSend()
    } catch {
      throw failure(.shutdown, error)
    }
  }

  /// Changes the connection's options: all of them, but that nil leaves the buffers, the segment
  /// size and the congestion control as they are.
  ///
  /// - Throws: ``SocketError/Reason/invalidOperation`` for what no world allows, and then some of
  ///   them may be changed.
  public func setOptions(_ options: TCPOptions) async throws(SocketError) {
    do {
      try await implementation.setOptions(options)
    } catch {
      throw failure(.configure, error)
    }
  }

  /// How the connection stands, also when it is over. Constant time; waits for nothing but the
  /// node's thread.
  ///
  /// - Throws: ``SocketError/Reason/closed``.
  public func info() async throws(SocketError) -> Info {
    do {
      return try await implementation.info()
    } catch {
      throw failure(.configure, error)
    }
  }

  /// Gives the connection up gracefully: what was written is still delivered, in the background,
  /// then both streams end. Calls that wait on it throw ``SocketError/Reason/closed``. If the peer
  /// has sent what was never read, or goes on sending, it is told so with a reset (RFC 2525 §2.17).
  ///
  /// Returns at once; from any thread, any number of times.
  public func close() { implementation.close() }

  /// Gives the connection up at once: what was not sent yet is dropped, the peer gets a reset.
  /// Calls that wait on it throw ``SocketError/Reason/closed``.
  ///
  /// Returns at once; from any thread, any number of times.
  public func abort() { implementation.abort() }

  func failure(
    _ operation: SocketError.Operation, _ reason: SocketError.Reason
  ) -> SocketError {
    SocketError(operation, local: local, remote: remote, reason: reason)
  }
}

extension TCPConnection: CustomStringConvertible {
  public var description: String { "\(local) <-> \(remote)" }
}
