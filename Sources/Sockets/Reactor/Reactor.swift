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
/// The thread lives as long as this object does: tasks that prefer it keep it alive.
final class Reactor: TaskExecutor, SerialExecutor {
  private let loop: ReactorLoop

  /// Starts the thread.
  ///
  /// - Parameter name: shown by the system's tools, up to 15 bytes of it.
  init(name: String) throws(SystemError) {
    let loop = try ReactorLoop()
    self.loop = loop
    let serialExecutor = unsafe UnownedSerialExecutor(ordinary: self)
    let taskExecutor = unsafe UnownedTaskExecutor(ordinary: self)
    try HostThread.start(name: name) {
      unsafe loop.run(serialExecutor, taskExecutor)
    }
  }

  deinit { loop.stop() }

  /// Whether the caller runs on this thread.
  var isCurrent: Bool { loop.thread.load(ordering: .relaxed) == HostThread.current }

  /// Drives `guest` from the next turn on, until it says that it is finished.
  func attach(_ guest: any ReactorGuest) { loop.attach(guest) }

  /// Makes the thread take a turn soon. From any thread.
  func nudge() { loop.nudge() }

  func enqueue(_ job: consuming ExecutorJob) {
    loop.enqueue(UnownedJob(job))
  }

  func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(ordinary: self)
  }

  func asUnownedTaskExecutor() -> UnownedTaskExecutor {
    unsafe UnownedTaskExecutor(ordinary: self)
  }

  func isSameExclusiveExecutionContext(other: Reactor) -> Bool { self === other }

  func checkIsolated() {
    precondition(isCurrent, "a node's state was touched from another thread than its own")
  }

  func isIsolatingCurrentContext() -> Bool? { isCurrent }
}

extension StackCore {
  /// The core keeps its reactor alive, and the runtime keeps the core while it runs on it.
  nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe reactor.asUnownedSerialExecutor()
  }
}
