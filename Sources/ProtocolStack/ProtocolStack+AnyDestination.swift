import Addresses
public import Packets

/// Taking packets for addresses that are not ours: what the far end of a tunnel does that carries
/// connections on. Sockets then have the addresses that their peers meant.
extension ProtocolStack {
  /// Has an interface take packets to any unicast address for ours, or no longer. Meanwhile sockets
  /// of any kind may be bound to any address, too, and echo requests to any address are answered.
  public mutating func setTakesAnyDestination(
    _ takesAnyDestination: Bool, on interface: InterfaceIndex
  ) throws(StackError) {
    let number = UInt32(interface.rawValue)
    guard number > 0, interfaces.contains(number) else { throw .networkDown }
    interfaces[number].takesAnyDestination = takesAnyDestination
  }

  /// Takes TCP connections at any address and any port that no other listener takes them at. Of an
  /// interface that takes no more than our own addresses, at those.
  ///
  /// - Throws: `addressInUse` where there is such a listener, `noBufferSpace` at the limit.
  public mutating func listenTCPAnywhere(
    backlog: Int = 1024, options: TCPSocketOptions = .init(), at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    return try tcp.listenAnywhere(backlog: backlog, options: options)
  }

  /// Opens a UDP socket that hears what is sent to any address and port that no other socket is
  /// bound to. It sends nothing.
  ///
  /// - Throws: `addressInUse` where there is such a socket, `noBufferSpace` at the limit.
  public mutating func bindUDPAnywhere(
    options: UDPSocketOptions = .init(), at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    guard findUDP(SocketKey(local: .any, localPort: 0)) == nil else { throw .addressInUse }
    let socket = UDPSocket(
      bound: .any, port: 0, version: .v6, isDual: true, zone: 0, options: options)
    guard let slot = udp.slots.insert(socket) else { throw .noBufferSpace }
    udp.keys.insert(udp.slots[slot].key.hash(secrets), slot: slot)
    if let second = udp.slots[slot].dualKey {
      udp.keys.insert(second.hash(secrets), slot: slot)
    }
    return udp.handle(slot, .udp)
  }

  /// Whether a packet of ours may carry the address as its source.
  func maySend(from key: IPv6Address) -> Bool {
    interfaces.own(key) || numbers.contains { interfaces.isOwn(key, on: $0) }
  }
}

// Asked of the table alone: a question to the stack, once inlined where the stack is being changed,
// copies all of it.
extension Slots where Element == Interface {
  /// Whether packets that arrive on an interface for a unicast address are for us.
  @inline(__always)
  func isOwn(_ key: IPv6Address, on number: UInt32) -> Bool {
    self[number].owns(key) || self[number].takesAnyDestination && isForeignUnicast(key, on: number)
  }

  /// Whether any interface has the address, ready for use.
  @inline(__always)
  func own(_ key: IPv6Address) -> Bool {
    var number: UInt32 = 0
    while number < UInt32(truncatingIfNeeded: count) {
      if self[number].owns(key) { return true }
      number &+= 1
    }
    return false
  }

  @inline(never)
  private func isForeignUnicast(_ key: IPv6Address, on number: UInt32) -> Bool {
    guard let ipv4 = key.ipv4 else {
      return !key.isMulticast && !key.isUnspecified && !key.isLoopback && !key.isLinkLocal
    }
    return !ipv4.isMulticast && !ipv4.isThisNetwork && !ipv4.isLoopback && !ipv4.isReserved
      && !self[number].isBroadcast(ipv4)
  }
}
