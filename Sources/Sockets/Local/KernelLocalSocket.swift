import Host
import Packets
import Synchronization
import SystemPackage

/// A socket of the kernel's between processes, as the public ones hold it.
final class KernelLocalSocket: LocalImplementation, KernelImplementation {
  let handle: KernelHandle
  private let lease: KernelLease
  /// The file that stands for it, to be removed with it.
  private let path = Mutex<String?>(nil)

  /// - Parameter socket: owned from now on.
  init(_ socket: LocalSocket, _ lease: KernelLease) {
    self.lease = lease
    handle = KernelHandle(KernelSocket(socket.descriptor, isIPv6: false), lease)
  }

  deinit { removeFile() }

  /// Has the kernel report what it is ready for. Once, before anybody waits.
  func register() throws(SocketError.Reason) { try handle.register() }

  private func use<Value>(
    _ body: (LocalSocket) throws(Errno) -> Value
  ) throws(SocketError.Reason) -> Value {
    try handle.use { socket throws(Errno) in try body(LocalSocket(socket.descriptor)) }
  }

  // MARK: Names

  func bind(to name: LocalAddress) throws(SocketError.Reason) {
    let bytes = try name.bytes
    try use { socket throws(Errno) in try socket.bind(to: bytes) }
    if case .path(let file) = name { path.withLock { $0 = file } }
  }

  func address(ofPeer: Bool) throws(SocketError.Reason) -> LocalAddress {
    LocalAddress(
      bytes: try use { socket throws(Errno) in try socket.name(ofPeer: ofPeer) })
  }

  func peerCredentials() throws(SocketError.Reason) -> LocalConnection.Credentials {
    let found = try use { socket throws(Errno) in try socket.peerCredentials() }
    return LocalConnection.Credentials(
      process: found.process, user: found.user, group: found.group)
  }

  // MARK: Connecting

  func listen(backlog: Int) throws(SocketError.Reason) {
    try use { socket throws(Errno) in try socket.listen(backlog: backlog) }
  }

  /// - Returns: false where the listener's backlog is full: try again later.
  func connect(to name: [UInt8]) throws(SocketError.Reason) -> Bool {
    try use { socket throws(Errno) in try socket.connect(to: name) }
  }

  func tryAccept() throws(SocketError.Reason) -> Attempt<any LocalImplementation> {
    let attempt = try handle.tryReading { socket throws(Errno) in
      (try LocalSocket(socket.descriptor).accept()).map { (value: $0, mayHaveMore: true) }
    }
    guard case .done(let accepted) = attempt else { return .wouldBlock }
    let socket = KernelLocalSocket(accepted, lease)
    try socket.register()
    return .done(socket)
  }

  // MARK: Messages

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>, upTo limit: Int
  ) throws(SocketError.Reason) -> Attempt<LocalMessage> {
    try handle.tryReading { socket throws(Errno) in
      (try LocalSocket(socket.descriptor).receive(into: &bytes, upTo: limit)).map {
        (value: LocalMessage($0), mayHaveMore: true)
      }
    }
  }

  func trySend(
    _ bytes: Span<UInt8>, to remote: LocalAddress?, passing descriptors: [FileDescriptor]
  ) throws(SocketError.Reason) -> Attempt<Int> {
    let name = try remote?.bytes ?? []
    // One receiver without room says nothing about the others, nor does anybody tell of its room.
    return try handle.tryWriting(unlessReportedFull: remote == nil) { socket throws(Errno) in
      (try LocalSocket(socket.descriptor).send(bytes, to: name, passing: descriptors)).map {
        (value: $0, mayHaveMore: true)
      }
    }
  }

  /// The kernel reports that a message of this socket's own has left a receiver's queue, but not
  /// that others have made room there: then only time helps.
  func waitForRoom(
    at remote: LocalAddress?, until deadline: Instant?, _ patience: inout Patience,
    _ pause: inout Pause
  ) async throws(SocketError.Reason) {
    guard remote != nil else { return try await wait(.writing, until: deadline, &patience) }
    let next = pause.end(from: clock.moment)
    if let deadline, deadline <= next {
      return try await wait(.writing, until: deadline, &patience)
    }
    do {
      try await wait(.writing, until: next, &patience)
    } catch .deadlineExceeded {
      return
    }
  }

  func shutdownSend() throws(SocketError.Reason) {
    try use { socket throws(Errno) in try socket.shutdownSend() }
  }

  // MARK: Waiting and the end

  func close() {
    removeFile()
    handle.close()
  }

  private func removeFile() {
    guard let file = path.withLock({ $0.take() }) else { return }
    HostFile.remove(file)
  }
}
