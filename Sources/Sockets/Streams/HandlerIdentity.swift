import Synchronization

/// The task whose work a connection is, where whoever may cancel that task ends its waits too.
///
/// Such a task need not be told of cancellation while it waits on the connection, which takes half
/// the memory of a wait, and it waits for good from the beginning.
struct HandlerIdentity: ~Copyable, Sendable {
  /// Where the task is, which names it while it lives; zero for none.
  private let task = Atomic<UInt>(0)

  /// Whether the calling task is the one.
  var isCurrent: Bool {
    let task = task.load(ordering: .relaxed)
    return task != 0 && task == Self.current
  }

  func becomeCurrent() { task.store(Self.current, ordering: .relaxed) }

  /// Before the task ends: another may come to be in its place.
  func becomeNobody() { task.store(0, ordering: .relaxed) }

  private static var current: UInt {
    unsafe withUnsafeCurrentTask { task in
      // Looked at where it lies: a copy would be counted, twice for every wait. Nil is zero.
      unsafe withUnsafeBytes(of: task) { unsafe $0.load(as: UInt.self) }
    }
  }
}

extension TCPConnection {
  /// The calling task answers this connection from now on, and whoever may cancel the task calls
  /// ``endWaits()`` thereafter.
  package func beginHandling() { handler.becomeCurrent() }

  /// The last thing the task does with it.
  package func endHandling() { handler.becomeNobody() }

  /// Has every call that waits on the connection look again whether its task was cancelled. From
  /// any thread.
  package func endWaits() { implementation.endWaits() }
}
