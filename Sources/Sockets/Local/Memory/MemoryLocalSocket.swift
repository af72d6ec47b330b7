import Packets
import Synchronization
import SystemPackage

/// A local socket of a node of ours, as the public ones hold it. It keeps the node.
///
/// Calls are made on the caller's own thread, under the lock of the node's ``LocalSpace``.
final class MemoryLocalSocket: LocalImplementation {
  private let number: LocalSpace.Number
  private let lease: StackLease
  private let isClosed = Atomic(false)

  /// - Parameter number: owned from now on.
  init(_ number: LocalSpace.Number, _ lease: StackLease) {
    self.number = number
    self.lease = lease
  }

  deinit { close() }

  private func use<Value>(
    _ body: (inout LocalSpace) throws(SocketError.Reason) -> Value
  ) throws(SocketError.Reason) -> Value {
    if isClosed.load(ordering: .relaxed) { throw .closed }
    return try lease.core.useLocalSpace(body)
  }

  func address(ofPeer: Bool) throws(SocketError.Reason) -> LocalAddress {
    try use { space throws(SocketError.Reason) in try space.name(number, ofPeer: ofPeer) }
  }

  func peerCredentials() throws(SocketError.Reason) -> LocalConnection.Credentials {
    throw .unsupported
  }

  func tryAccept() throws(SocketError.Reason) -> Attempt<any LocalImplementation> {
    let accepted = try use { space throws(SocketError.Reason) in try space.accept(number) }
    guard let accepted else { return .wouldBlock }
    return .done(MemoryLocalSocket(accepted, lease))
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>, upTo limit: Int
  ) throws(SocketError.Reason) -> Attempt<LocalMessage> {
    let message = try use { space throws(SocketError.Reason) in
      try space.receive(number, into: &bytes)
    }
    guard let message else { return .wouldBlock }
    return .done(message)
  }

  func trySend(
    _ bytes: Span<UInt8>, to remote: LocalAddress?, passing descriptors: [FileDescriptor]
  ) throws(SocketError.Reason) -> Attempt<Int> {
    guard descriptors.isEmpty else { throw .unsupported }
    let count = try use { space throws(SocketError.Reason) -> Int? in
      guard let remote else { return try space.send(bytes, from: number) }
      return switch try space.send(bytes, from: number, to: remote) {
      case .sent: bytes.count
      case .full: nil
      }
    }
    guard let count else { return .wouldBlock }
    return .done(count)
  }

  func waitForRoom(
    at remote: LocalAddress?, until deadline: Instant?, _ patience: inout Patience,
    _ pause: inout Pause
  ) async throws(SocketError.Reason) {
    guard let remote else { return try await wait(.writing, until: deadline, &patience) }
    let receiver = try use { space throws(SocketError.Reason) in
      try space.find(remote, .datagram)
    }
    try await MemoryLocalRoom(receiver, lease).wait(.writing, until: deadline, &patience)
  }

  func shutdownSend() throws(SocketError.Reason) {
    try use { space throws(SocketError.Reason) in try space.shutdownSend(number) }
  }

  // MARK: Waiting and the end

  var clock: NodeClock { lease.core.clock }

  private func place(_ direction: WaitDirection) -> LocalSpace.Place {
    LocalSpace.Place(socket: number, queue: direction == .reading ? .reading : .writing)
  }

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) {
    lease.core.enlist(waiter, at: place(direction))
  }

  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    lease.core.wake(number, at: place(direction), .cancelled)
  }

  func close() {
    guard !isClosed.exchange(true, ordering: .relaxed) else { return }
    lease.core.useLocalSpace { $0.close(number) }
  }
}

/// The room at a socket of somebody else's, which tasks wait for that send to it or connect.
final class MemoryLocalRoom: SocketImplementation {
  private let place: LocalSpace.Place
  private let lease: StackLease

  init(_ number: LocalSpace.Number, _ lease: StackLease) {
    place = LocalSpace.Place(socket: number, queue: .delivering)
    self.lease = lease
  }

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) {
    lease.core.enlist(waiter, at: place)
  }

  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    lease.core.wake(number, at: place, .cancelled)
  }

  /// The socket is not its own.
  func close() {}
}
