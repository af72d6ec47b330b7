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

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) {
    core.enlist(waiter, at: WaitPoint(socket: handle, direction: direction))
  }

  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    core.post(.cancel(number: number, WaitPoint(socket: handle, direction: direction)))
  }

  /// Closes once; what comes later finds it closed.
  func close() { end(.close(handle)) }

  func abort() { end(.abort(handle)) }

  private func end(_ command: StackCore.Command) {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    core.post(command)
  }
}

/// Behind a public socket, where it is a stack's of ours: it waits and closes as that does.
protocol StackImplementation: SocketImplementation {
  var socket: StackSocket { get }
}

extension StackImplementation {
  var clock: NodeClock { socket.core.clock }
  func enlist(_ waiter: Waiter, _ direction: WaitDirection) { socket.enlist(waiter, direction) }
  package func value(
    of option: SocketOptionName
  ) async throws(SocketError.Reason) -> OptionValue {
    try socket.mustBeOpen()
    return try await socket.core.value(of: option, socket.handle)
  }
  package func set(
    _ option: SocketOptionName, to value: OptionValue
  ) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.set(option, to: value, socket.handle)
  }
  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    socket.withdraw(waiter: number, direction)
  }
  func close() { socket.close() }
}

extension StackImplementation where Self: DatagramImplementation {
  func changeMembership(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?,
    on interface: String?
  ) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.changeMembership(
      socket.handle, change, group, from: source, on: interface)
  }
}
