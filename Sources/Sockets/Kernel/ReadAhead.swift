import DequeModule
import Host
import Synchronization
import SystemPackage

/// What the kernel has received for a connection before anybody asked.
///
/// While a connection is quiet, the kernel has a request to receive again and again, to buffers
/// that all connections of the node share, so that a read mostly is a copy and no system call. A
/// reader who finds nothing makes that request. It ends when more has come than one reader soon
/// takes, when the node has no buffer left, and at the end of the stream; from then on reads are
/// system calls, until one finds nothing again. So what waits here is bounded, the rest is where
/// the peer's window sees it, and a connection that carries much is read straight to where the
/// caller wants it.
final class ReadAhead: WorkAhead {
  private let buffers: ReceiveBuffers
  private let state = Mutex(State())
  /// So that a writer can tell without the lock.
  private let hasFailed = Atomic(false)

  /// Who receives.
  private enum Mode {
    /// Whoever reads, with a system call.
    case reader
    /// The kernel does, or is about to.
    case kernel
    /// The kernel did and has been told to stop.
    case stopping
  }

  private struct State {
    var mode = Mode.reader
    /// The last system call has found more than fits in a buffer.
    var isBulk = false
    /// The kernel's request has found the end of the stream.
    var hasEnded = false
    /// What the connection has failed with, which was not told yet.
    var failure: Errno?
    var first: Piece?
    var others: Deque<Piece> = []

    var isWorthATry: Bool { first != nil || mode == .reader || hasEnded || failure != nil }
  }

  /// Bytes in a buffer.
  private struct Piece {
    let buffer: UInt16
    var start: UInt16
    let end: UInt16
  }

  /// What a connection may have here before the kernel is to stop.
  private static let limit = 4

  init(_ buffers: ReceiveBuffers) { self.buffers = buffers }

  deinit { _ = drop() }

  // MARK: From any thread

  /// What a read comes to.
  struct Outcome {
    /// Bytes read, zero at the end of the stream; nil where nothing is here.
    var count: Int?
    /// Whether the next read may find something without hearing of it first.
    var mayHaveMore = false
    /// What is to be asked for: nil where it is under way, or not needed yet.
    var request: RingEngine.Request?
  }

  /// Reads what is here.
  ///
  /// - Returns: nil where nothing is.
  func take(into bytes: inout MutableSpan<UInt8>) -> (value: Int, mayHaveMore: Bool)? {
    state.withLock { state in
      guard state.first != nil else { return nil }
      let count = take(&state, &bytes)
      return (count, state.isWorthATry)
    }
  }

  /// Reads what is here, else what the kernel has, unless that would be received here.
  func read(
    from socket: KernelSocket, into bytes: inout MutableSpan<UInt8>
  ) throws(Errno) -> Outcome {
    // Under the lock, system call and all: two readers must not get bytes out of order.
    try state.withLock { state throws(Errno) in
      if state.first != nil {
        let count = take(&state, &bytes)
        return Outcome(count: count, mayHaveMore: state.isWorthATry)
      }
      if let failure = state.failure.take() {
        hasFailed.store(false, ordering: .relaxed)
        throw failure
      }
      if state.hasEnded { return Outcome(count: 0, mayHaveMore: true) }
      guard state.mode == .reader else { return Outcome() }
      let count = try socket.read(into: &bytes)
      state.isBulk = count ?? 0 > buffers.size
      // Where there was room for more, the next would find nothing. The end is there to be read
      // again.
      if let count, count == bytes.count || count == 0 {
        return Outcome(count: count, mayHaveMore: true)
      }
      state.mode = .kernel
      return Outcome(count: count, request: state.isBulk ? .readable : .ahead)
    }
  }

  /// Moves what the kernel has to a pipe.
  ///
  /// - Returns: nil where something else comes before, which a read gets.
  func splice(
    from socket: KernelSocket, into pipe: borrowing HostPipe
  ) throws(Errno) -> Outcome? {
    try state.withLock { state throws(Errno) in
      if state.first != nil || state.failure != nil || state.hasEnded { return nil }
      guard state.mode == .reader else { return Outcome() }
      if let count = try socket.splice(into: pipe) {
        return Outcome(count: count, mayHaveMore: true)
      }
      state.mode = .kernel
      state.isBulk = true
      return Outcome(request: .readable)
    }
  }

  /// The oldest bytes, as many as there is room for.
  private func take(_ state: inout State, _ bytes: inout MutableSpan<UInt8>) -> Int {
    var count = 0
    while let piece = state.first, count < bytes.count {
      var room = bytes._mutatingExtracting(droppingFirst: count)
      let copied = buffers.copy(piece.buffer, Int(piece.start)..<Int(piece.end), to: &room)
      count += copied
      let start = Int(piece.start) + copied
      if start < Int(piece.end) {
        state.first?.start = UInt16(clamping: start)
      } else {
        buffers.give(piece.buffer)
        state.first = state.others.popFirst()
      }
    }
    return count
  }

  /// What the connection has failed with: whoever calls next is told, once.
  func takeFailure() -> Errno? {
    guard hasFailed.load(ordering: .relaxed) else { return nil }
    return state.withLock { state in
      hasFailed.store(false, ordering: .relaxed)
      return state.failure.take()
    }
  }

  var hasUnread: Bool { state.withLock { $0.first != nil } }

  // MARK: On the reactor's thread

  func begin(_ descriptor: FileDescriptor, _ token: UInt64, with ring: borrowing CompletionRing) {
    ring.receive(descriptor, token: token)
  }

  func take(_ completion: CompletionRing.Completion) -> Bool {
    state.withLock { state in
      if let buffer = completion.buffer {
        let piece = Piece(
          buffer: buffer, start: 0, end: UInt16(clamping: max(completion.result, 0)))
        if completion.result <= 0 {
          buffers.give(buffer)
        } else if state.first == nil {
          state.first = piece
        } else {
          state.others.append(piece)
        }
      }
      switch completion.error {
      case nil: if completion.result == 0 { state.hasEnded = true }
      // It was stopped, or no buffer is left: the reader goes on from here.
      case .canceled, .noBufferSpace, .interrupted, .resourceTemporarilyUnavailable: break
      case let failure:
        state.failure = failure
        hasFailed.store(true, ordering: .relaxed)
      }
      if !completion.hasMore {
        state.mode = .reader
        return false
      }
      guard state.mode == .kernel, state.others.count >= Self.limit - 1 else { return false }
      state.mode = .stopping
      return true
    }
  }

  func becomeReadable() { state.withLock { $0.mode = .reader } }

  func drop() -> Bool {
    state.withLock { state in
      guard let first = state.first else { return false }
      buffers.give(first.buffer)
      for piece in state.others { buffers.give(piece.buffer) }
      state.first = nil
      state.others = []
      return true
    }
  }
}
