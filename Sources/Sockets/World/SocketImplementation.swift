import Packets
package import ProtocolStack
import Synchronization

/// What the implementations of all sockets have in common: tasks wait on them.
package protocol SocketImplementation: AnyObject, Sendable {
  /// Takes a waiter in, to be woken by what happens in `direction`, or wakes it at once. On the
  /// socket's own thread, right after a try that would block.
  func enlist(_ waiter: Waiter, _ direction: WaitDirection)
  /// Wakes a waiter whose task was cancelled, if it still waits. From any thread.
  func withdraw(waiter number: UInt64, _ direction: WaitDirection)
  /// The clock that deadlines on it are reckoned by.
  var clock: NodeClock { get }
  /// Gives the socket up, gracefully. From any thread, any number of times; does not wait.
  func close()
  /// What an option stands at.
  func value(of option: SocketOptionName) async throws(SocketError.Reason) -> OptionValue
  func set(_ option: SocketOptionName, to value: OptionValue) async throws(SocketError.Reason)
}

/// The way a task waits for, on a socket.
package enum WaitDirection: UInt8, Sendable {
  /// Data, a datagram, a connection to accept, the end.
  case reading
  /// Room to write, the end of a handshake.
  case writing
}

/// Why a wait is over. Of a byte: a task that waits has room for it in several frames.
package enum WaitOutcome: Hashable, Sendable {
  /// Something happened; what, the next try tells.
  case happened
  /// The wait has become a long one; try again, and wait prepared for cancellation.
  case outlasted
  /// The socket was closed on this side.
  case closed
  /// The node has ended.
  case networkDown
  /// The socket failed. It may have left data behind: the next try says which comes first.
  case failed(StackError)
  /// The caller's task was cancelled.
  case cancelled
  /// The caller's time is over.
  case deadlineExceeded
}

/// How long a task means to wait in one go.
package enum Patience: Sendable {
  /// For some milliseconds. To be told of cancellation costs more than such a wait itself, so the
  /// task is not told: it is woken when the time is over, and then waits prepared.
  case brief
  /// For good; whoever cancels the task ends its waits.
  case supervised
  /// For good, or until the task is cancelled.
  case lasting
}

extension SocketImplementation {
  package var clock: NodeClock { .system }

  /// When a call that begins now and may take that long must be done.
  @inline(__always)
  func deadline(after timeout: Duration?) -> Instant? {
    timeout == nil ? nil : clock.deadline(after: timeout)
  }

  /// Suspends the caller until something happens in `direction`.
  ///
  /// Inlined: each asynchronous function that a task returns through asks the runtime where to go
  /// on.
  ///
  /// - Throws: what makes another try senseless.
  @inline(__always)
  func wait(
    _ direction: WaitDirection, until deadline: Instant?, _ patience: inout Patience
  ) async throws(SocketError.Reason) {
    let outcome =
      switch patience {
      case .brief, .supervised:
        await Waiter.suspend(until: deadline, patience) { enlist($0, direction) }
      case .lasting: await waitPrepared(direction, until: deadline)
      }
    if case .happened = outcome { return }
    patience = .lasting
    try outcome.check()
  }

  /// Makes a call that does not wait until it is done, and waits in between.
  @inline(__always)
  func outlast<Value>(
    _ direction: WaitDirection, until deadline: Instant?, with first: Patience = .lasting,
    _ attempt: @autoclosure () throws(SocketError.Reason) -> Attempt<Value>
  ) async throws(SocketError.Reason) -> Value {
    var patience = first
    while true {
      if case .done(let value) = try attempt() { return value }
      try await wait(direction, until: deadline, &patience)
    }
  }

  private func waitPrepared(
    _ direction: WaitDirection, until deadline: Instant?
  ) async -> WaitOutcome {
    let number = Waiter.nextNumber()
    return await withTaskCancellationHandler {
      await Waiter.suspend(until: deadline, .lasting, number) { enlist($0, direction) }
    } onCancel: {
      withdraw(waiter: number, direction)
    }
  }
}

extension WaitOutcome {
  /// Throws where another try makes no sense.
  ///
  /// Not inlined: an asynchronous function has room in its frame for each error it throws itself.
  @inline(never)
  func check() throws(SocketError.Reason) {
    switch self {
    case .closed, .failed(.noSuchSocket): throw .closed
    case .networkDown, .failed(.networkDown): throw .networkDown
    case .happened, .outlasted, .failed: return
    case .cancelled: throw .cancelled
    case .deadlineExceeded: throw .deadlineExceeded
    }
  }
}
