import Synchronization

/// Counts what the services do; any task may add.
final class Tally: Sendable {
  struct Counts: Hashable, Sendable {
    var connections = 0
    var datagrams = 0
    var bytesIn: Int64 = 0
    var bytesOut: Int64 = 0
  }

  private let counts = Mutex(Counts())

  func add(_ change: (inout Counts) -> Void) { counts.withLock { change(&$0) } }

  var now: Counts { counts.withLock { $0 } }
}
