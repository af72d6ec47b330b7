import Addresses
import Packets
import ProtocolStack

// Each call comes twice: `…Now` for a caller on this thread, which answers at once or says that it
// would block, and the waiting one, the way here from other threads.
extension StackCore {
  // MARK: Connecting

  func connect(
    to remote: SocketAddress, from local: SocketAddress?, _ options: TCPSocketOptions,
    timeout: Duration?
  ) async throws(SocketError.Reason) -> SocketHandle {
    let deadline = deadline(timeout)
    let socket: SocketHandle
    do {
      socket = try stack.connectTCP(to: remote, from: local, options: options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
    let outcome = await wait(for: WaitPoint(socket: socket, direction: .writing), until: deadline)
    switch outcome {
    case .happened: return socket
    case .failed(let reason):
      stack.close(socket, at: now)
      throw reason
    case .cancelled:
      stack.abort(socket, at: now)
      throw .cancelled
    case .deadlineExceeded:
      stack.abort(socket, at: now)
      throw .deadlineExceeded
    }
  }

  // MARK: Listening

  func listen(
    on local: SocketAddress, backlog: Int, ipv6Only: Bool, _ options: TCPSocketOptions
  ) throws(SocketError.Reason) -> SocketHandle {
    do {
      return try stack.listenTCP(
        on: local, backlog: backlog, ipv6Only: ipv6Only, options: options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  nonisolated func acceptNow(_ listener: SocketHandle) -> Attempt<SocketHandle> {
    tryAccept(listener)
  }

  func accept(
    _ listener: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) -> SocketHandle {
    while true {
      switch tryAccept(listener) {
      case .done(let socket): return socket
      case .failed(let reason): throw reason
      case .wouldBlock: try await waitForReading(listener, until: deadline)
      }
    }
  }

  private nonisolated func tryAccept(_ listener: SocketHandle) -> Attempt<SocketHandle> {
    do {
      guard let socket = try stack.acceptTCP(listener, at: now) else { return .wouldBlock }
      return .done(socket)
    } catch {
      return .failed(SocketError.Reason(error))
    }
  }

  // MARK: Reading

  nonisolated func readNow(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) -> Attempt<Int> {
    tryRead(socket, into: &bytes)
  }

  func read(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Int {
    while true {
      switch tryRead(socket, into: &bytes) {
      case .done(let count): return count
      case .failed(let reason): throw reason
      case .wouldBlock: try await waitForReading(socket, until: deadline)
      }
    }
  }

  private nonisolated func tryRead(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) -> Attempt<Int> {
    do {
      return switch try stack.read(socket, into: &bytes, at: now) {
      case .bytes(let count): .done(count)
      case .endOfStream: .done(0)
      case .wouldBlock: .wouldBlock
      }
    } catch {
      return .failed(SocketError.Reason(error))
    }
  }

  // MARK: Writing

  /// - Returns: how many bytes were taken; fewer than all means that the rest would block.
  nonisolated func writeNow(_ socket: SocketHandle, _ bytes: Span<UInt8>) -> Attempt<Int> {
    tryWrite(socket, bytes)
  }

  func write(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    var written = 0
    while true {
      switch tryWrite(socket, bytes.extracting(droppingFirst: written)) {
      case .done(let count): written += count
      case .failed(let reason): throw reason
      case .wouldBlock: break
      }
      if written == bytes.count { return }
      try await waitForWriting(socket, until: deadline)
    }
  }

  private nonisolated func tryWrite(_ socket: SocketHandle, _ bytes: Span<UInt8>) -> Attempt<Int> {
    do {
      return .done(try stack.send(socket, bytes, at: now))
    } catch {
      return .failed(SocketError.Reason(error))
    }
  }

  nonisolated func shutdownSendNow(_ socket: SocketHandle) -> Attempt<Void> {
    do {
      return .done(try stack.shutdownSend(socket, at: now))
    } catch {
      return .failed(SocketError.Reason(error))
    }
  }

  func shutdownSend(_ socket: SocketHandle) throws(SocketError.Reason) {
    do {
      try stack.shutdownSend(socket, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  // MARK: Standing

  func setOptions(
    _ socket: SocketHandle, _ options: TCPSocketOptions
  ) throws(SocketError.Reason) {
    do {
      try stack.setOptions(socket, options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func info(_ socket: SocketHandle) throws(SocketError.Reason) -> TCPInfo {
    guard let info = stack.connectionInfo(socket) else { throw .closed }
    return info
  }

  nonisolated func addressesNow(
    _ socket: SocketHandle
  ) -> (local: SocketAddress?, remote: SocketAddress?) {
    (stack.localAddress(socket), stack.remoteAddress(socket))
  }

  func addresses(_ socket: SocketHandle) -> (local: SocketAddress?, remote: SocketAddress?) {
    (stack.localAddress(socket), stack.remoteAddress(socket))
  }

  // MARK: Waiting in one direction

  func waitForReading(
    _ socket: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await wait(for: WaitPoint(socket: socket, direction: .reading), until: deadline).check()
  }

  func waitForWriting(
    _ socket: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await wait(for: WaitPoint(socket: socket, direction: .writing), until: deadline).check()
  }

  nonisolated func waitForReadingHere(
    _ socket: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    let point = WaitPoint(socket: socket, direction: .reading)
    try await waitHere(for: point, until: deadline).check()
  }

  nonisolated func waitForWritingHere(
    _ socket: SocketHandle, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    let point = WaitPoint(socket: socket, direction: .writing)
    try await waitHere(for: point, until: deadline).check()
  }
}

extension WaitOutcome {
  /// Throws where another try makes no sense.
  func check() throws(SocketError.Reason) {
    switch self {
    case .happened: return
    case .failed(.closed): throw .closed
    case .failed(.networkDown): throw .networkDown
    // What failed may have left data behind; the next try says which comes first.
    case .failed: return
    case .cancelled: throw .cancelled
    case .deadlineExceeded: throw .deadlineExceeded
    }
  }
}
