/// Wakes a loop that sleeps in its poller, from any thread (an eventfd).
///
/// The loop adds ``descriptor`` to its poller, readable, and calls ``clear()`` when it fires. Any
/// number of signals before a clear are one event; none is lost.
public struct WakeUp: ~Copyable, Sendable {
  public let descriptor: Descriptor

  public init() throws(SystemError) {
    descriptor = try Syscalls.createEvent()
  }

  /// Makes ``descriptor`` readable. One system call; safe from any thread and in signal handlers.
  public func signal() throws(SystemError) {
    try Syscalls.signalEvent(descriptor.fileDescriptor)
  }

  /// Takes all signals so far.
  ///
  /// - Returns: whether there was one.
  @discardableResult
  public func clear() throws(SystemError) -> Bool {
    try Syscalls.clearEvent(descriptor.fileDescriptor)
  }
}
