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
    let core = socket.core
    let deadline = core.deadline(timeout)
    while core.isCurrent {
      switch core.acceptNow(socket.handle) {
      case .done(let handle): return handle
      case .failed(let reason): throw reason
      case .wouldBlock: try await core.waitForReadingHere(socket.handle, until: deadline)
      }
    }
    return try await core.accept(socket.handle, until: deadline)
  }

  func close() { socket.close() }
}
