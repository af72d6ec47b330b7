import Packets

/// The time allowed for a call that makes several.
struct TimeAllowed {
  private let clock: NodeClock
  /// nil where there is no limit.
  let deadline: Instant?

  /// - Parameter clock: the node's that the calls are made on.
  init(_ timeout: Duration?, on clock: NodeClock) {
    self.clock = clock
    deadline = clock.deadline(after: timeout)
  }

  /// What is left of it, for the next call; nil where there is no limit.
  var left: Duration? {
    deadline.map { Duration($0.since(clock.moment)) }
  }

  /// What is left, and no more than `most`.
  func left(atMost most: Duration) -> Duration { left.map { min($0, most) } ?? most }

  var isOver: Bool { left.map { $0 <= .zero } ?? false }
}
