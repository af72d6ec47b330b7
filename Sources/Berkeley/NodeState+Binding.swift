import Addresses
import ProtocolStack
import SystemPackage

/// `bind` and what follows from it (Linux's `inet_csk_get_port`): who may share a port.
extension NodeState {
  private static var ephemeralPorts: ClosedRange<UInt16> { 32_768...60_999 }

  mutating func bind(_ index: Int, to local: SocketAddress) throws(Errno) {
    let record = records[index]
    guard record.phase == .idle, record.bound == nil else { throw .invalidArgument }
    if record.isStream {
      guard !local.address.isMulticast, stack.mayBind(local.address) else {
        throw .addressNotAvailable
      }
      var wanted = local
      if wanted.port == .any {
        wanted.port = try freePort(index, local)
      } else {
        guard !conflicts(index, local) else { throw .addressInUse }
      }
      records[index].bound = wanted
    } else {
      try openDatagrams(index, at: local)
    }
    records[index].isBoundByUser = true
  }

  /// Makes the stack's socket for datagrams, which is bound from the beginning.
  mutating func openDatagrams(_ index: Int, at local: SocketAddress) throws(Errno) {
    let options = records[index].options
    let handle = try refusing { () throws(StackError) in
      try stack.bindUDP(
        local, ipv6Only: options.isIPv6Only, options: options.datagrams, at: now)
    }
    setHandle(handle, of: index)
    records[index].bound = stack.localAddress(handle)
  }

  private func freePort(_ index: Int, _ local: SocketAddress) throws(Errno) -> PortNumber {
    let ports = Self.ephemeralPorts
    var port = UInt16.random(in: ports)
    for _ in ports {
      var candidate = local
      candidate.port = PortNumber(rawValue: port)
      if !conflicts(index, candidate) { return candidate.port }
      port = port == ports.upperBound ? ports.lowerBound : port + 1
    }
    throw .addressInUse
  }

  /// Whether a stream socket of ours, or a connection that outlived its socket, has the port.
  private func conflicts(_ index: Int, _ local: SocketAddress) -> Bool {
    let own = records[index]
    for place in records.indices where place != index && !records[place].isVacant {
      let other = records[place]
      guard other.isStream, let bound = other.bound, bound.port == local.port,
        overlap(bound.address, other.options.isIPv6Only, local.address, own.options.isIPv6Only)
      else { continue }
      if let device = own.options.device, let another = other.options.device, device != another {
        continue
      }
      if own.options.reusesPort, other.options.reusesPort { continue }
      if own.options.reusesAddress, other.options.reusesAddress, other.phase != .listening {
        continue
      }
      return true
    }
    guard !own.options.reusesAddress else { return false }
    var isTaken = false
    stack.forEachConnection { connection in
      guard connection.local.port == local.port,
        overlap(connection.local.address, true, local.address, own.options.isIPv6Only)
      else { return }
      isTaken = isTaken || connection.state != .closed
    }
    return isTaken
  }

  /// Whether two addresses to be bound have an address in common.
  private func overlap(
    _ first: IPAddress, _ firstIsOnly: Bool, _ second: IPAddress, _ secondIsOnly: Bool
  ) -> Bool {
    let first = unmapped(first)
    let second = unmapped(second)
    if first.isIPv4 == second.isIPv4 {
      return first == second || first.isUnspecified || second.isUnspecified
    }
    return first.isIPv6
      ? first.isUnspecified && !firstIsOnly : second.isUnspecified && !secondIsOnly
  }

  private func unmapped(_ address: IPAddress) -> IPAddress {
    if case .v6(let ipv6) = address { IPAddress(unmapping: ipv6) } else { address }
  }
}
