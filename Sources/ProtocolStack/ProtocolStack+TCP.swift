public import Addresses
public import Packets

/// TCP as its users see it: routes are chosen here, everything else by ``TransmissionControl``.
extension ProtocolStack {
  /// Begins to connect; ``Event/connected(_:)`` or ``Event/failed(_:_:)`` follows.
  ///
  /// - Parameters:
  ///   - remote: unicast; for a link-local address the zone is the interface's number.
  ///   - local: the address and port to connect from; nothing, a wildcard of the peer's IP version
  ///     or port zero: chosen.
  /// - Throws: `addressFamilyNotSupported` where the two are not of one IP version;
  ///   `networkUnreachable`, as on Linux also for a multicast or broadcast address;
  ///   `addressNotAvailable`, `addressInUse`, `invalidOperation` for a wildcard address or port
  ///   zero, `noBufferSpace` at the limit of connections.
  public mutating func connectTCP(
    to remote: SocketAddress, from local: SocketAddress? = nil,
    options: TCPSocketOptions = .init(), at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    var peer = remote
    peer.address = Self.plain(remote.address)
    guard !peer.address.isUnspecified else { throw .invalidOperation }
    guard !peer.address.isMulticast, !isBroadcast(peer.address)
    else { throw .networkUnreachable }
    let source = local.map { Self.plain($0.address) }
    if let source, source.isIPv4 != peer.address.isIPv4 { throw .addressFamilyNotSupported }
    try mustExist(options.device)
    let route = try route(
      to: peer.address, from: source, zone: peer.zone > 0 ? peer.zone : local?.zone ?? 0,
      device: options.device)
    return try tcp.connect(
      to: peer, localPort: local?.port ?? .any, route: route, options: options, at: present)
  }

  /// Takes connections at an address of ours, or at all of them; ``Event/acceptable(_:)`` follows
  /// for those whose handshake is done.
  ///
  /// - Parameters:
  ///   - local: port zero asks for an ephemeral one that nobody can foretell (RFC 6056); `::` takes
  ///     IPv4 connections as well.
  ///   - backlog: connections that may wait; more are answered with cookies (RFC 4987).
  ///   - sharesPort: whether others that say so, too, may listen there: each gets a part of the
  ///     connections, chosen by their addresses and ports (`SO_REUSEPORT`).
  /// - Throws: `addressNotAvailable`, `addressInUse`, `noBufferSpace` at the limit of listeners.
  public mutating func listenTCP(
    on local: SocketAddress, backlog: Int = 1024, ipv6Only: Bool = false,
    sharesPort: Bool = false, options: TCPSocketOptions = .init(), at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    let address = Self.plain(local.address)
    guard address.isUnspecified || mayBind(address.mapped) else { throw .addressNotAvailable }
    try mustExist(options.device)
    // ID-1, RFC 6056 §3.3.1: a port that nobody can foretell.
    let start = local.port == .any ? secrets.next(below: tcp.ports.count) : 0
    return try tcp.listen(
      on: SocketAddress(address, port: local.port, zone: local.zone), backlog: backlog,
      ipv6Only: ipv6Only, sharesPort: sharesPort, options: options, ephemeralFrom: start)
  }

  /// A connection that waits at a listener; nothing where none does.
  public mutating func acceptTCP(
    _ listener: SocketHandle, at now: Instant
  ) throws(StackError) -> SocketHandle? {
    observe(now)
    return try tcp.accept(listener, at: present)
  }

  /// Queues bytes to be sent.
  ///
  /// - Returns: how many were taken. Fewer than given, and the buffer is full;
  ///   ``Event/writable(_:)`` follows.
  /// - Throws: what ended the connection; `brokenPipe` after ``shutdownSend(_:at:)``.
  public mutating func send(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, at now: Instant
  ) throws(StackError) -> Int {
    observe(now)
    return try tcp.send(socket, bytes, at: present)
  }

  /// Copies out what has arrived in order.
  ///
  /// - Throws: what ended the connection.
  public mutating func read(
    _ socket: SocketHandle, into target: inout MutableSpan<UInt8>, at now: Instant
  ) throws(StackError) -> ReadResult {
    observe(now)
    return try tcp.read(socket, into: &target, at: present)
  }

  /// Says that nothing more will be sent, after what is queued. The other direction goes on.
  public mutating func shutdownSend(
    _ socket: SocketHandle, at now: Instant
  ) throws(StackError) {
    observe(now)
    try tcp.shutdownSend(socket, at: present)
  }

  /// Lets go of a socket of any kind; its handle is void from now on. A connection still sends what
  /// is queued, unless something it received was not read: then the peer is reset (RFC 2525 §2.17).
  public mutating func close(_ socket: SocketHandle, at now: Instant) {
    observe(now)
    switch socket.kind {
    case .tcpConnection, .tcpListener: tcp.close(socket, at: present)
    case .udp: if let slot = udp.slot(socket, .udp) { closeUDP(slot) }
    case .echo: if let slot = echoes.slot(socket, .echo) { closeEcho(slot) }
    case .raw: if let slot = raws.slot(socket, .raw) { closeRaw(slot) }
    case .packet: if let slot = watchers.slot(socket, .packet) { closePackets(slot) }
    }
  }

  /// Gives a connection up: the peer is reset, what is queued is lost. Other sockets are closed.
  public mutating func abort(_ socket: SocketHandle, at now: Instant) {
    observe(now)
    switch socket.kind {
    case .tcpConnection, .tcpListener: tcp.abort(socket, at: present)
    case .udp, .echo, .raw, .packet: close(socket, at: now)
    }
  }

  /// Gives all connections up but those in TIME-WAIT: the peers are reset, what is queued is lost,
  /// and the users' next calls throw `reason`. Linear in the number of connections.
  ///
  /// - Returns: whether some are left because no more resets can wait to be sent: take packets out
  ///   with ``nextPacket(for:at:)`` and call again.
  public mutating func abortConnections(because reason: StackError, at now: Instant) -> Bool {
    observe(now)
    return tcp.abortConnections(because: reason, at: present)
  }

  /// Changes a connection's options, or those of the connections a listener will have.
  ///
  /// - Throws: `noSuchSocket`; `networkDown` for a device that does not exist; for another device
  ///   than before what routing says, and then nothing has changed.
  public mutating func setOptions(
    _ socket: SocketHandle, _ options: TCPSocketOptions, at now: Instant
  ) throws(StackError) {
    observe(now)
    try mustExist(options.device)
    if let slot = tcp.connection(socket), tcp.connections[slot].options.device != options.device,
      tcp.connections[slot].state != .closed
    {
      let flow = tcp.connections[slot].flow
      let route = try route(
        to: flow.remoteAddress, from: flow.localAddress,
        zone: flow.addressZone > 0 ? flow.addressZone &- 1 : 0, device: options.device)
      tcp.rebind(slot, over: route, isBound: options.device != nil, at: present)
    }
    try tcp.setOptions(socket, options, at: present)
  }

  /// Acknowledges the next sixteen segments at once, or until data is sent (`TCP_QUICKACK`); or
  /// lets acknowledgments wait for company again (RFC 9293 §3.8.6.3).
  ///
  /// - Throws: `noSuchSocket` for anything but a connection.
  public mutating func setQuickAcknowledgment(
    _ socket: SocketHandle, _ isOn: Bool, at now: Instant
  ) throws(StackError) {
    observe(now)
    try tcp.acknowledgeQuickly(
      socket, segments: isOn ? Connection.quickSegments : 0, at: present)
  }

  /// Whether a connection acknowledges its next segment at once; nothing for other sockets.
  public func acknowledgesQuickly(_ socket: SocketHandle) -> Bool? {
    tcp.connection(socket).map { tcp.connections[$0].quickAcknowledgments > 0 }
  }

  /// What a connection is doing; nothing for other sockets.
  public func connectionInfo(_ socket: SocketHandle) -> TCPInfo? {
    guard var info = tcp.info(socket, at: present) else { return nil }
    info.local = Self.zoned(info.local)
    info.remote = Self.zoned(info.remote)
    return info
  }

  /// Where a socket of any kind is bound; nothing where the handle is void. For an echo socket the
  /// port is its identifier.
  public func localAddress(_ socket: SocketHandle) -> SocketAddress? {
    switch socket.kind {
    case .tcpConnection, .tcpListener:
      return tcp.localAddress(socket).map { Self.zoned($0) }
    case .udp:
      guard let slot = udp.slot(socket, .udp) else { return nil }
      let local = udp.slots[slot].local
      return SocketAddress(
        udp.slots[slot].version == .v6 && local.isUnspecified
          ? .v6(.any) : IPAddress(unmapping: local),
        port: PortNumber(rawValue: udp.slots[slot].port), zone: udp.slots[slot].zone)
    case .echo:
      guard let slot = echoes.slot(socket, .echo) else { return nil }
      let wildcard: IPAddress = echoes.slots[slot].version == .v4 ? .v4(.any) : .v6(.any)
      return SocketAddress(
        echoes.slots[slot].local.map { IPAddress(unmapping: $0) } ?? wildcard,
        port: PortNumber(rawValue: echoes.slots[slot].identifier))
    case .raw:
      guard let slot = raws.slot(socket, .raw) else { return nil }
      let wildcard: IPAddress = raws.slots[slot].version == .v4 ? .v4(.any) : .v6(.any)
      return SocketAddress(
        raws.slots[slot].local.map { IPAddress(unmapping: $0) } ?? wildcard, port: .any,
        zone: raws.slots[slot].zone)
    case .packet: return nil
    }
  }

  /// Whom a socket is connected to, if to anybody.
  public func remoteAddress(_ socket: SocketHandle) -> SocketAddress? {
    switch socket.kind {
    case .tcpConnection, .tcpListener:
      return tcp.remoteAddress(socket).map { Self.zoned($0) }
    case .udp:
      guard let slot = udp.slot(socket, .udp) else { return nil }
      return udp.slots[slot].remote
    case .raw:
      guard let slot = raws.slot(socket, .raw) else { return nil }
      return raws.slots[slot].remote
    case .echo, .packet: return nil
    }
  }

  /// TCP numbers zones from one above the interface's number; users know the number itself.
  private static func zoned(_ address: SocketAddress) -> SocketAddress {
    guard address.zone > 0 else { return address }
    return SocketAddress(address.address, port: address.port, zone: address.zone &- 1)
  }

  // MARK: - Arrivals

  /// Hands a segment to TCP, with where it came from where it may begin a connection.
  @inline(__always)
  mutating func deliverTCP(_ segment: Span<UInt8>, _ delivery: Delivery) {
    // RFC 9293 §3.9.2.3 MUST-57: TCP is between two hosts.
    guard delivery.isUnicast else {
      counts.foreignDestinations &+= 1
      return
    }
    var origin: Origin?
    if mayBeginConnection(segment) { origin = self.origin(of: delivery) }
    tcp.receive(
      segment, from: delivery.source, to: delivery.destination,
      on: index(delivery.arrival.number), origin: origin,
      checksumIsValid: delivery.checksumIsValid,
      congestionExperienced: delivery.ecn == .congestionExperienced,
      segmentSize: delivery.segmentSize, at: present)
  }

  private mutating func origin(of delivery: Delivery) -> Origin? {
    let (sender, own) = (delivery.source, delivery.destination)
    let number = delivery.arrival.number
    let route = replyRoute(to: sender, from: own, on: number)
    let deviceRoute = deviceReplyRoute(to: sender, from: own, on: number, instead: route)
    if route == nil, deviceRoute == nil {
      counts.unroutable &+= 1
      return nil
    }
    return Origin(
      route: route, device: device(of: own.mapped, on: number), deviceRoute: deviceRoute)
  }

  /// A SYN, or while cookies are out any acknowledgment.
  @inline(__always)
  private mutating func mayBeginConnection(_ segment: Span<UInt8>) -> Bool {
    if segment.uint8(at: 13) & 0x02 != 0 { return true }
    if tcp.counters.cookiesSent != cookies {
      cookies = tcp.counters.cookiesSent
      cookiesUntil = present + .seconds(300)
    }
    return present < cookiesUntil
  }
}
