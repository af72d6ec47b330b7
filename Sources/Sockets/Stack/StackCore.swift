import BasicContainers
import Host
import Logging
import Packets
import ProtocolStack
import Synchronization

/// A protocol stack, its links and the tasks that wait for them, all owned by one thread.
///
/// The thread is the reactor's, which is also this actor's executor: between turns of the reactor
/// the sockets' calls run here, each a synchronous step on the stack, and suspend only when the
/// stack has nothing for them. What a call changes goes out at the end of the turn.
actor StackCore {
  nonisolated let reactor: Reactor
  nonisolated let name: String
  nonisolated let logger: Logger

  var ports: UniqueArray<NodePort>
  /// The numbers of the interfaces by the names of their devices.
  nonisolated let interfaceNumbers: [String: UInt32]
  /// No handle is left outside: when the streams have ended, so may the node.
  var isReleased = false
  /// The end of the wait for streams that have not ended.
  var lingerDeadline: Instant?
  /// That end has come: what has not ended is reset, and the deadline is for the resets.
  var isGivingUp = false
  /// Nothing moves any more.
  var isFinished = false
  /// Tasks that wait for that.
  var finishers: [CheckedContinuation<Void, Never>] = []
  /// More may wait to be taken in or given out than one turn does.
  var isBusy = false
  /// What was told of the node's health.
  var diary: NodeDiary
  /// Tasks that wait for the node's addresses to be its own.
  var settlers: [CheckedContinuation<Void, Never>] = []
  nonisolated(unsafe) private var ownStack: ProtocolStack
  nonisolated(unsafe) private var ownWaiters = Waiters()
  nonisolated(unsafe) private var ownNow: Instant
  nonisolated(unsafe) private var ownLocalAlarms = LocalAlarms()
  /// The node's sockets between tasks.
  nonisolated let localSpace = Mutex(LocalSpace())
  private var commandsAtWork: [Command] = []
  nonisolated private let commands = Mutex<[Command]>([])

  /// What handles ask for from any thread, without waiting.
  enum Command: Sendable {
    case close(SocketHandle)
    case abort(SocketHandle)
    /// Whoever waits there is to try again.
    case endWaits(SocketHandle)
    /// A task that waits there was cancelled.
    case cancel(number: UInt64, WaitPoint)
    /// A task waits on a local socket.
    case alarm(Waiter, LocalSpace.Place)
    /// The node and all its sockets are gone.
    case release
  }

  /// - Parameters:
  ///   - name: the node's.
  ///   - reactor: not yet driving anything.
  ///   - stack: with an interface for each of `ports`.
  init(
    _ name: String, reactor: Reactor, stack: consuming sending ProtocolStack,
    ports: consuming sending UniqueArray<NodePort>, logger: Logger
  ) {
    self.reactor = reactor
    self.name = name
    self.logger = logger
    diary = NodeDiary(logger, at: reactor.clock.moment)
    unsafe ownNow = reactor.clock.moment
    unsafe ownStack = stack
    var numbers: [String: UInt32] = [:]
    for port in ports.indices {
      numbers[ports[port].link.name] = UInt32(ports[port].interface.rawValue)
    }
    interfaceNumbers = numbers
    self.ports = ports
  }

  /// Whether the caller may touch the state without a hop.
  nonisolated var isCurrent: Bool { reactor.isCurrent }

  /// The stack, for whoever is on the thread, in the actor or not. Every use checks that; to go
  /// through `assumeIsolated` would allocate a closure each time.
  nonisolated var stack: ProtocolStack {
    _read {
      reactor.mustBeCurrent()
      yield unsafe ownStack
    }
    _modify {
      reactor.mustBeCurrent()
      yield unsafe &ownStack
    }
  }

  /// Who waits, in the same manner.
  nonisolated var waiters: Waiters {
    _read {
      reactor.mustBeCurrent()
      yield unsafe ownWaiters
    }
    _modify {
      reactor.mustBeCurrent()
      yield unsafe &ownWaiters
    }
  }

  /// When those who wait on local sockets are to be woken, in the same manner.
  nonisolated var localAlarms: LocalAlarms {
    _read {
      reactor.mustBeCurrent()
      yield unsafe ownLocalAlarms
    }
    _modify {
      reactor.mustBeCurrent()
      yield unsafe &ownLocalAlarms
    }
  }

  nonisolated var clock: NodeClock { reactor.clock }

  /// The present, as the stack is told: that of the last ``readClock()``, a fraction of a turn ago.
  nonisolated var now: Instant {
    reactor.mustBeCurrent()
    return unsafe ownNow
  }

  /// What the stack answers; what it throws, in the words of this module.
  @inline(__always)
  nonisolated func ask<Answer>(
    _ question: @autoclosure () throws(StackError) -> Answer
  ) throws(SocketError.Reason) -> Answer {
    do { return try question() } catch { throw SocketError.Reason(error) }
  }

  /// Brings ``now`` up to date.
  func readClock() { unsafe ownNow = clock.moment }

  /// Leaves a command to be carried out in the next turn. From any thread.
  nonisolated func post(_ command: Command) {
    commands.withLock { $0.append(command) }
    reactor.nudge()
  }

  /// Carries out what was posted. Whoever opens a socket calls it first: the addresses and the
  /// places of those closed before are free.
  func obeyCommands() {
    commands.withLock { swap(&$0, &commandsAtWork) }
    guard !commandsAtWork.isEmpty else { return }
    for command in commandsAtWork {
      switch command {
      case .close(let socket):
        stack.close(socket, at: now)
        waiters.wake(socket, .closed)
      case .abort(let socket):
        stack.abort(socket, at: now)
        waiters.wake(socket, .closed)
      case .endWaits(let socket): waiters.endWaits(on: socket)
      case .cancel(let number, let point):
        waiters.wake(number: number, at: point, .cancelled)
      case .alarm(let waiter, let place):
        add(waiter, at: place)
      case .release:
        isReleased = true
      }
    }
    commandsAtWork.removeAll(keepingCapacity: true)
  }

  // MARK: Waiting

  /// Suspends the caller until something happens at `point`.
  ///
  /// - Parameter seen: the count of events there, from before the try that would block.
  func wait(
    for point: WaitPoint, since seen: UInt32, until deadline: Instant?
  ) async -> WaitOutcome {
    let number = Waiter.nextNumber()
    return await withTaskCancellationHandler {
      await Waiter.suspend(until: deadline, .lasting, number) {
        enlist($0, at: point, since: seen)
      }
    } onCancel: {
      post(.cancel(number: number, point))
    }
  }

  /// Takes a waiter in, or wakes it at once.
  ///
  /// - Parameter seen: the count of events from before its try, where turns may have passed since.
  nonisolated func enlist(_ waiter: Waiter, at point: WaitPoint, since seen: UInt32? = nil) {
    if !isCurrent {
      // The runtime has taken the task elsewhere: its next try finds the way back.
      waiter.wake(.happened)
    } else if waiters.isClosed {
      waiter.wake(.networkDown)
    } else if let deadline = waiter.deadline, deadline <= clock.moment {
      waiter.wake(.deadlineExceeded)
    } else if waiter.isCancelled {
      // A handler's command is carried out in a later turn, so a cancellation that this test does
      // not see finds the waiter in its place.
      waiter.wake(.cancelled)
    } else if let news = seen.flatMap({ waiters.news(at: point, since: $0) }) {
      waiter.wake(news)
    } else {
      waiters.add(waiter, at: point, now: now)
    }
  }
}
