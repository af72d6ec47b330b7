public import Addresses

// The calls that do not wait (`MSG_DONTWAIT`). None can suspend its caller, so each costs less than
// its twin that may; none asks whether the task was cancelled.
//
// What a socket is ready for, its node's thread hears: whoever runs on that thread, as tasks that
// prefer its executor do, and tries again and again without ever waiting, keeps it from hearing.

extension TCPConnection {
  /// Reads what is there, without waiting.
  ///
  /// - Returns: how many bytes were read, zero at the end of the peer's stream; nil where that
  ///   would be to wait, for something to read, or from another thread than its own on a stack of
  ///   ours. Then ``read(into:timeout:)`` is the way on.
  /// - Throws: what ended the connection, as ``read(into:timeout:)``.
  public func tryRead(into bytes: inout MutableSpan<UInt8>) throws(SocketError) -> Int? {
    do {
      guard case .done(let count) = try implementation.tryRead(into: &bytes) else { return nil }
      history.noteRead(count, on: implementation.clock)
      return count
    } catch {
      throw failure(.read, error)
    }
  }

  /// Writes what there is room for, without waiting.
  ///
  /// - Returns: how many bytes were taken, from the first on; none where that would be to wait, for
  ///   room, or from another thread than its own on a stack of ours. Then ``write(_:timeout:)`` is
  ///   the way on, with the rest.
  /// - Throws: what ended the connection, as ``write(_:timeout:)``.
  public func tryWrite(_ bytes: Span<UInt8>) throws(SocketError) -> Int {
    do {
      guard case .done(let count) = try implementation.tryWrite(bytes) else { return 0 }
      return count
    } catch {
      throw failure(.write, error)
    }
  }
}

extension TCPListener {
  /// Takes a connection that is there, without waiting.
  ///
  /// - Returns: nil where that would be to wait, for a connection, or from another thread than its
  ///   own on a stack of ours. Then ``accept(timeout:)`` is the way on.
  /// - Throws: as ``accept(timeout:)``.
  public func tryAccept() throws(SocketError) -> TCPConnection? {
    do {
      guard case .done(let connection) = try implementation.tryAccept() else { return nil }
      return connection
    } catch {
      throw SocketError(.accept, local: local, reason: error)
    }
  }
}

extension UDPSocket {
  /// Sends one datagram, without waiting.
  ///
  /// - Returns: whether it was sent; not where that would be to wait, for room, or from another
  ///   thread than its own on a stack of ours. Then ``send(_:to:with:timeout:)`` is the way on.
  /// - Throws: as ``send(_:to:with:timeout:)``.
  public func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint? = nil,
    with options: DatagramOptions = DatagramOptions()
  ) throws(SocketError) -> Bool {
    try remote?.mustBe(.udp, for: .send)
    do {
      guard case .done = try implementation.trySend(bytes, to: remote, with: options) else {
        return false
      }
      return true
    } catch {
      throw SocketError(.send, local: local, remote: remote, reason: error)
    }
  }

  /// Receives a datagram that is there, without waiting; what `bytes` has no room for is lost.
  ///
  /// - Returns: nil where that would be to wait, for a datagram, or from another thread than its
  ///   own on a stack of ours. Then ``receive(into:timeout:)`` is the way on.
  /// - Throws: as ``receive(into:timeout:)``.
  public func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError) -> DatagramHeader? {
    do {
      guard case .done(let header) = try implementation.tryReceive(into: &bytes) else { return nil }
      return header
    } catch {
      throw SocketError(.receive, local: local, reason: error)
    }
  }
}
