public import Packets

/// This machine's monotonic clock, the one place time comes from.
public enum HostClock {
  /// Nanoseconds since an origin that is fixed until the next boot; not counted while suspended.
  /// No system call where the kernel offers a vDSO. Never decreases, over all threads.
  public static func now() -> Instant { Instant(nanoseconds: Syscalls.monotonicNanoseconds()) }
}
