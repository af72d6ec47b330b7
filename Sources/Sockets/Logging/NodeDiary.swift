import Logging
import Packets
import ProtocolStack

/// What is told of a node's health while it runs: what its stack has dropped, counted and now and
/// then, never for each packet.
struct NodeDiary {
  /// Between two looks at the counters.
  private static var interval: Interval { .seconds(10) }

  /// When the counters are looked at again; never, where nobody listens.
  private(set) var nextLook: Instant
  /// As they were at the last look.
  private var stack = StackCounters()
  private var tcp = TCPCounters()

  init(_ logger: Logger, at now: Instant) {
    // A silent logger's level; whatever is told here is not critical.
    nextLook = logger.logLevel == .critical ? .distantFuture : now + Self.interval
  }

  /// When to wake for a look at the latest: an idle node is left to sleep.
  func deadline(_ stack: borrowing ProtocolStack) -> Instant {
    stack.counters.packetsReceived == self.stack.packetsReceived ? .distantFuture : nextLook
  }

  /// Tells what was dropped since the last look.
  mutating func look(at stack: StackCounters, _ tcp: TCPCounters, _ logger: Logger, now: Instant) {
    guard nextLook < .distantFuture else { return }
    nextLook = now + Self.interval
    let broken = stack.brokenInvariants &+ tcp.brokenInvariants
    if broken > self.stack.brokenInvariants &+ self.tcp.brokenInvariants {
      logger.error(
        "a broken invariant, which is an error in this library", metadata: ["count": "\(broken)"])
    }
    let refused = tcp.connectionLimit &- self.tcp.connectionLimit
    if refused > 0 {
      logger.warning(
        "connections refused: the node has as many as it may", metadata: ["count": "\(refused)"])
    }
    if logger.logLevel <= .debug {
      let dropped = DropSummary(stack, tcp).since(DropSummary(self.stack, self.tcp))
      if !dropped.entries.isEmpty {
        logger.debug("packets dropped", metadata: ["dropped": dropped.metadata])
      }
    }
    self.stack = stack
    self.tcp = tcp
  }
}

extension DropSummary {
  /// The counts by their reasons.
  var metadata: Logger.MetadataValue {
    .dictionary(
      Dictionary(uniqueKeysWithValues: entries.map { ($0.reason, "\($0.count)") }))
  }
}
