import Addresses
import Packets
import ProtocolStack

/// A TCP listener of a stack of ours.
final class StackListener: ListenerImplementation, StackImplementation {
  let socket: StackSocket

  init(_ socket: StackSocket) { self.socket = socket }

  func tryAccept() throws(SocketError.Reason) -> Attempt<TCPConnection> {
    try socket.mustBeOpen()
    let core = socket.core
    guard core.isCurrent else { return .elsewhere }
    guard case .done(let handle) = try core.tryAccept(socket.handle) else { return .wouldBlock }
    return .done(try StackConnection.make(handle, socket.lease, core.knownAddresses(handle)))
  }

  func accept(until deadline: Instant?) async throws(SocketError.Reason) -> TCPConnection {
    try await StackConnection.make(
      socket.core.accept(socket.handle, until: deadline), socket.lease)
  }
}
