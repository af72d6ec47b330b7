import Addresses
import ProtocolStack

/// A TCP listener of a stack of ours.
final class StackListener: ListenerImplementation {
  private let socket: StackSocket
  private let local: Endpoint

  init(_ socket: StackSocket, local: Endpoint) {
    self.socket = socket
    self.local = local
  }

  func accept(timeout: Duration?) async throws(SocketError) -> TCPConnection {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      return try await StackConnection.make(nextHandle(timeout: timeout), socket.lease)
    } catch {
      throw SocketError(.accept, local: local, reason: error)
    }
  }

  private func nextHandle(timeout: Duration?) async throws(SocketError.Reason) -> SocketHandle {
    if socket.core.isCurrent {
      switch socket.core.acceptNow(socket.handle) {
      case .done(let handle): return handle
      case .failed(let reason): throw reason
      case .wouldBlock: break
      }
    }
    return try await socket.core.accept(socket.handle, timeout: timeout)
  }

  func close() { socket.close() }
}
