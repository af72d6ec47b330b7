import Synchronization

extension HostNode {
  /// What has become of the TCP connections of a node since it was made. The kernel counts their
  /// packets, for all programs together (`/proc/net/snmp`); each connection's own
  /// ``TCPConnection/metrics()`` tells of them.
  public struct Counts: Hashable, Sendable {
    /// Those that ``NetworkNode/connect(to:from:options:timeout:)`` has made.
    public var opened: UInt64 = 0
    /// Those that listeners have given out.
    public var accepted: UInt64 = 0
    /// Attempts to connect that came to nothing: refused, cancelled or out of time. One by name
    /// may make several.
    public var failed: UInt64 = 0
    /// Of those opened and accepted, the ones that the program has closed, aborted or let go of.
    public var closed: UInt64 = 0
    /// How often a listener has stopped accepting for want of descriptors or memory.
    public var acceptPauses: UInt64 = 0

    /// The ones that the program has.
    public var open: UInt64 { opened &+ accepted &- closed }

    public init() {}
  }

  /// What has become of its connections. From any thread, at the cost of five loads: they are
  /// counted when they begin and end, and reads and writes count nothing.
  public var counts: Counts { counters.counts }
}

/// Counts what becomes of a node's connections, on whatever thread that happens.
final class HostCounters: Sendable {
  private let opened = Atomic<UInt64>(0)
  private let accepted = Atomic<UInt64>(0)
  private let failed = Atomic<UInt64>(0)
  private let closed = Atomic<UInt64>(0)
  private let acceptPauses = Atomic<UInt64>(0)

  func noteOpened() { opened.add(1, ordering: .relaxed) }
  func noteAccepted() { accepted.add(1, ordering: .relaxed) }
  func noteFailed() { failed.add(1, ordering: .relaxed) }
  func noteClosed() { closed.add(1, ordering: .releasing) }
  func notePause() { acceptPauses.add(1, ordering: .relaxed) }

  var counts: HostNode.Counts {
    var counts = HostNode.Counts()
    // First, so that no more have closed than have begun.
    counts.closed = closed.load(ordering: .acquiring)
    counts.opened = opened.load(ordering: .relaxed)
    counts.accepted = accepted.load(ordering: .relaxed)
    counts.failed = failed.load(ordering: .relaxed)
    counts.acceptPauses = acceptPauses.load(ordering: .relaxed)
    return counts
  }
}
