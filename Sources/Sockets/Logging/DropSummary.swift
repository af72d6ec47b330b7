package import ProtocolStack

/// What a stack has dropped or refused and why, as far as there was any.
package struct DropSummary: Hashable, Sendable, CustomStringConvertible {
  package struct Entry: Hashable, Sendable {
    package let reason: String
    package let count: UInt64
  }

  /// Only what happened, in the order of a packet's way up.
  package let entries: [Entry]

  package init(_ stack: StackCounters, _ tcp: TCPCounters) {
    let counts: [(String, UInt64)] = [
      ("too short", stack.runts), ("for another station", stack.foreignFrames),
      ("unknown EtherType", stack.unknownEtherTypes), ("malformed", stack.malformed.total),
      ("source may not be one", stack.martianSources),
      ("for another host", stack.foreignDestinations), ("source route", stack.sourceRoutes),
      ("unknown protocol", stack.unknownProtocols), ("no route", stack.unroutable),
      ("output queue full", stack.outputQueueDrops),
      ("control queue full", stack.controlQueueDrops),
      ("bad fragment", stack.fragmentsInvalid),
      ("fragments in conflict", stack.fragmentsConflicting),
      ("never whole", stack.reassemblyTimeouts), ("address conflict", stack.addressConflicts),
      ("silent neighbour", stack.neighborFailures),
      ("no room while a neighbour was asked for", stack.neighborQueueDrops),
      ("error message limited", stack.errorsLimited),
      ("datagram to nobody", stack.datagramsToNobody),
      ("datagram's checksum", stack.datagramsBadChecksum),
      ("receive buffer full", stack.receiveBufferDrops), ("TCP malformed", tcp.malformed),
      ("TCP checksum", tcp.badChecksum), ("TCP segment without meaning", tcp.segmentsDropped),
      ("TCP out of window", tcp.outOfWindow), ("TCP memory budget", tcp.bufferExhausted),
      ("TCP reply queue full", tcp.repliesDropped), ("TCP reset sent", tcp.resetsSent),
      ("raw socket's buffer full", stack.rawBufferDrops),
      ("packet socket's buffer full", stack.frameBufferDrops),
      ("TCP table full", tcp.connectionLimit), ("TCP backlog full", tcp.backlogOverflow),
      ("TCP holes", tcp.reassemblyLimit), ("TCP cookie refused", tcp.cookiesRefused),
    ]
    entries = counts.filter { $0.1 > 0 }.map { Entry(reason: $0.0, count: $0.1) }
  }

  private init(_ entries: [Entry]) { self.entries = entries }

  /// What was dropped between an earlier summary of the same stack and this one.
  func since(_ earlier: DropSummary) -> DropSummary {
    let before = Dictionary(uniqueKeysWithValues: earlier.entries.map { ($0.reason, $0.count) })
    return DropSummary(
      entries.compactMap { entry in
        let count = entry.count &- (before[entry.reason] ?? 0)
        return count == 0 ? nil : Entry(reason: entry.reason, count: count)
      })
  }

  /// `3 for another host, 1 malformed`, or `nothing`.
  package var description: String {
    if entries.isEmpty { return "nothing" }
    return entries.map { "\($0.count) \($0.reason)" }.joined(separator: ", ")
  }
}
