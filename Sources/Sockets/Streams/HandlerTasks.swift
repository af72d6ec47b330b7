import Synchronization

/// The tasks that answer a server's connections: they begin and end in any order, and there may be
/// very many.
///
/// A task group is for few of them: the runtime keeps a group's children in a list and walks it for
/// each that ends, so that of fifty thousand connections each end takes a millisecond. Here
/// beginning and ending take constant time. In return whoever makes these must wait for them, and
/// cancel them, by itself.
package final class HandlerTasks: Sendable {
  private struct State {
    /// Those that are free are holes, for the next.
    var places: [Place] = []
    var holes: [Int] = []
    var isCancelled = false
    var waiter: Waiter?

    var count: Int { places.count - holes.count }

    mutating func free(_ place: Int) {
      places[place] = .free
      holes.append(place)
    }
  }

  private enum Place {
    case free
    case taken(Task<Void, Never>, TCPConnection?)
    case ended
  }

  private struct Waiter {
    let limit: Int
    let continuation: CheckedContinuation<Void, Never>
  }

  private let state = Mutex(State())

  package init() {}

  /// The tasks that have not ended.
  package var count: Int { state.withLock { $0.count } }

  /// Takes in a task, and cancels it at once where all were cancelled.
  ///
  /// - Parameters:
  ///   - connection: what the task answers, if it has called ``TCPConnection/beginHandling()``:
  ///     nobody else can cancel it, so it need not be told of that while it waits there.
  ///   - start: begins the task, which calls ``end(_:)`` last, with the place it gets here. (A
  ///     closure more between the task and the handler would be a frame more for each connection
  ///     that waits.)
  package func begin(
    answering connection: TCPConnection? = nil, _ start: (_ place: Int) -> Task<Void, Never>
  ) {
    let place = state.withLock { state in
      if let hole = state.holes.popLast() { return hole }
      state.places.append(.free)
      return state.places.count - 1
    }
    let task = start(place)
    let isCancelled = state.withLock { state in
      if case .ended = state.places[place] {
        state.free(place)
      } else {
        state.places[place] = .taken(task, connection)
      }
      return state.isCancelled
    }
    if isCancelled { Self.cancel(task, connection) }
  }

  /// To be called by the task at that place, as the last thing it does.
  package func end(_ place: Int) {
    let waiter = state.withLock { state -> Waiter? in
      // It may end before whoever began it has said which task that is.
      if case .taken = state.places[place] {
        state.free(place)
      } else {
        state.places[place] = .ended
      }
      guard let waiter = state.waiter, state.count < waiter.limit else { return nil }
      state.waiter = nil
      return waiter
    }
    waiter?.continuation.resume()
  }

  /// Returns when fewer than `limit` tasks are left, which is at least one. Does not heed
  /// cancellation: cancel the tasks. One caller at a time.
  package func wait(untilFewerThan limit: Int) async {
    await withCheckedContinuation { continuation in
      let isDone = state.withLock { state in
        if state.count < limit { return true }
        state.waiter = Waiter(limit: limit, continuation: continuation)
        return false
      }
      if isDone { continuation.resume() }
    }
  }

  /// Cancels all tasks, those that begin later as well. Linear in their number.
  package func cancelAll() {
    let tasks = state.withLock { state in
      state.isCancelled = true
      return state.places
    }
    for case .taken(let task, let connection) in tasks { Self.cancel(task, connection) }
  }

  private static func cancel(_ task: Task<Void, Never>, _ connection: TCPConnection?) {
    task.cancel()
    connection?.endWaits()
  }
}
