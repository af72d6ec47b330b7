import Synchronization

/// A continuation that several may want to resume; the first does.
final class Once: Sendable {
  typealias Outcome = Result<[UInt8], Complaint>

  private enum State {
    case new
    case waiting(CheckedContinuation<Outcome, Never>)
    case resumed(Outcome)
  }

  private let state = Mutex(State.new)

  func set(_ continuation: CheckedContinuation<Outcome, Never>) {
    let early = state.withLock { state -> Outcome? in
      if case .resumed(let outcome) = state { return outcome }
      state = .waiting(continuation)
      return nil
    }
    if let early { continuation.resume(returning: early) }
  }

  func resume(_ outcome: Outcome) {
    let continuation = state.withLock { state -> CheckedContinuation<Outcome, Never>? in
      defer { state = .resumed(outcome) }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume(returning: outcome)
  }
}
