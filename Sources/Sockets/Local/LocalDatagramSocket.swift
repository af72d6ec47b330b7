public import SystemPackage

/// Messages to and from processes of this machine, or tasks with a node of ours: whole, in order,
/// and never lost. Closes when its last reference goes; a file that stands for it goes with it.
public final class LocalDatagramSocket: Sendable {
  /// Its name; ``LocalAddress/unnamed`` where it has none, and nobody can answer.
  public let local: LocalAddress
  private let socket: any LocalImplementation

  init(_ socket: any LocalImplementation) throws(SocketError.Reason) {
    self.socket = socket
    local = try socket.address(ofPeer: false)
  }

  deinit { socket.close() }

  /// Sends one message; waits while the receiver has no room for it. Cancelled or out of time, it
  /// has sent nothing.
  ///
  /// - Parameters:
  ///   - remote: whose it is.
  ///   - descriptors: passed along, at most 253; these stay the caller's. On a node of ours any
  ///     throw ``SocketError/Reason/unsupported``.
  public func send(
    _ bytes: Span<UInt8>, to remote: LocalAddress, passing descriptors: [FileDescriptor] = [],
    timeout: Duration? = nil
  ) async throws(SocketError) {
    do throws(SocketError.Reason) {
      let deadline = socket.deadline(after: timeout)
      try await socket.send(bytes, to: remote, passing: descriptors, until: deadline)
    } catch {
      throw SocketError(.send, address: remote, reason: error)
    }
  }

  /// As ``send(_:to:passing:timeout:)-(Span<UInt8>,_,_,_)``.
  public func send(
    _ bytes: [UInt8], to remote: LocalAddress, passing descriptors: [FileDescriptor] = [],
    timeout: Duration? = nil
  ) async throws(SocketError) {
    try await send(bytes.span, to: remote, passing: descriptors, timeout: timeout)
  }

  /// Receives one message; what it has no room for is lost. Cancelled or out of time, it has taken
  /// nothing.
  ///
  /// - Parameter limit: the most descriptors to take; more are closed, and the message says so.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, descriptors limit: Int = 0, timeout: Duration? = nil
  ) async throws(SocketError) -> LocalMessage {
    do throws(SocketError.Reason) {
      let deadline = socket.deadline(after: timeout)
      return try await socket.receive(into: &bytes, upTo: limit, until: deadline)
    } catch {
      throw SocketError(.receive, address: local, reason: error)
    }
  }

  /// Gives up the name; waiting calls throw ``SocketError/Reason/closed``. Returns at once; from
  /// any thread, any number of times.
  public func close() { socket.close() }
}
