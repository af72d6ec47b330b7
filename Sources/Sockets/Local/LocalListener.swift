/// Takes connections of processes of this machine in, or of tasks with a node of ours. Closes when
/// its last reference goes; a file that stands for it goes with it.
public final class LocalListener: Sendable {
  /// Its name, the one that was chosen where none was given.
  public let local: LocalAddress
  /// What the connections carry.
  public let kind: LocalConnection.Kind
  private let socket: any LocalImplementation

  init(
    _ socket: any LocalImplementation, _ kind: LocalConnection.Kind
  ) throws(SocketError.Reason) {
    self.socket = socket
    self.kind = kind
    local = try socket.address(ofPeer: false)
  }

  deinit { socket.close() }

  /// Waits for the next connection. Any number of tasks may wait; each gets another. A cancelled
  /// wait takes no connection away.
  public func accept(timeout: Duration? = nil) async throws(SocketError) -> LocalConnection {
    do throws(SocketError.Reason) {
      let deadline = socket.deadline(after: timeout)
      return try LocalConnection(try await socket.accept(until: deadline), kind)
    } catch {
      throw SocketError(.accept, address: local, reason: error)
    }
  }

  /// The connections as they come. The sequence ends when the listener is closed; cancellation ends
  /// it with an error.
  public var connections: Arrivals<LocalConnection> {
    Arrivals { () async throws(SocketError) in try await self.accept() }
  }

  /// Listens no more: waiting calls throw ``SocketError/Reason/closed``. Returns at once; from any
  /// thread, any number of times.
  public func close() { socket.close() }
}
