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

  /// A number that tells the calling thread from every other that runs; never zero.
  public static var current: UInt { Syscalls.currentThread }
}
