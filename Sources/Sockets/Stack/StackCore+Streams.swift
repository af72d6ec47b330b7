import Addresses
import Packets
import ProtocolStack

// `try…` is for a caller on this thread, in the actor or not: it answers at once or says that it
// would block. The waiting twin is the way here from other threads.
extension StackCore {
  // MARK: Connecting

  func connect(
    to remote: SocketAddress, from local: SocketAddress?, _ choices: TCPOptions,
    timeout: Duration?
  ) async throws(SocketError.Reason) -> SocketHandle {
    let options = try options(choices)
    let deadline = clock.deadline(after: timeout)
    obeyCommands()
    try remote.mustNameLink(or: local?.zone ?? 0)
    try local?.mustNameLink(or: remote.zone)
    let socket = try ask(stack.connectTCP(to: remote, from: local, options: options, at: now))
    let point = WaitPoint(socket: socket, direction: .writing)
    let outcome = await wait(
      for: point, since: waiters.newsCount(at: point), until: deadline)
    switch outcome {
    case .happened, .outlasted: return socket
    case .failed(let error):
      stack.close(socket, at: now)
      throw SocketError.Reason(error)
    case .closed, .networkDown: stack.close(socket, at: now)
    case .cancelled, .deadlineExceeded: stack.abort(socket, at: now)
    }
    try outcome.check()
    return socket
  }

  // MARK: Listening

  func listen(
    on local: SocketAddress, backlog: Int, ipv6Only: Bool, _ choices: TCPOptions
  ) throws(SocketError.Reason) -> SocketHandle {
    let options = try options(choices)
    obeyCommands()
    try local.mustNameLink()
    return try ask(
      stack.listenTCP(
        on: local, backlog: backlog, ipv6Only: ipv6Only, sharesPort: choices.reusesPort,
        options: options, at: now))
  }

  nonisolated func tryAccept(
    _ listener: SocketHandle
  ) throws(SocketError.Reason) -> Attempt<SocketHandle> {
    Attempt(try ask(stack.acceptTCP(listener, at: now)))
  }

  func accept(
    _ listener: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) -> SocketHandle {
    try await outlast(listener, .reading, until: deadline, tryAccept(listener))
  }

  // MARK: Reading

  /// Whether a read would come to something now: bytes, the end or an error.
  nonisolated func isReadable(_ socket: SocketHandle) -> Bool {
    guard let readiness = stack.readiness(socket) else { return true }
    return readiness.readableBytes > 0 || readiness.isFinished || readiness.failure != nil
  }

  func waitUntilReadable(
    _ socket: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await outlast(
      socket, .reading, until: deadline, isReadable(socket) ? .done(()) : .wouldBlock)
  }

  nonisolated func tryRead(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Int> {
    return switch try ask(stack.read(socket, into: &bytes, at: now)) {
    case .bytes(let count): .done(count)
    case .endOfStream: .done(0)
    case .wouldBlock: .wouldBlock
    }
  }

  func read(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Int {
    try await outlast(socket, .reading, until: deadline, tryRead(socket, into: &bytes))
  }

  // MARK: Writing

  /// - Returns: how many bytes were taken; fewer than all means that the rest would block.
  nonisolated func tryWrite(
    _ socket: SocketHandle, _ bytes: Span<UInt8>
  ) throws(SocketError.Reason) -> Int {
    try ask(stack.send(socket, bytes, at: now))
  }

  func write(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    let point = WaitPoint(socket: socket, direction: .writing)
    var written = 0
    while true {
      let seen = waiters.newsCount(at: point)
      written += try tryWrite(socket, bytes.extracting(droppingFirst: written))
      if written == bytes.count { return }
      try await wait(for: point, since: seen, until: deadline).check()
    }
  }

  nonisolated func tryShutdownSend(_ socket: SocketHandle) throws(SocketError.Reason) {
    try ask(stack.shutdownSend(socket, at: now))
  }

  func shutdownSend(_ socket: SocketHandle) throws(SocketError.Reason) {
    try tryShutdownSend(socket)
  }

  // MARK: Standing

  func setOptions(
    _ socket: SocketHandle, _ choices: TCPOptions
  ) throws(SocketError.Reason) {
    var options = try options(choices)
    if let present = stack.tcpOptions(socket) { options.keepOthers(of: present) }
    try ask(stack.setOptions(socket, options, at: now))
  }

  /// The public options in the stack's words, with the device by its number.
  func options(_ choices: TCPOptions) throws(SocketError.Reason) -> TCPSocketOptions {
    var options = try TCPSocketOptions(choices)
    options.device = try device(choices.device)
    return options
  }

  func info(_ socket: SocketHandle) throws(SocketError.Reason) -> TCPInfo {
    guard let info = stack.connectionInfo(socket) else { throw .closed }
    return info
  }

  nonisolated func knownAddresses(
    _ socket: SocketHandle
  ) -> (local: SocketAddress?, remote: SocketAddress?) {
    (stack.localAddress(socket), stack.remoteAddress(socket))
  }

  func addresses(_ socket: SocketHandle) -> (local: SocketAddress?, remote: SocketAddress?) {
    knownAddresses(socket)
  }

  // MARK: Waiting in one direction

  /// Makes a call that does not wait until it is done, and waits in between.
  @inline(__always)
  func outlast<Value>(
    _ socket: SocketHandle, _ direction: WaitDirection, until deadline: Instant?,
    _ attempt: @autoclosure () throws(SocketError.Reason) -> Attempt<Value>
  ) async throws(SocketError.Reason) -> Value {
    let point = WaitPoint(socket: socket, direction: direction)
    while true {
      // Counted before the try: turns may pass between that and the wait.
      let seen = waiters.newsCount(at: point)
      if case .done(let value) = try attempt() { return value }
      try await wait(for: point, since: seen, until: deadline).check()
    }
  }
}
