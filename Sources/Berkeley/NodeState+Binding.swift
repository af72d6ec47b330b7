import Addresses
import ProtocolStack
import SystemPackage

/// `bind` and what follows from it (Linux's `inet_csk_get_port`): who may share a port.
extension NodeState {
  private static var ephemeralPorts: ClosedRange<UInt16> { 32_768...60_999 }

  mutating func bind(_ index: Int, to local: SocketAddress) throws(Errno) {
    let record = records[index]
    if record.rawProtocol != nil, let handle = record.handle {
      return try bindRaw(index, handle, to: local)
    }
    if record.isStream {
      guard isClosed(index), !holdsPort(index) else { throw .invalidArgument }
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
      records[index].holdsPort = true
      records[index].isBoundAgain = record.phase == .connected
    } else {
      guard record.phase == .idle, !record.holdsPort else { throw .invalidArgument }
      try openDatagrams(index, at: local)
    }
    if local.port != .any { records[index].isPortChosen = true }
    guard !local.address.isUnspecified else { return }
    records[index].isAddressChosen = true
    // As on Linux, it is told of such a socket from now on (`IPV6_V6ONLY`).
    if !local.address.mapped.isIPv4Mapped { records[index].options.isIPv6Only = true }
  }

  /// Whether a stream socket has neither a connection nor listens (`TCP_CLOSE`): there was none, it
  /// failed, or both sides have ended it.
  func isClosed(_ index: Int) -> Bool {
    switch records[index].phase {
    case .idle, .refused, .unconnectable, .ended: return true
    case .listening, .connecting: return false
    case .connected:
      return records[index].handle.flatMap { stack.readiness($0)?.isOver } ?? true
    }
  }

  /// Whether a stream socket's port is its own: one that its user has named always is, another one
  /// as long as there is a use for it.
  func holdsPort(_ index: Int) -> Bool {
    let record = records[index]
    guard record.holdsPort, record.isStream, record.phase == .connected else {
      return record.holdsPort
    }
    return record.isPortChosen || record.isBoundAgain || !isClosed(index)
  }

  /// A stream socket is of no use for its port now. It keeps its name.
  mutating func leavePort(_ index: Int) {
    if !records[index].isPortChosen { records[index].holdsPort = false }
  }

  /// Binds a datagram socket to any port, if it is not bound.
  mutating func mustBeBound(_ index: Int) throws(Errno) {
    if records[index].handle == nil || records[index].isForGroups {
      try openDatagrams(index, at: records[index].place ?? records[index].wildcard)
    }
  }

  /// Makes the stack's socket for datagrams, which is bound from the beginning. It takes the place
  /// and the groups of one that was there for groups.
  private mutating func openDatagrams(_ index: Int, at local: SocketAddress) throws(Errno) {
    let old = records[index].handle
    // The port that it has had by chance may be the one that is wanted now.
    if let old, stack.localAddress(old)?.port == local.port { releaseHandle(index) }
    let handle = try makeDatagrams(index, at: local)
    joinGroups(index, handle)
    releaseHandle(index)
    setHandle(handle, of: index)
    records[index].isForGroups = false
    records[index].bound = stack.localAddress(handle)
    records[index].holdsPort = true
  }

  /// Makes one that is in groups, while its user has not bound it yet.
  mutating func openForGroups(_ index: Int) throws(Errno) {
    let handle = try makeDatagrams(index, at: records[index].wildcard)
    joinGroups(index, handle)
    setHandle(handle, of: index)
    records[index].isForGroups = true
  }

  private mutating func makeDatagrams(
    _ index: Int, at local: SocketAddress
  ) throws(Errno) -> SocketHandle {
    let options = records[index].options
    return try refusing { () throws(StackError) in
      try stack.bindUDP(
        local, ipv6Only: options.isIPv6Only, options: options.datagrams, at: now)
    }
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
      guard other.isStream, let bound = other.bound, bound.port == local.port, holdsPort(place),
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
