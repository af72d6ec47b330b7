public import Addresses

/// What sockets there are, for people and for checks that nothing is left behind.
extension ProtocolStack {
  /// Every socket of every kind, connections in TIME-WAIT included.
  public var socketCount: Int {
    tcp.connections.count &+ tcp.listeners.count &+ udp.count &+ echoes.count &+ raws.count
      &+ watchers.count
  }

  /// How many there are of one kind.
  public func socketCount(_ kind: SocketHandle.Kind) -> Int {
    switch kind {
    case .tcpConnection: tcp.connections.count
    case .tcpListener: tcp.listeners.count
    case .udp: udp.count
    case .echo: echoes.count
    case .raw: raws.count
    case .packet: watchers.count
    }
  }

  /// The options of a connection, or those of the connections a listener will have.
  public func tcpOptions(_ socket: SocketHandle) -> TCPSocketOptions? {
    if let slot = tcp.listener(socket) { return tcp.listeners[slot].options }
    return tcp.connection(socket).map { tcp.connections[$0].options }
  }

  /// Whether a listener shares its port.
  public func sharesPort(_ listener: SocketHandle) -> Bool {
    tcp.listener(listener).map { tcp.listeners[$0].sharesPort } ?? false
  }

  public func udpOptions(_ socket: SocketHandle) -> UDPSocketOptions? {
    udp.slot(socket, .udp).map { udp.slots[$0].options }
  }

  public func rawOptions(_ socket: SocketHandle) -> RawSocketOptions? {
    raws.slot(socket, .raw).map { raws.slots[$0].options }
  }

  /// Whether a socket that speaks IPv6 speaks IPv4 as well; nothing for other sockets.
  public func isDual(_ socket: SocketHandle) -> Bool? {
    if let slot = udp.slot(socket, .udp) {
      return udp.slots[slot].version == .v6 ? udp.slots[slot].isDual : nil
    }
    guard let slot = tcp.listener(socket), tcp.listeners[slot].address.isIPv6 else { return nil }
    return tcp.listeners[slot].address.isUnspecified && !tcp.listeners[slot].ipv6Only
  }

  /// How many connections are in each state. Linear in their number.
  public func connectionCount(_ state: ConnectionState) -> Int {
    var count = 0
    tcp.forEachConnection(at: present) { if $0.state == state { count &+= 1 } }
    return count
  }

  /// Calls `body` with every connection. Linear in their number.
  public func forEachConnection(_ body: (TCPInfo) -> Void) {
    tcp.forEachConnection(at: present, body)
  }

  /// Calls `body` with every listener and UDP socket, and where it is bound and connected.
  public func forEachSocket(
    _ body: (SocketHandle, SocketAddress, SocketAddress?) -> Void
  ) {
    for slot in tcp.listeners.indices where tcp.listeners.contains(slot) {
      let handle = tcp.listenerHandle(slot)
      if let local = localAddress(handle) { body(handle, local, nil) }
    }
    for slot in udp.slots.indices where udp.slots.contains(slot) {
      let handle = udp.handle(slot, .udp)
      if let local = localAddress(handle) { body(handle, local, remoteAddress(handle)) }
    }
  }

  /// What waits in a socket's queues: bytes to be read, those of datagrams with what they take
  /// besides, and bytes not acknowledged; of a listener, the connections that wait to be accepted,
  /// and that may. Zero for what has no such queues.
  public func queues(_ socket: SocketHandle) -> (receive: Int, send: Int) {
    if let slot = tcp.listener(socket) {
      return (tcp.listeners[slot].ready.count, tcp.listeners[slot].backlog)
    }
    if let slot = udp.slot(socket, .udp) { return (udp.slots[slot].queue.charge, 0) }
    guard let slot = tcp.connection(socket) else { return (0, 0) }
    return (tcp.connections[slot].receive.buffered, tcp.connections[slot].send.buffered)
  }

  /// For checks: uses of each table what it does not have, as only a mistake in this module would.
  /// Each use is counted in ``StackCounters/brokenInvariants`` or in TCP's, and harms nobody.
  package mutating func useWhatIsNotThere() {
    let nowhere: UInt32 = 0xFFFF_FFF0
    tcp.connections[nowhere].wantsOutput = true
    tcp.settle(nowhere, at: present)
    tcp.listeners[nowhere].halfOpen &+= 1
    tcp.links[-1].maximumTransmissionUnit = 0
    interfaces[nowhere].mtu = 0
    interfaces[0].addresses[interfaces[0].addresses.count].state = .preferred
    interfaces[0].neighbors.entries[nowhere].tries = 1
    udp.slots[nowhere].failure = .notConnected
    echoes.slots[nowhere].events.isReadableTold = true
    raws.slots[nowhere].failure = .notConnected
    watchers.slots[nowhere].seen = 1
  }

  /// What the tables hold at this moment; all zero in a stack at rest, but for neighbours.
  public struct Occupancy: Hashable, Sendable {
    /// Datagrams that wait for fragments, and their memory in bytes.
    public var partialDatagrams = 0
    public var fragmentBytes = 0
    /// Neighbours known, and those being asked for.
    public var neighbors = 0
    public var unresolvedNeighbors = 0
    /// Packets ready to leave.
    public var queuedPackets = 0
    /// Paths narrower than their link.
    public var paths = 0
    public var routes = 0
    /// Memory of TCP's send and receive buffers in bytes, and connections with a timer running.
    public var bufferBytes = 0
    public var timers = 0
  }

  /// What the tables hold. Linear in the number of interfaces.
  public var occupancy: Occupancy {
    var occupancy = Occupancy()
    occupancy.partialDatagrams = reassembler.count
    occupancy.fragmentBytes = reassembler.bytes
    occupancy.paths = paths.count
    occupancy.routes = routes.count
    occupancy.bufferBytes = tcp.chunks.inUse &* ChunkPool.chunkSize
    occupancy.timers = tcp.deadlines.count
    for number in numbers {
      occupancy.neighbors &+= interfaces[number].neighbors.count
      occupancy.unresolvedNeighbors &+= interfaces[number].neighbors.unresolvedCount
      occupancy.queuedPackets &+=
        interfaces[number].control.count &+ interfaces[number].output.count
        &+ interfaces[number].frames.count
    }
    return occupancy
  }
}
