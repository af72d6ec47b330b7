import Sockets

/// The world that was chosen, running: this machine's own network, or a host of our own.
enum OpenNetwork: Sendable {
  case machine(HostNode)
  /// And where it tells of its sockets, if it can.
  case stack(StackNode, StackDoor?)

  var node: any NetworkNode {
    switch self {
    case .machine(let node): node
    case .stack(let node, _): node
    }
  }

  /// The sockets, counted: the kernel's are not ours to count.
  func table() async -> String {
    switch self {
    case .machine: "the sockets are the kernel's: see sock table --network host"
    case .stack(let node, _): await node.table().description
    }
  }

  /// Ends what is left. The kernel does so by itself.
  func shutdown(within limit: Duration) async {
    guard case .stack(let node, let door) = self else { return }
    await node.shutdown(within: limit)
    door?.close()
  }
}
