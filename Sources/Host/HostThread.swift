internal import Synchronization
internal import SystemPackage

/// A thread of this process, for whoever runs a loop or makes calls that block.
public enum HostThread {
  /// Runs `body` on a new thread, which ends when `body` returns.
  ///
  /// - Parameter name: shown by the system's tools, cut to 15 bytes.
  /// - Throws: `EAGAIN` when the system has no more threads to give.
  public static func start(
    name: String, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) {
    try Syscalls.startThread(name: name, body)
  }

  /// Runs `body` on a new thread and waits, without suspending, until it has ended: for what leaves
  /// a trace on its thread.
  ///
  /// - Parameter name: shown by the system's tools, cut to 15 bytes.
  /// - Throws: what `body` throws; `EAGAIN` when the system has no more threads to give.
  public static func run<Value: ~Copyable & Sendable>(
    name: String, _ body: @escaping @Sendable () throws(SystemError) -> Value
  ) throws(SystemError) -> Value {
    let outcome = ThreadOutcome<Value>()
    try Syscalls.runThread(name: name) { outcome.take(body) }
    return try outcome.give()
  }

  /// A number that tells the calling thread from every other that runs; never zero.
  public static var current: UInt { Syscalls.currentThread }
}

/// What a thread leaves for the one that has waited for its end.
private final class ThreadOutcome<Value: ~Copyable & Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  // A thread that was made has run, and has put another in its place if it has failed.
  private let error = Mutex(SystemError(.noSuchProcess, .startThread))

  func take(_ body: () throws(SystemError) -> Value) {
    do throws(SystemError) {
      try value.withLock { value throws(SystemError) in value = try body() }
    } catch {
      self.error.withLock { $0 = error }
    }
  }

  func give() throws(SystemError) -> Value {
    let made = value.withLock { value in value.take() }
    guard let made else { throw error.withLock { error in error } }
    return made
  }
}
