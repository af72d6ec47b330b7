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
    let socket: SocketHandle
    do {
      socket = try stack.connectTCP(to: remote, from: local, options: options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
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
    do {
      return try stack.listenTCP(
        on: local, backlog: backlog, ipv6Only: ipv6Only, sharesPort: choices.reusesPort,
        options: options,
        at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  nonisolated func tryAccept(
    _ listener: SocketHandle
  ) throws(SocketError.Reason) -> Attempt<SocketHandle> {
    do {
      guard let socket = try stack.acceptTCP(listener, at: now) else { return .wouldBlock }
      return .done(socket)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func accept(
    _ listener: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) -> SocketHandle {
    while true {
      let seen = newsCount(listener, .reading)
      if case .done(let socket) = try tryAccept(listener) { return socket }
      try await waitForReading(listener, since: seen, until: deadline)
    }
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
    while true {
      let seen = newsCount(socket, .reading)
      if isReadable(socket) { return }
      try await waitForReading(socket, since: seen, until: deadline)
    }
  }

  nonisolated func tryRead(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Int> {
    do {
      return switch try stack.read(socket, into: &bytes, at: now) {
      case .bytes(let count): .done(count)
      case .endOfStream: .done(0)
      case .wouldBlock: .wouldBlock
      }
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func read(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Int {
    while true {
      let seen = newsCount(socket, .reading)
      if case .done(let count) = try tryRead(socket, into: &bytes) { return count }
      try await waitForReading(socket, since: seen, until: deadline)
    }
  }

  // MARK: Writing

  /// - Returns: how many bytes were taken; fewer than all means that the rest would block.
  nonisolated func tryWrite(
    _ socket: SocketHandle, _ bytes: Span<UInt8>
  ) throws(SocketError.Reason) -> Int {
    do {
      return try stack.send(socket, bytes, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func write(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    var written = 0
    while true {
      let seen = newsCount(socket, .writing)
      written += try tryWrite(socket, bytes.extracting(droppingFirst: written))
      if written == bytes.count { return }
      try await waitForWriting(socket, since: seen, until: deadline)
    }
  }

  nonisolated func tryShutdownSend(_ socket: SocketHandle) throws(SocketError.Reason) {
    do {
      try stack.shutdownSend(socket, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
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
    do {
      try stack.setOptions(socket, options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
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

  /// The count of events on a socket; to be taken before the try that may block.
  func newsCount(_ socket: SocketHandle, _ direction: WaitDirection) -> UInt32 {
    waiters.newsCount(at: WaitPoint(socket: socket, direction: direction))
  }

  func waitForReading(
    _ socket: SocketHandle, since seen: UInt32, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    let point = WaitPoint(socket: socket, direction: .reading)
    try await wait(for: point, since: seen, until: deadline).check()
  }

  func waitForWriting(
    _ socket: SocketHandle, since seen: UInt32, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    let point = WaitPoint(socket: socket, direction: .writing)
    try await wait(for: point, since: seen, until: deadline).check()
  }
}
