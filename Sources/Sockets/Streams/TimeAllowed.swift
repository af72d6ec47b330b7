import Host
import Packets

/// The time allowed for a call that makes several.
struct TimeAllowed {
  private let deadline: Instant?

  init(_ timeout: Duration?) { deadline = Instant(after: timeout) }

  /// What is left of it, for the next call; nil where there is no limit.
  var left: Duration? {
    deadline.map { Duration($0.since(HostClock.now())) }
  }

  /// What is left, and no more than `most`.
  func left(atMost most: Duration) -> Duration { left.map { min($0, most) } ?? most }

  var isOver: Bool { left.map { $0 <= .zero } ?? false }
}
