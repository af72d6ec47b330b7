import Synchronization

/// The first of several outcomes that race for one waiting task: of a call, of its cancellation, of
/// the end of its time. The others are dropped.
package final class FirstOutcome<Outcome: Sendable>: Sendable {
  private enum State {
    /// With the task that waits, once it does.
    case open(CheckedContinuation<Outcome, Never>?)
    case given(Outcome)
  }

  private let state = Mutex(State.open(nil))

  package init() {}

  /// Nobody waits any more for what is given from now on.
  package var isGiven: Bool {
    state.withLock { if case .given = $0 { true } else { false } }
  }

  /// From any thread, before the task waits or after.
  package func give(_ outcome: Outcome) {
    let waiting = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
      guard case .open(let waiting) = state else { return nil }
      state = .given(outcome)
      return waiting
    }
    waiting?.resume(returning: outcome)
  }

  /// Suspends the caller until there is an outcome. For one task, once.
  ///
  /// - Parameters:
  ///   - cancelled: what the cancellation of the task comes to.
  ///   - begin: sets to work what gives the outcome. Called in a cancelled task, too.
  package func value(ifCancelled cancelled: Outcome, _ begin: () -> Void) async -> Outcome {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        wait(continuation)
        begin()
      }
    } onCancel: {
      give(cancelled)
    }
  }

  private func wait(_ continuation: CheckedContinuation<Outcome, Never>) {
    let early = state.withLock { state -> Outcome? in
      if case .given(let outcome) = state { return outcome }
      state = .open(continuation)
      return nil
    }
    if let early { continuation.resume(returning: early) }
  }
}
