import Addresses
import ProtocolStack
import Synchronization

/// A socket of a ``StackCore``, as handles outside hold it.
final class StackSocket: Sendable {
  let handle: SocketHandle
  let lease: StackLease
  private let isClosed = Atomic(false)

  init(_ handle: SocketHandle, _ lease: StackLease) {
    self.handle = handle
    self.lease = lease
  }

  var core: StackCore { lease.core }

  /// Throws when this side has closed the socket, whatever the stack still does with it.
  func mustBeOpen() throws(SocketError.Reason) {
    if isClosed.load(ordering: .relaxed) { throw .closed }
  }

  /// Closes once; what comes later finds it closed.
  func close() { end(.close(handle)) }

  func abort() { end(.abort(handle)) }

  private func end(_ command: StackCore.Command) {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    core.post(command)
  }
}
