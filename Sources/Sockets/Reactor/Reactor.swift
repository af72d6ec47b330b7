import Host
import Packets
import Synchronization

/// One thread that runs a guest's input and output and, between them, every task that prefers it.
///
/// It is the executor of its guest's actor and of the tasks around it, so they call one another
/// without changing threads:
///
/// ```
///      +--> input --> jobs --> output --> nothing left? wait --+
///      |    (guest)   (tasks)  (guest)    (deadline, event,    |
///      |                                   nudge, new job)     |
///      +-------------------------------------------------------+
/// ```
///
/// One turn is bounded at each step, so that neither packets nor tasks starve the other. Without a
/// guest it is a plain thread to run blocking work on.
///
/// Tasks and actors have an executor each, for the runtime's sake: a job of a task that prefers
/// this reactor must not seem to run inside an actor, or it is enqueued again at every step.
///
/// The thread lives as long as this object does: tasks that prefer it keep it alive.
final class Reactor: TaskExecutor {
  /// What the guest's actor runs on.
  let isolation: ReactorIsolation
  /// What its guest's deadlines run on.
  let clock: NodeClock
  private let loop: ReactorLoop

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - name: shown by the system's tools, up to 15 bytes of it.
  ///   - virtualTime: what to move on to the next deadline where nothing is left to do, in place of
  ///     waiting for it.
  init(name: String, virtualTime: VirtualTime? = nil) throws(SystemError) {
    let loop = try ReactorLoop(virtualTime)
    clock = virtualTime.map(NodeClock.init) ?? .system
    let isolation = ReactorIsolation(loop)
    self.loop = loop
    self.isolation = isolation
    let serialExecutor = unsafe isolation.asUnownedSerialExecutor()
    let taskExecutor = unsafe UnownedTaskExecutor(ordinary: self)
    try HostThread.start(name: name) {
      unsafe loop.run(serialExecutor, taskExecutor)
    }
  }

  deinit { loop.stop() }

  /// Whether the caller runs on this thread.
  var isCurrent: Bool { loop.isCurrent }

  /// Stops the program where another thread touches what is this thread's: a mistake of this
  /// module's.
  func mustBeCurrent() {
    precondition(isCurrent, "a node's state was touched from another thread than its own")
  }

  /// Has descriptors watched for the guest, under tokens above zero. From any thread, while the
  /// guest stays.
  var registrar: EpollRegistrar { loop.registrar }

  /// Drives `guest` from the next turn on, until it says that it is finished.
  func attach(_ guest: any ReactorGuest) { loop.attach(guest) }

  /// Makes the thread take a turn soon. From any thread.
  func nudge() { loop.nudge() }

  func enqueue(_ job: consuming ExecutorJob) {
    loop.enqueue(UnownedJob(job), isIsolated: false)
  }

  func asUnownedTaskExecutor() -> UnownedTaskExecutor {
    unsafe UnownedTaskExecutor(ordinary: self)
  }
}

/// The reactor's thread as an actor's executor.
final class ReactorIsolation: SerialExecutor {
  private let loop: ReactorLoop

  fileprivate init(_ loop: ReactorLoop) { self.loop = loop }

  func enqueue(_ job: consuming ExecutorJob) {
    loop.enqueue(UnownedJob(job), isIsolated: true)
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  func checkIsolated() {
    precondition(
      loop.isCurrent, "a node's state was touched from another thread than its own")
  }

  func isIsolatingCurrentContext() -> Bool? { loop.isCurrent }
}

extension StackCore {
  /// The core keeps its reactor alive, and the runtime keeps the core while it runs on it.
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe reactor.isolation.asUnownedSerialExecutor()
  }
}
