import ProtocolStack

/// What a task waits for: one direction of a socket.
struct WaitPoint: Hashable, Sendable {
  enum Direction: UInt8, Sendable {
    /// Data, a datagram, a connection to accept, the end.
    case reading
    /// Room to write, the end of a handshake.
    case writing
  }

  let socket: SocketHandle
  let direction: Direction
}

/// Why a wait is over.
enum WaitOutcome: Sendable {
  /// Something happened; what, the next try tells.
  case happened
  /// The socket failed or was closed.
  case failed(SocketError.Reason)
  /// The caller's task was cancelled.
  case cancelled
  /// The caller's time is over.
  case deadlineExceeded
}
