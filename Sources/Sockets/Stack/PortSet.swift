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
    for port in ports.indices {
      try ports[port].link.watch(
        with: &poller, token: UInt64(port) + 1, forRoom: false, again: false)
    }
  }

  /// Has the links that were full watched for room, and no other.
  package mutating func tend(with poller: inout EpollPoller) {
    for port in ports.indices { ports[port].tend(with: &poller, token: UInt64(port) + 1) }
  }

  /// Hands what waits on the links to the stack, a batch from each.
  ///
  /// - Returns: whether there may be more.
  package mutating func takePackets(into stack: inout ProtocolStack, at now: Instant) -> Bool {
    var isBusy = false
    for port in ports.indices {
      var packets = 0
      while packets < Self.packetsPerIntake {
        guard receive(from: port) else { break }
        packets += 1
        stack.receive(&ports[port].arriving, on: ports[port].interface, at: now)
      }
      isBusy = isBusy || packets == Self.packetsPerIntake
    }
    return isBusy
  }

  private mutating func receive(from port: Int) -> Bool {
    while !ports[port].isGone {
      do throws(SystemError) {
        return try ports[port].receive()
      } catch {
        switch error.linkFault {
        case .refused: continue
        case .congested, .down: return false
        case .gone: ports[port].isGone = true
        }
      }
    }
    return false
  }

  /// Hands what the stack has to send to the links.
  package mutating func givePackets(from stack: inout ProtocolStack, at now: Instant) {
    for port in ports.indices {
      let interface = ports[port].interface
      while let packet = ports[port].delayed.take() ?? stack.nextPacket(for: interface, at: now) {
        guard ports[port].transmit(packet, port: port, at: now) != .full else {
          ports[port].delayed = consume packet
          break
        }
        stack.recycle(packet)
      }
    }
  }
}
