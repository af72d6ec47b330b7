import Host
import Packets

/// The clock that a node's deadlines run on: this machine's monotonic one, or a simulation's, where
/// time passes only while no task can run.
///
/// A program that waits by its node's clock (``NetworkNode/clock``) runs unchanged in either.
public struct NodeClock: Clock {
  /// A moment on the clock. Moments of different clocks have nothing to do with one another.
  public struct Instant: InstantProtocol {
    let moment: Packets.Instant

    public func advanced(by duration: Duration) -> Self {
      Self(moment: moment + Interval(duration))
    }

    public func duration(to other: Self) -> Duration {
      Duration(other.moment.since(moment))
    }

    public static func < (a: Self, b: Self) -> Bool { a.moment < b.moment }
  }

  /// nil for this machine's.
  let virtual: VirtualTime?

  /// This machine's.
  public static var system: Self { Self(virtual: nil) }

  private init(virtual: VirtualTime?) { self.virtual = virtual }

  init(_ virtual: VirtualTime) { self.virtual = virtual }

  public var now: Instant { Instant(moment: moment) }

  public var minimumResolution: Duration { .nanoseconds(1) }

  /// Suspends the caller until `deadline`.
  ///
  /// - Throws: `CancellationError` when the task is cancelled.
  public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
    guard let virtual else {
      let rest = Duration(deadline.moment.since(HostClock.now()))
      return try await Task.sleep(for: max(rest, .zero), tolerance: tolerance)
    }
    guard await virtual.sleep(until: deadline.moment) else { throw CancellationError() }
  }

  /// The present, as stacks count it.
  var moment: Packets.Instant { virtual?.now ?? HostClock.now() }

  /// When a call that begins now and may take that long must be done.
  func deadline(after timeout: Duration?) -> Packets.Instant? {
    // Who has no time needs not ask what time it is.
    timeout.map { $0 <= .zero ? Packets.Instant(nanoseconds: 0) : moment + Interval($0) }
  }
}
