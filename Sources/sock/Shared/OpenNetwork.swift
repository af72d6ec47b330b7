import Sockets

/// The world that was chosen, running: this machine's own network, or a host of our own.
enum OpenNetwork: Sendable {
  case machine(HostNode)
  case stack(StackNode)

  var node: any NetworkNode {
    switch self {
    case .machine(let node): node
    case .stack(let node): node
    }
  }

  /// The sockets, counted: the kernel's are not ours to count.
  func table() async -> String {
    switch self {
    case .machine: "the sockets are the kernel's: see ss --tcp --udp --processes"
    case .stack(let node): await node.table().description
    }
  }

  /// What was dropped and why; the kernel counts for itself.
  func dropped() async -> DropSummary? {
    guard case .stack(let node) = self else { return nil }
    let counters = await node.counters()
    return DropSummary(counters.stack, counters.tcp)
  }

  /// Ends what is left. The kernel does so by itself.
  func shutdown(within limit: Duration) async {
    if case .stack(let node) = self { await node.shutdown(within: limit) }
  }
}
