import Host
import Packets
import Synchronization
import SystemPackage

/// A socket of the kernel's, shared by the tasks that use it.
///
/// System calls run on whatever thread calls, between ``begin()`` and ``end()``: the descriptor is
/// closed by whoever leaves last, so that its number cannot be another socket's meanwhile.
///
/// The kernel reports each change of readiness once. Its reports are counted, and a call that has
/// used up what there was says of which one that was: until the next comes, a call could only
/// block, and is not made. Neither takes a lock or keeps others from their calls.
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
  private let reading: Reports
  private let writing: Reports
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
    /// Supervised waits have been ended, and no more begin.
    var endsWaits = false
    /// Whether the ends of brief waits are looked to.
    var hasBriefWatch = false
  }

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
    reading = Reports(isReady: isReady || ahead != nil)
    writing = Reports(isReady: isReady)
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
    try attempt(reading, reading.latest, body)
  }

  /// Takes what the kernel has received ahead, for which nobody needs the descriptor.
  ///
  /// - Parameter body: answers nothing where nothing is here, and whether there may be more.
  /// - Returns: nil where ``tryReading(_:)`` tells what else there is.
  @inline(__always)
  func takeAhead<Value>(
    _ body: () -> (value: Value, mayHaveMore: Bool)?
  ) throws(SocketError.Reason) -> Value? {
    if uses.load(ordering: .acquiring) & 1 == 1 { throw .closed }
    guard let report = reading.latest, let found = body() else { return nil }
    if !found.mayHaveMore, !hasEnded.load(ordering: .relaxed) { reading.use(report) }
    return found.value
  }

  /// Whether a system call that reads may find something, by what the kernel has reported.
  func tryReadiness() throws(SocketError.Reason) -> Attempt<Void> {
    if uses.load(ordering: .acquiring) & 1 == 1 { throw .closed }
    return reading.latest == nil ? .wouldBlock : .done(())
  }

  /// Makes a system call that may find no room to write. As ``tryReading(_:)``.
  ///
  /// - Parameter unlessReportedFull: false to make it whatever the last one came to.
  @inline(__always)
  func tryWriting<Value>(
    unlessReportedFull: Bool = true,
    _ body: (KernelSocket) throws(Errno) -> (value: Value, mayHaveMore: Bool)?
  ) throws(SocketError.Reason) -> Attempt<Value> {
    try attempt(writing, unlessReportedFull ? writing.latest : writing.count, body)
  }

  /// - Parameter report: the latest when the call is made: what is reported during it is not used
  ///   up by it. nil where it would block.
  @inline(__always)
  private func attempt<Value>(
    _ reports: borrowing Reports, _ report: UInt?,
    _ body: (KernelSocket) throws(Errno) -> (value: Value, mayHaveMore: Bool)?
  ) throws(SocketError.Reason) -> Attempt<Value> {
    guard let report else {
      if uses.load(ordering: .acquiring) & 1 == 1 { throw .closed }
      return .wouldBlock
    }
    // After an error the next call is to be made, whatever it finds.
    return try use { socket throws(Errno) in
      guard let found = try body(socket) else {
        reports.use(report)
        return .wouldBlock
      }
      if !found.mayHaveMore, !hasEnded.load(ordering: .relaxed) { reports.use(report) }
      return .done(found.value)
    }
  }

  // MARK: Waiting

  // Whoever is taken out is woken when the lock is free again: to resume a task takes a lock of the
  // task's, which is held while a cancellation handler runs, and the handler takes the lock here.

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) {
    if let deadline = waiter.deadline, deadline <= HostClock.now() {
      return waiter.wake(.deadlineExceeded)
    }
    // On another thread an alarm costs more than to prepare for cancellation.
    let isBrief = waiter.patience == .brief
    if isBrief, !lease.core.reactor.isCurrent { return waiter.wake(.outlasted) }
    var isFirstBrief = false
    let refusal = queues.withLock { queues -> WaitOutcome? in
      if queues.isClosed { return .closed }
      isFirstBrief = isBrief && !queues.hasBriefWatch
      switch waiter.patience {
      // One of so many that to ask each time would be felt.
      case .brief: if isFirstBrief, waiter.isCancelled { return .cancelled }
      // Whoever cancels the task from now on finds the waiter in its place.
      case .supervised: if queues.endsWaits { return .outlasted }
      case .lasting: if waiter.isCancelled { return .cancelled }
      }
      switch direction {
      case .reading:
        if reading.latest != nil { return .happened }
        queues.reading.append(waiter)
      case .writing:
        if writing.latest != nil { return .happened }
        queues.writing.append(waiter)
      }
      if isFirstBrief { queues.hasBriefWatch = true }
      return nil
    }
    if let refusal { return waiter.wake(refusal) }
    if isFirstBrief { lease.core.watchBriefWaits(on: self, upTo: waiter.number) }
    if waiter.deadline != nil {
      lease.core.setAlarm(
        for: waiter, at: KernelCore.Place(handle: self, direction: direction))
    }
  }

  /// Ends the brief waits that began before some time, known by their numbers.
  ///
  /// - Returns: the number of the latest that goes on; nil where there is none to look to.
  func endBriefWaits(upTo number: UInt64) -> UInt64? {
    var (readers, writers, latest) = queues.withLock { queues in
      let readers = queues.reading.takeBrief(upTo: number)
      let writers = queues.writing.takeBrief(upTo: number)
      let latest = max(queues.reading.latestBrief ?? 0, queues.writing.latestBrief ?? 0)
      queues.hasBriefWatch = latest > 0
      return (readers, writers, latest)
    }
    readers.wakeAll(.outlasted)
    writers.wakeAll(.outlasted)
    return latest > 0 ? latest : nil
  }

  /// Has everybody who waits try again, and wait prepared from now on.
  func endWaits() {
    var (readers, writers) = queues.withLock { queues in
      queues.endsWaits = true
      return (queues.reading.takeAll(), queues.writing.takeAll())
    }
    readers.wakeAll(.outlasted)
    writers.wakeAll(.outlasted)
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

  /// What the kernel has reported. On the reactor's thread.
  func note(_ readiness: PollEvent.Readiness) {
    if !readiness.isDisjoint(with: [.remoteClosed, .hungUp, .failed]) {
      hasEnded.store(true, ordering: .relaxed)
    }
    let mayRead = readiness != .writable
    let mayWrite = !readiness.isDisjoint(with: [.writable, .hungUp, .failed])
    if mayRead { reading.add() }
    if mayWrite { writing.add() }
    var (readers, writers) = queues.withLock { queues in
      (
        mayRead ? queues.reading.takeAll() : WaitQueue(),
        mayWrite ? queues.writing.takeAll() : WaitQueue()
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
      return (queues.reading.takeAll(), queues.writing.takeAll())
    }
    readers.wakeAll(.closed)
    writers.wakeAll(.closed)
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

/// What the kernel has reported of one direction of a socket, and what of it calls have used up.
///
/// Only the reactor's thread adds; any thread asks and uses up. A call that began before another's
/// may mark an older report than that did: then the next call is made for nothing, never one
/// forgone.
private struct Reports: ~Copyable {
  private let added: Atomic<UInt>
  private let used = Atomic<UInt>(0)

  init(isReady: Bool) { added = Atomic(isReady ? 1 : 0) }

  /// How many reports there have been.
  var count: UInt { added.load(ordering: .acquiring) }

  /// The latest report's number, if it is not used up.
  var latest: UInt? {
    let count = count
    return used.load(ordering: .acquiring) == count ? nil : count
  }

  func add() { added.store(added.load(ordering: .relaxed) &+ 1, ordering: .releasing) }

  func use(_ report: UInt) { used.store(report, ordering: .releasing) }
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
