import ProtocolStack

/// What a task waits for: one direction of a socket.
struct WaitPoint: Hashable, Sendable {
  let socket: SocketHandle
  let direction: WaitDirection
}
