import Addresses
import Packets

/// What the network says about a segment of ours.
enum PathError {
  case networkUnreachable
  case hostUnreachable
  /// Port or protocol unreachable.
  case refused
  /// The next link takes packets of this many bytes only; zero: it did not say.
  case packetTooBig(mtu: Int)
}

extension TransmissionControl {
  /// The least path MTU believed over IPv4: a smaller one is more likely an attack (RFC 5927 §7).
  private static var minimumPathMTU: Int { 552 }

  /// An ICMP error quotes a segment of ours.
  ///
  /// - Parameter sequence: of the quoted segment. Errors about anything not on its way are ignored
  ///   (RFC 5927 §4.1).
  mutating func pathError(
    _ error: PathError, local: IPAddress, localPort: PortNumber, remote: IPAddress,
    remotePort: PortNumber, sequence: SequenceNumber, on interface: InterfaceIndex,
    at now: Instant
  ) {
    let flow = Flow(
      local: local, localPort: localPort, remote: remote, remotePort: remotePort,
      interface: interface)
    guard let slot = find(flow) ?? findBound(flow, on: interface),
      connections[slot].state != .timeWait,
      connections[slot].send.unacknowledged.precedesOrEquals(sequence),
      sequence.precedes(connections[slot].send.next)
    else {
      counters.pathErrorsIgnored &+= 1
      return
    }
    counters.pathErrors &+= 1
    switch error {
    case .networkUnreachable: connections[slot].note(.networkUnreachable)
    case .hostUnreachable: connections[slot].note(.hostUnreachable)
    case .refused: connections[slot].note(.connectionRefused)
    case .packetTooBig(let mtu):
      if !connections[slot].lowerPathMTU(to: mtu, floor: Self.minimumPathMTU, at: now) {
        counters.pathErrorsIgnored &+= 1
      }
    }
    settle(slot, at: now)
  }

  /// The neighbour that a flow's packets go through does not answer.
  mutating func neighborUnreachable(
    _ nextHop: IPAddress, on interface: InterfaceIndex, at now: Instant
  ) {
    for slot in connections.indices
    where connections.contains(slot) && connections[slot].route.interface == interface
      && connections[slot].route.nextHop == nextHop && connections[slot].state != .closed
    {
      connections[slot].note(.hostUnreachable)
      settle(slot, at: now)
    }
  }

  /// IP4-12: connections from an address that is gone cannot go on.
  mutating func localAddressRemoved(_ address: IPAddress, at now: Instant) {
    let mapped = address.mapped
    for slot in connections.indices
    where connections.contains(slot) && connections[slot].flow.local == mapped
      && connections[slot].state != .closed
    {
      connections[slot].end(.addressNotAvailable)
      settle(slot, at: now)
    }
  }

  /// A link's MTU has changed: connections over it learn of it when they next send, so that whoever
  /// announces MTUs cannot make work for all of them.
  mutating func interfaceChanged(_ interface: InterfaceIndex, mtu: Int) {
    links[Int(interface.rawValue)].maximumTransmissionUnit = mtu
  }
}

extension Connection {
  /// RFC 5461, RFC 5927 §5: fatal while connecting, a hint afterwards.
  mutating func note(_ error: StackError) {
    if state == .synSent { end(error) } else { softError = error }
  }

  /// RFC 1191 §3, RFC 8201 §4: smaller segments from now on, and what is on its way again.
  ///
  /// - Returns: false where the news is no news, or no good.
  mutating func lowerPathMTU(to mtu: Int, floor: Int, at now: Instant) -> Bool {
    let least = flow.isIPv4 ? floor : 1280
    guard mtu >= least, mtu < route.maximumTransmissionUnit else { return false }
    route.maximumTransmissionUnit = mtu
    let segment = max(mtu &- (flow.isIPv4 ? 40 : 60), 64)
    guard segment < send.segment else { return true }
    send.segment = segment
    guard send.flight > 0, state.isSynchronized, state != .synReceived else { return true }
    // Not a loss by congestion: the window stays as it is.
    loseEverything()
    return true
  }
}
