import BasicContainers
package import Host
package import Packets
package import ProtocolStack

/// The links of a stack that is driven by its own users under a lock, each serving an interface.
package struct PortSet: ~Copyable, Sendable {
  /// Packets taken in from one link before output is given.
  private static var packetsPerIntake: Int { 64 }

  private var ports: UniqueArray<NodePort>

  init(_ ports: consuming UniqueArray<NodePort>) { self.ports = ports }

  /// Has every link watched for packets, with tokens from one on.
  package func watch(with poller: inout EpollPoller) throws(SystemError) {
    for port in ports.indices { try ports[port].watch(with: &poller, number: port) }
  }

  /// Has the links that were full watched for room, and no other.
  package mutating func tend(with poller: inout EpollPoller) {
    for port in ports.indices { ports[port].tend(with: &poller, number: port) }
  }

  /// Hands what waits on the links to the stack, a batch from each.
  ///
  /// - Returns: whether there may be more.
  package mutating func takePackets(into stack: inout ProtocolStack, at now: Instant) -> Bool {
    var isBusy = false
    for port in ports.indices {
      var packets = 0
      while packets < Self.packetsPerIntake, ports[port].receive() {
        packets += 1
        stack.receive(&ports[port].arriving, on: ports[port].interface, at: now)
      }
      isBusy = isBusy || packets == Self.packetsPerIntake
    }
    return isBusy
  }

  /// Hands what the stack has to send to the links.
  package mutating func givePackets(from stack: inout ProtocolStack, at now: Instant) {
    for port in ports.indices {
      _ = ports[port].givePackets(from: &stack, upTo: .max, number: port, at: now)
    }
  }
}
