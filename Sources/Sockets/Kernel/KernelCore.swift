import Host
import Packets
import Synchronization

/// What a ``HostNode``'s sockets share: the thread that hears from the kernel what they are ready
/// for, and the alarms of the tasks that wait on them.
///
/// Calls on sockets do not come here: they are system calls on the caller's own thread. Only a task
/// that must wait does.
final class KernelCore: Sendable {
  let reactor: Reactor
  private let table = Mutex(Table())
  private let commands = Mutex<[Command]>([])
  /// Touched on the reactor's thread alone, which is checked.
  nonisolated(unsafe) private var state = State()

  /// The sockets by their tokens, less one. Those given up leave holes for the next.
  private struct Table {
    var handles: [KernelHandle?] = []
    var holes: [Int] = []
  }

  private struct State {
    var alarms = Alarms<Place>()
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
    /// The node and all its sockets are gone.
    case release
  }

  init() throws(SystemError) {
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
      unregister(slot)
      throw error
    }
    return slot
  }

  /// Forgets a socket that is being closed, which ends the kernel's part.
  func unregister(_ slot: Int) {
    table.withLock { table in
      table.handles[slot] = nil
      table.holes.append(slot)
    }
  }

  /// Sees to it that a waiter is woken at its time.
  func setAlarm(for waiter: Waiter, at place: Place) {
    if reactor.isCurrent {
      unsafe state.alarms.add(waiter, at: place, now: HostClock.now())
    } else if waiter.deadline != nil {
      post(.alarm(waiter, place))
    }
  }

  func release() { post(.release) }

  private func post(_ command: Command) {
    commands.withLock { $0.append(command) }
    reactor.nudge()
  }
}

extension KernelCore: ReactorGuest {
  func watch(with poller: inout EpollPoller) {}

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
    for command in commands {
      switch command {
      case .alarm(let waiter, let place): unsafe state.alarms.add(waiter, at: place, now: now)
      case .release: unsafe state.isReleased = true
      }
    }
    while let first = unsafe state.alarms.first, first.deadline <= now {
      unsafe state.alarms.removeFirst()
      first.place.handle.wake(first.number, first.place.direction, first.outcome)
    }
  }

  func giveOutput(with poller: inout EpollPoller) -> GuestState {
    reactor.mustBeCurrent()
    if unsafe state.isReleased {
      unsafe state.alarms = Alarms()
      return .finished
    }
    // A timer for a wait that is over would be set and go off for nothing.
    while let first = unsafe state.alarms.first, !first.place.handle.isWaiting(first) {
      unsafe state.alarms.removeFirst()
    }
    return .idle(until: unsafe state.alarms.first?.deadline)
  }
}

/// Keeps a node's thread: the node and every socket of it hold this. With the last the thread ends.
final class KernelLease: Sendable {
  let core: KernelCore

  init() throws(SystemError) { core = try KernelCore() }

  deinit { core.release() }
}
