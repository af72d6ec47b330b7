import CLinux
public import Packets

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Where a thread sleeps until another opens it (a futex): for calls that block.
///
/// An open gate lets everybody pass until it is closed again, so an opening between the look at
/// what is waited for and the wait is not lost.
@safe public final class Gate: Sendable {
  /// How a wait ended.
  public enum Outcome: Sendable {
    case opened, deadlinePassed
    /// A signal was handled meanwhile (`EINTR`).
    case interrupted
  }

  /// The word the kernel looks at: 32 bits that stay where they are.
  private nonisolated(unsafe) let word: UnsafeMutablePointer<UInt32>

  /// A closed gate.
  public init() {
    unsafe word = .allocate(capacity: 1)
    unsafe word.initialize(to: 0)
  }

  deinit { unsafe word.deallocate() }

  /// Lets everybody pass. No system call where it is open already.
  public func open() { unsafe clinux_gate_open(word) }

  public func close() { unsafe clinux_gate_close(word) }

  /// Sleeps until the gate is open, until `deadline`, or until a signal was handled;
  /// without a deadline, not by a handler that asks for calls to be restarted (`SA_RESTART`).
  public func wait(until deadline: Instant?) -> Outcome {
    let limit = deadline.map { max($0.nanoseconds, 0) } ?? -1
    guard unsafe clinux_gate_wait(word, limit) != 0 else { return .opened }
    return errno == EINTR ? .interrupted : .deadlinePassed
  }
}
