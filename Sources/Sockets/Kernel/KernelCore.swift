import DequeModule
import Host
import Logging
import Packets
import Synchronization

/// What a ``HostNode``'s sockets share: the thread that hears from the kernel what they are ready
/// for, and the alarms of the tasks that wait on them.
///
/// Calls on sockets do not come here: they are system calls on the caller's own thread. Only a task
/// that must wait does.
final class KernelCore: Sendable {
  let reactor: Reactor
  /// nil where epoll alone tells of sockets.
  let ring: RingEngine?
  let logger: Logger
  private let table = Mutex(Table())
  private let commands = Mutex<[Command]>([])
  private let hasPaused = Atomic(false)
  /// Touched on the reactor's thread alone, which is checked.
  nonisolated(unsafe) private var state = State()

  /// The sockets by their tokens, less one. Those given up leave holes for the next.
  private struct Table {
    var handles: [KernelHandle?] = []
    var holes: [Int] = []
  }

  private struct State {
    var alarms = Alarms<Place>()
    var briefs = BriefWatch()
    /// When the turn has begun.
    var now = Instant(nanoseconds: 0)
    /// The deadlines that were live when the others were last forgotten.
    var liveDeadlines = 0
    /// Listeners that found no descriptor free.
    var paused: [KernelHandle] = []
    /// When they are to try again, whether one has become free or not.
    var retry: Instant?
    var isReleased = false
  }

  /// What a task waits for.
  struct Place: Sendable {
    let handle: KernelHandle
    let direction: WaitDirection
  }

  /// What other threads ask for.
  private enum Command: Sendable {
    case alarm(Waiter, Place)
    /// A listener has found no descriptor free.
    case pause(KernelHandle)
    /// A descriptor has become free.
    case resume
    /// io_uring is to do something for a socket.
    case ask(RingEngine.Request, KernelHandle)
    /// A socket that io_uring has to do with is to be closed.
    case end(KernelHandle)
    /// The node and all its sockets are gone.
    case release
  }

  /// Descriptors become free in other parts of the program as well, which tell nobody.
  private static var pauseLength: Interval { .milliseconds(100) }

  init(_ ring: RingEngine?, _ logger: Logger) throws(SystemError) {
    self.ring = ring
    self.logger = logger
    reactor = try Reactor(name: "host")
    reactor.attach(self)
  }

  // MARK: From any thread

  /// Has the kernel watched for what a socket is ready for.
  func register(_ handle: KernelHandle) throws(SystemError) -> Int {
    let slot = table.withLock { table -> Int in
      if let hole = table.holes.popLast() {
        table.handles[hole] = handle
        return hole
      }
      table.handles.append(handle)
      return table.handles.count - 1
    }
    do {
      try reactor.registrar.add(handle.socket.descriptor, token: UInt64(slot) + 1)
    } catch {
      free(slot)
      throw error
    }
    return slot
  }

  /// Forgets a socket that is about to be closed.
  func unregister(_ slot: Int, _ handle: KernelHandle) {
    // On the reactor's thread nobody is looking at it, and closing it is enough.
    if !reactor.isCurrent { try? reactor.registrar.remove(handle.socket.descriptor) }
    free(slot)
  }

  private func free(_ slot: Int) {
    table.withLock { table in
      table.handles[slot] = nil
      table.holes.append(slot)
    }
  }

  /// Sees to it that a waiter is woken at its time.
  func setAlarm(for waiter: Waiter, at place: Place) {
    if reactor.isCurrent { add(waiter, place) } else { post(.alarm(waiter, place)) }
  }

  /// Sees to it that brief waits on a socket end. On the reactor's thread.
  func watchBriefWaits(on handle: KernelHandle, upTo number: UInt64) {
    // They may be some shorter: the clock is read once a turn.
    unsafe state.briefs.add(handle, upTo: number, now: state.now)
  }

  /// Has a listener that found no descriptor free try again when one is, or after a while.
  func pause(_ handle: KernelHandle) {
    hasPaused.store(true, ordering: .sequentiallyConsistent)
    post(.pause(handle))
  }

  /// Tells listeners that found no descriptor free that now one is.
  func resume() {
    if hasPaused.load(ordering: .sequentiallyConsistent) { post(.resume) }
  }

  /// Has io_uring do something for a socket.
  func ask(_ request: RingEngine.Request, for handle: KernelHandle) {
    if reactor.isCurrent { ring?.begin(request, for: handle) } else { post(.ask(request, handle)) }
  }

  /// Has io_uring let go of a socket, which is closed then.
  func end(_ handle: KernelHandle) {
    if reactor.isCurrent { ring?.end(handle) } else { post(.end(handle)) }
  }

  func release() { post(.release) }

  private func post(_ command: Command) {
    commands.withLock { $0.append(command) }
    reactor.nudge()
  }
}

extension KernelCore: ReactorGuest {
  var livesOnEvents: Bool { true }

  func watch(with poller: inout EpollPoller) {
    reactor.mustBeCurrent()
    do {
      try ring?.open(watching: poller.descriptor.fileDescriptor)
    } catch {
      logger.error("io_uring does not start: nothing is received", error: error)
    }
  }

  func sleep(atMost limit: Interval?) -> Bool? {
    guard let ring else { return nil }
    reactor.mustBeCurrent()
    return ring.sleep(atMost: limit)
  }

  func note(_ event: PollEvent) {
    let slot = Int(truncatingIfNeeded: event.token) - 1
    let handle = table.withLock { table in
      table.handles.indices.contains(slot) ? table.handles[slot] : nil
    }
    // Of a socket given up since, or its successor's, who then tries once too often.
    handle?.note(event.readiness)
  }

  func takeInput() {
    reactor.mustBeCurrent()
    let commands = commands.withLock { commands in
      defer { commands = [] }
      return commands
    }
    let now = HostClock.now()
    unsafe state.now = now
    for command in commands {
      switch command {
      case .alarm(let waiter, let place): add(waiter, place)
      case .pause(let handle):
        unsafe state.paused.append(handle)
        if unsafe state.retry == nil { unsafe state.retry = now + Self.pauseLength }
      case .resume: unsafe state.retry = now
      case .ask(let request, let handle): ring?.begin(request, for: handle)
      case .end(let handle): ring?.end(handle)
      case .release: unsafe state.isReleased = true
      }
    }
    while let first = unsafe state.alarms.first, first.deadline <= now {
      unsafe state.alarms.removeFirst()
      first.place.handle.wake(first.number, first.place.direction, first.outcome)
    }
    unsafe state.briefs.advance(to: now)
    if let retry = unsafe state.retry, retry <= now { retryPaused() }
  }

  private func retryPaused() {
    hasPaused.store(false, ordering: .sequentiallyConsistent)
    unsafe state.retry = nil
    let paused = unsafe state.paused
    unsafe state.paused = []
    for handle in paused { handle.note(.readable) }
  }

  private func add(_ waiter: Waiter, _ place: Place) {
    unsafe state.alarms.addDeadline(of: waiter, at: place)
    guard unsafe state.alarms.hasManyStale(live: state.liveDeadlines) else { return }
    // Most waits end long before their deadlines, which hold the sockets.
    unsafe state.alarms.forgetStale { $0.place.handle.isWaiting($0) }
    unsafe state.liveDeadlines = state.alarms.deadlineCount
  }

  func giveOutput(with poller: inout EpollPoller) -> GuestState {
    reactor.mustBeCurrent()
    if unsafe state.isReleased {
      unsafe state = State()
      return .finished
    }
    // A timer for a wait that is over would be set and go off for nothing.
    while let first = unsafe state.alarms.first, !first.place.handle.isWaiting(first) {
      unsafe state.alarms.removeFirst()
    }
    var next = unsafe state.briefs.nextLook(after: state.now) ?? .distantFuture
    if let retry = unsafe state.retry { next = min(next, retry) }
    if let deadline = unsafe state.alarms.first?.deadline { next = min(next, deadline) }
    return .idle(until: next == .distantFuture ? nil : next)
  }
}

/// The sockets on which tasks wait briefly.
///
/// A busy socket's waits are many and short. It is looked to once in the length of a wait, not each
/// time somebody waits, and with no timer of its own: so a brief wait may last four times as long.
private struct BriefWatch {
  private struct Entry {
    let handle: KernelHandle
    /// Waits with higher numbers began later.
    let number: UInt64
    let end: Instant
  }

  /// In the order of their ends.
  private var entries: Deque<Entry> = []
  /// The first one's end.
  private var firstEnd = Instant.distantFuture

  mutating func add(_ handle: KernelHandle, upTo number: UInt64, now: Instant) {
    let end = now + Alarms<KernelCore.Place>.briefWait
    if entries.isEmpty { firstEnd = end }
    entries.append(Entry(handle: handle, number: number, end: end))
  }

  mutating func advance(to now: Instant) {
    while firstEnd <= now, let entry = entries.popFirst() {
      firstEnd = entries.first?.end ?? .distantFuture
      if let latest = entry.handle.endBriefWaits(upTo: entry.number) {
        add(entry.handle, upTo: latest, now: now)
      }
    }
  }

  /// When to look again if nothing happens. Not sooner than a whole wait: a timer that goes off
  /// before the system's next tick costs more than what wakes the thread mostly.
  func nextLook(after now: Instant) -> Instant? {
    entries.isEmpty ? nil : now + Alarms<KernelCore.Place>.briefWait
  }
}

/// Keeps a node's thread: the node and every socket of it hold this. With the last the thread ends.
final class KernelLease: Sendable {
  let core: KernelCore

  /// - Parameter ring: nil to hear from epoll alone.
  init(_ ring: RingEngine?, _ logger: Logger) throws(SystemError) {
    core = try KernelCore(ring, logger)
  }

  deinit { core.release() }
}
