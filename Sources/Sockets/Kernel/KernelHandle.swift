import Host
import Packets
import Synchronization
import SystemPackage

/// A socket of the kernel's, shared by the tasks that use it.
///
/// System calls run on whatever thread calls, between ``begin()`` and ``end()``: the descriptor is
/// closed by whoever leaves last, so that its number cannot be another socket's meanwhile.
///
/// The kernel reports each change of readiness once. What it has reported is remembered until a
/// call has used it up, and a call that could only block is not made.
///
/// It hears from epoll; or from io_uring, where the kernel works ahead for it.
final class KernelHandle: Sendable {
  let socket: KernelSocket
  let lease: KernelLease
  /// What the kernel does for the socket before anybody asks; nil where epoll watches it.
  let ahead: (any WorkAhead)?
  private let slot = Atomic<Int>(-1)
  /// Calls under way, doubled, and one more when the socket is closed.
  private let uses = Atomic<Int>(0)
  private let hasGone = Atomic(false)
  private let isReadable: Atomic<Bool>
  private let isWritable: Atomic<Bool>
  /// The peer has ended its stream, or the socket has failed: no more changes may follow.
  private let hasEnded = Atomic(false)
  /// io_uring may have something to do with it.
  private let hasAsked = Atomic(false)
  private let isAborted = Atomic(false)
  private let queues = Mutex(Queues())

  private struct Queues {
    var reading = WaitQueue()
    var writing = WaitQueue()
    var isClosed = false
  }

  /// Whether tasks may wait, so that a call that found more can tell without the lock.
  private let hasReaders = Atomic(false)
  private let hasWriters = Atomic(false)

  /// - Parameters:
  ///   - socket: owned from now on.
  ///   - ahead: nil to be watched by epoll.
  ///   - isReady: false for one whose handshake has begun.
  init(
    _ socket: KernelSocket, _ lease: KernelLease, ahead: (any WorkAhead)? = nil,
    isReady: Bool = true
  ) {
    self.socket = socket
    self.lease = lease
    self.ahead = ahead
    // Where the kernel works ahead, it is a reader who finds out that there is nothing.
    isReadable = Atomic(isReady || ahead != nil)
    isWritable = Atomic(isReady)
  }

  deinit {
    if !hasGone.load(ordering: .acquiring) { socket.close() }
  }

  /// Has the kernel report what it is ready for. Once, before it is used.
  func register() throws(SocketError.Reason) {
    if ahead != nil { return }
    do {
      slot.store(try lease.core.register(self), ordering: .releasing)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  /// Has the kernel report when there is room to write, which epoll does unasked. During a use.
  func awaitRoom() {
    if ahead != nil { ask(.writable) }
  }

  /// Asks for what io_uring is to do. During a use.
  func ask(_ request: RingEngine.Request) {
    hasAsked.store(true, ordering: .relaxed)
    lease.core.ask(request, for: self)
  }

  // MARK: Use

  /// - Throws: ``SocketError/Reason/closed``; there is nothing to end then.
  private func begin() throws(SocketError.Reason) {
    if uses.add(2, ordering: .acquiring).oldValue & 1 == 1 {
      end()
      throw .closed
    }
  }

  private func end() {
    if uses.subtract(2, ordering: .acquiringAndReleasing).newValue == 1 { closeDescriptor() }
  }

  /// Makes system calls on the socket.
  @inline(__always)
  func use<Value>(
    _ body: (KernelSocket) throws(Errno) -> Value
  ) throws(SocketError.Reason) -> Value {
    try begin()
    defer { end() }
    do throws(Errno) {
      return try body(socket)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  /// Makes a system call that may find nothing to read.
  ///
  /// - Parameter body: answers nothing where it would block, and whether there may be more.
  @inline(__always)
  func tryReading<Value>(
    _ body: (KernelSocket) throws(Errno) -> (value: Value, mayHaveMore: Bool)?
  ) throws(SocketError.Reason) -> Attempt<Value> {
    guard isReadable.load(ordering: .acquiring) else {
      return try use { _ throws(Errno) in .wouldBlock }
    }
    // Before the call: what the kernel reports during it must not be lost.
    isReadable.store(false, ordering: .sequentiallyConsistent)
    return try use { socket throws(Errno) in
      // After an error the next call is to be made, whatever it finds.
      var mayHaveMore = true
      defer { if mayHaveMore { setReadable() } }
      guard let found = try body(socket) else {
        mayHaveMore = false
        return .wouldBlock
      }
      mayHaveMore = found.mayHaveMore || hasEnded.load(ordering: .relaxed)
      return .done(found.value)
    }
  }

  /// Whether a system call that reads may find something, by what the kernel has reported.
  func tryReadiness() throws(SocketError.Reason) -> Attempt<Void> {
    try begin()
    defer { end() }
    return isReadable.load(ordering: .acquiring) ? .done(()) : .wouldBlock
  }

  /// Makes a system call that may find no room to write. As ``tryReading(_:)``.
  ///
  /// - Parameter unlessReportedFull: false to make it whatever the last one came to.
  @inline(__always)
  func tryWriting<Value>(
    unlessReportedFull: Bool = true,
    _ body: (KernelSocket) throws(Errno) -> (value: Value, mayHaveMore: Bool)?
  ) throws(SocketError.Reason) -> Attempt<Value> {
    guard !unlessReportedFull || isWritable.load(ordering: .acquiring) else {
      return try use { _ throws(Errno) in .wouldBlock }
    }
    isWritable.store(false, ordering: .sequentiallyConsistent)
    return try use { socket throws(Errno) in
      var mayHaveMore = true
      defer { if mayHaveMore { setWritable() } }
      guard let found = try body(socket) else {
        mayHaveMore = false
        return .wouldBlock
      }
      mayHaveMore = found.mayHaveMore || hasEnded.load(ordering: .relaxed)
      return .done(found.value)
    }
  }

  /// Lets the next call be made, also by those who came to wait during the one that found more.
  private func setReadable() {
    isReadable.store(true, ordering: .sequentiallyConsistent)
    guard hasReaders.load(ordering: .sequentiallyConsistent) else { return }
    var readers = queues.withLock { takeReaders(&$0) }
    readers.wakeAll(.happened)
  }

  private func setWritable() {
    isWritable.store(true, ordering: .sequentiallyConsistent)
    guard hasWriters.load(ordering: .sequentiallyConsistent) else { return }
    var writers = queues.withLock { takeWriters(&$0) }
    writers.wakeAll(.happened)
  }

  // Whoever is taken out is woken when the lock is free again: to resume a task takes a lock of the
  // task's, which is held while a cancellation handler runs, and the handler takes the lock here.

  private func takeReaders(_ queues: inout Queues) -> WaitQueue {
    hasReaders.store(false, ordering: .sequentiallyConsistent)
    return queues.reading.takeAll()
  }

  private func takeWriters(_ queues: inout Queues) -> WaitQueue {
    hasWriters.store(false, ordering: .sequentiallyConsistent)
    return queues.writing.takeAll()
  }

  // MARK: Waiting

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) {
    if let deadline = waiter.deadline, deadline <= HostClock.now() {
      return waiter.wake(.deadlineExceeded)
    }
    // On another thread an alarm costs more than to prepare for cancellation.
    if waiter.patience == .brief, !lease.core.reactor.isCurrent { return waiter.wake(.outlasted) }
    let refusal = queues.withLock { queues -> WaitOutcome? in
      if queues.isClosed { return .failed(.closed) }
      // Whoever cancels the task from now on finds the waiter in its place.
      if waiter.isCancelled { return .cancelled }
      switch direction {
      case .reading:
        hasReaders.store(true, ordering: .sequentiallyConsistent)
        if isReadable.load(ordering: .sequentiallyConsistent) { return .happened }
        queues.reading.append(waiter)
      case .writing:
        hasWriters.store(true, ordering: .sequentiallyConsistent)
        if isWritable.load(ordering: .sequentiallyConsistent) { return .happened }
        queues.writing.append(waiter)
      }
      return nil
    }
    if let refusal { return waiter.wake(refusal) }
    if waiter.patience == .brief || waiter.deadline != nil {
      lease.core.setAlarm(
        for: waiter, at: KernelCore.Place(handle: self, direction: direction))
    }
  }

  /// Wakes one waiter, if it still waits.
  func wake(_ number: UInt64, _ direction: WaitDirection, _ outcome: WaitOutcome) {
    let waiter = queues.withLock { queues in
      switch direction {
      case .reading: queues.reading.remove(number: number)
      case .writing: queues.writing.remove(number: number)
      }
    }
    waiter?.wake(outcome)
  }

  func isWaiting(_ alarm: Alarms<KernelCore.Place>.Alarm) -> Bool {
    queues.withLock { queues in
      switch alarm.place.direction {
      case .reading: queues.reading.contains(number: alarm.number)
      case .writing: queues.writing.contains(number: alarm.number)
      }
    }
  }

  /// What the kernel has reported.
  func note(_ readiness: PollEvent.Readiness) {
    if !readiness.isDisjoint(with: [.remoteClosed, .hungUp, .failed]) {
      hasEnded.store(true, ordering: .relaxed)
    }
    let mayRead = readiness != .writable
    let mayWrite = !readiness.isDisjoint(with: [.writable, .hungUp, .failed])
    if mayRead { isReadable.store(true, ordering: .sequentiallyConsistent) }
    if mayWrite { isWritable.store(true, ordering: .sequentiallyConsistent) }
    var (readers, writers) = queues.withLock { queues in
      (
        mayRead ? takeReaders(&queues) : WaitQueue(), mayWrite ? takeWriters(&queues) : WaitQueue()
      )
    }
    readers.wakeAll(.happened)
    writers.wakeAll(.happened)
  }

  // MARK: The end

  /// Closes once, as soon as no call is under way; who waits is told.
  ///
  /// - Returns: whether it was open.
  @discardableResult
  func close() -> Bool {
    let old = uses.bitwiseOr(1, ordering: .acquiringAndReleasing).oldValue
    guard old & 1 == 0 else { return false }
    var (readers, writers) = queues.withLock { queues in
      queues.isClosed = true
      return (takeReaders(&queues), takeWriters(&queues))
    }
    readers.wakeAll(.failed(.closed))
    writers.wakeAll(.failed(.closed))
    if old == 0 { closeDescriptor() }
    return true
  }

  /// As ``close()``, with a reset.
  func abort() {
    try? use { socket throws(Errno) in
      isAborted.store(true, ordering: .relaxed)
      try socket.resetOnClose()
    }
    close()
  }

  private func closeDescriptor() {
    guard !hasGone.exchange(true, ordering: .acquiringAndReleasing) else { return }
    if let ahead {
      guard hasAsked.load(ordering: .relaxed) else { return finish() }
      // The thread that lets go of it comes later; the peer and the port's next user hear now.
      if !lease.core.reactor.isCurrent {
        socket.end(resets: isAborted.load(ordering: .relaxed) || ahead.hasUnread)
      }
      return lease.core.end(self)
    }
    let slot = slot.load(ordering: .acquiring)
    if slot >= 0 { lease.core.unregister(slot, self) }
    finish()
  }

  /// Closes the descriptor, which nobody uses any more.
  func finish() {
    // RFC 2525 §2.17: the peer hears that its bytes were not read. Of those that the kernel still
    // has, it says so itself.
    if ahead?.drop() ?? false { try? socket.resetOnClose() }
    socket.close()
    lease.core.resume()
  }

  /// Whether it was closed and no call is under way.
  var isGone: Bool { hasGone.load(ordering: .acquiring) }

  /// Where the ring's engine keeps it, on the reactor's thread.
  var place: Int? {
    get {
      let slot = slot.load(ordering: .relaxed)
      return slot < 0 ? nil : slot
    }
    set { slot.store(newValue ?? -1, ordering: .relaxed) }
  }
}

/// Behind a public socket, where it is the kernel's: it waits and closes as its handle does.
protocol KernelImplementation: SocketImplementation {
  var handle: KernelHandle { get }
}

extension KernelImplementation {
  func enlist(_ waiter: Waiter, _ direction: WaitDirection) { handle.enlist(waiter, direction) }
  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    handle.wake(number, direction, .cancelled)
  }
  func close() { handle.close() }
}
