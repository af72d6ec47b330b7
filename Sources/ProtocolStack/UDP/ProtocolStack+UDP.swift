public import Addresses
public import Packets

/// UDP sockets as their users see them (RFC 768, RFC 8085).
extension ProtocolStack {
  /// Opens a UDP socket and binds it.
  ///
  /// - Parameters:
  ///   - local: an address of ours, a group or broadcast address to listen to, or a wildcard; port
  ///     zero asks for an ephemeral one that nobody can foretell (RFC 6056). A socket that only
  ///     sends binds to a wildcard and port zero. The wildcard `::` takes IPv4 datagrams as well.
  ///   - ipv6Only: whether `::` takes IPv6 alone (`IPV6_V6ONLY`).
  /// - Throws: `addressNotAvailable`, `addressInUse`, `noBufferSpace` at the limit of sockets.
  public mutating func bindUDP(
    _ local: SocketAddress, ipv6Only: Bool = false, options: UDPSocketOptions = .init(),
    at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    let address = Self.plain(local.address)
    let bound = address.mapped
    guard local.zone < 256 else { throw .addressNotAvailable }
    try mustExist(options.device)
    guard address.isUnspecified || address.isMulticast || mayBind(bound) || isBroadcast(address)
    else { throw .addressNotAvailable }
    let isDual = bound.isUnspecified && !ipv6Only
    var port = local.port.rawValue
    if port == 0 {
      port = try ephemeralPort(bound, isDual: isDual)
    } else {
      guard !isTaken(bound, port, isDual: isDual, options) else { throw .addressInUse }
    }
    udpSerial &+= 1
    let socket = UDPSocket(
      bound: bound, port: port, version: address.isIPv4 ? .v4 : .v6, isDual: isDual,
      zone: local.zone, serial: udpSerial, options: options)
    guard let slot = udp.slots.insert(socket) else { throw .noBufferSpace }
    udp.keys.insert(udp.slots[slot].key.hash(secrets), slot: slot)
    if let second = udp.slots[slot].dualKey {
      udp.keys.insert(second.hash(secrets), slot: slot)
    }
    return udp.handle(slot, .udp)
  }

  /// Restricts a socket to one peer: it hears nobody else, sends there where nothing else is said,
  /// and is told when the peer's host refuses its datagrams. May be called again for another peer.
  ///
  /// Sockets that share their address and port may have the same peer, as on Linux. What it sends
  /// is for the one connected last, of those that hear the device it comes by.
  ///
  /// - Throws: as ``connectTCP(to:from:options:at:)``.
  public mutating func connectUDP(
    _ socket: SocketHandle, to remote: SocketAddress, at now: Instant
  ) throws(StackError) {
    observe(now)
    guard let slot = udp.slot(socket, .udp) else { throw .noSuchSocket }
    let peer = SocketAddress(Self.plain(remote.address), port: remote.port, zone: remote.zone)
    guard peer.port != .any, !peer.address.isUnspecified, udp.slots[slot].port != 0
    else { throw .invalidOperation }
    try requireVersion(of: peer.address, slot)
    try requireBroadcastPermission(peer.address, slot)
    let bound = udp.slots[slot].bound
    let route = try route(
      to: peer.address, from: IPAddress(unmapping: bound), zone: zone(of: peer, slot),
      device: udp.slots[slot].options.device)
    let key = SocketKey(
      local: route.source.mapped, remote: peer.address.mapped,
      localPort: udp.slots[slot].port, remotePort: peer.port.rawValue)
    disconnect(slot)
    if findUDP(key) != nil { udpHasRivals = true }
    udpSerial &+= 1
    udp.slots[slot].serial = udpSerial
    udp.slots[slot].local = route.source.mapped
    udp.slots[slot].remote = peer
    udp.keys.insert(key.hash(secrets), slot: slot)
  }

  mutating func disconnect(_ slot: UInt32) {
    if let key = udp.slots[slot].connectedKey { udp.keys.remove(key.hash(secrets), slot: slot) }
    udp.slots[slot].remote = nil
    udp.slots[slot].local = udp.slots[slot].bound
  }

  /// Sends a datagram, of any length the protocol allows, empty ones included.
  ///
  /// - Parameters:
  ///   - bytes: copied.
  ///   - destination: nothing: the peer the socket is connected to.
  ///   - choices: what is to differ from the socket's own options.
  /// - Returns: false where the interface's queue is full; ``Event/writable(_:)`` follows.
  /// - Throws: what became of an earlier datagram (once); `notConnected` without a destination;
  ///   `networkUnreachable` (IPv4) or `invalidOperation` for a source that is no address of ours;
  ///   `messageTooLong`, before anything is allocated; `permissionDenied` for a broadcast address
  ///   without the option; what routing throws.
  public mutating func sendDatagram(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to destination: SocketAddress? = nil,
    with choices: DatagramChoices = .init(), at now: Instant
  ) throws(StackError) -> Bool {
    observe(now)
    guard let slot = udp.slot(socket, .udp) else { throw .noSuchSocket }
    if let failure = udp.slots[slot].failure {
      udp.slots[slot].failure = nil
      throw failure
    }
    guard let target = destination ?? udp.slots[slot].remote else { throw .notConnected }
    let address = Self.plain(target.address)
    guard target.port != .any, !address.isUnspecified, choices.hopLimit != 0,
      udp.slots[slot].port != 0
    else {
      throw .invalidOperation
    }
    try requireVersion(of: address, slot)
    // RFC 768: a length of 16 bits, less the headers; RFC 8085 §3.2 leaves the rest to the sender.
    let most = 65_535 - UDPHeader.size - (address.isIPv4 ? IPv4Header.size : 0)
    guard bytes.count <= most else { throw .messageTooLong }
    try requireBroadcastPermission(address, slot)
    let source = try source(choices, for: address) ?? IPAddress(unmapping: udp.slots[slot].local)
    let route = try route(
      to: address, from: source.isMulticast || isBroadcast(source) ? nil : source,
      zone: choices.interface.map { UInt32($0.rawValue) } ?? zone(of: target, slot),
      device: try device(udp.slots[slot].options.device, choices, for: address))
    let number = UInt32(route.interface.rawValue)
    guard interfaces[number].output.hasRoom(for: bytes.count) else {
      waitForRoom(slot, on: number)
      return false
    }
    if address.isMulticast, udp.slots[slot].options.loopsMulticast {
      loopDatagram(bytes, to: address, port: target.port, over: route, from: slot, choices)
    }
    send(bytes, to: address, port: target.port, over: route, from: slot, choices)
    return true
  }

  /// The source that was chosen for one datagram: an address of ours. What is wrong with another
  /// one is told as Linux tells it.
  func source(
    _ choices: DatagramChoices, for destination: IPAddress
  ) throws(StackError) -> IPAddress? {
    guard let chosen = choices.source.map({ Self.plain($0) }), !chosen.isUnspecified else {
      return nil
    }
    guard chosen.isIPv4 == destination.isIPv4 else { throw .invalidOperation }
    guard isLocal(chosen.mapped) else {
      throw chosen.isIPv4 ? .networkUnreachable : .invalidOperation
    }
    return chosen
  }

  /// The device that a datagram must leave by, as on Linux: over IPv4 its own choice is a wish, and
  /// comes before the socket's device; over IPv6 it is held to either.
  func device(
    _ device: InterfaceIndex?, _ choices: DatagramChoices, for destination: IPAddress
  ) throws(StackError) -> InterfaceIndex? {
    guard let chosen = choices.interface else { return device }
    guard destination.isIPv6 else { return nil }
    guard device == nil || device == chosen else { throw .invalidOperation }
    return chosen
  }

  private mutating func send(
    _ bytes: Span<UInt8>, to address: IPAddress, port: PortNumber, over route: Route,
    from slot: UInt32, _ choices: DatagramChoices
  ) {
    let length = UDPHeader.size &+ bytes.count
    var message = pool.take(capacity: length &+ Packet.defaultHeadroom)
    guard message.extend(UDPHeader.size), message.append(bytes) else { return }
    let header = UDPHeader(
      sourcePort: PortNumber(rawValue: udp.slots[slot].port), destinationPort: port,
      payloadLength: bytes.count)
    let isWhole = length &+ IPv6Header.size <= route.maximumTransmissionUnit
    do {
      var target = message.mutableBytes
      header.write(into: &target)
      var sum = InternetChecksum.pseudoHeader(
        source: route.source, destination: address, protocol: .udp, length: length)
      if route.checksumOffload, isWhole {
        target.store(sum.partial, at: 6)
      } else {
        sum.add(target.span)
        // RFC 768: a sum of zero is sent as all ones (UDP-3).
        target.store(sum.valueForUDP, at: 6)
      }
    }
    if route.checksumOffload, isWhole {
      message.offload.needsChecksum = true
      message.offload.checksumStart = 0
      message.offload.checksumOffset = 6
    }
    counts.datagramsSent &+= 1
    let options = udp.slots[slot].options
    send(
      message, to: address, over: route, .udp, isLooped: options.loopsMulticast,
      hopLimit: choices.hopLimit
        ?? (address.isMulticast ? options.multicastHopLimit : options.hopLimit),
      trafficClass: choices.trafficClass ?? options.trafficClass,
      ports: UInt32(udp.slots[slot].port) &<< 16 | UInt32(port.rawValue))
  }

  private mutating func waitForRoom(_ slot: UInt32, on number: UInt32) {
    guard !udp.slots[slot].isWaiting else { return }
    udp.slots[slot].isWaiting = true
    interfaces[number].waitingSenders.append(
      UInt64(udp.slots.generation(slot)) &<< 32 | UInt64(slot))
  }

  /// Takes the oldest datagram out of a socket's buffer.
  ///
  /// - Returns: what it was; nothing where none waits, and ``Event/readable(_:)`` follows.
  /// - Throws: what became of an earlier datagram of ours, once.
  public mutating func receiveDatagram(
    _ socket: SocketHandle, into target: inout MutableSpan<UInt8>, at now: Instant
  ) throws(StackError) -> Datagram? {
    observe(now)
    guard let slot = udp.slot(socket, .udp) else { throw .noSuchSocket }
    if let failure = udp.slots[slot].failure {
      udp.slots[slot].failure = nil
      throw failure
    }
    guard let (record, copied) = udp.slots[slot].queue.popFirst(into: &target) else {
      return nil
    }
    return Self.describe(record, copied: copied)
  }

  static func describe(_ record: DatagramRecord, copied: Int) -> Datagram {
    let interface = InterfaceIndex(rawValue: record.interface)
    return Datagram(
      count: copied, truncated: copied < record.length,
      source: Self.scoped(record.source, record.sourcePort, interface),
      destination: Self.scoped(record.destination, record.destinationPort, interface),
      interface: interface, trafficClass: record.trafficClass, hopLimit: record.hopLimit,
      length: record.length)
  }

  /// Changes a socket's options; a smaller buffer keeps what it holds.
  public mutating func setOptions(
    _ socket: SocketHandle, _ options: UDPSocketOptions, at now: Instant
  ) throws(StackError) {
    observe(now)
    guard let slot = udp.slot(socket, .udp) else { throw .noSuchSocket }
    try mustExist(options.device)
    udp.slots[slot].options = options
    udp.slots[slot].queue.limit = max(options.receiveBufferSize, 0)
  }

  mutating func closeUDP(_ slot: UInt32) {
    leaveGroups(udpOwner(slot))
    disconnect(slot)
    udp.keys.remove(udp.slots[slot].key.hash(secrets), slot: slot)
    if let second = udp.slots[slot].dualKey {
      udp.keys.remove(second.hash(secrets), slot: slot)
    }
    _ = udp.slots.remove(slot)
  }

  // MARK: - Rules

  /// A mapped address means the IPv4 one inside.
  static func plain(_ address: IPAddress) -> IPAddress {
    if case .v6(let ipv6) = address { return IPAddress(unmapping: ipv6) }
    return address
  }

  static func scoped(
    _ address: IPAddress, _ port: UInt16, _ interface: InterfaceIndex
  ) -> SocketAddress {
    let isScoped = address.isIPv6 && (address.isLinkLocal || address.isMulticast)
    return SocketAddress(
      address, port: PortNumber(rawValue: port), zone: isScoped ? UInt32(interface.rawValue) : 0)
  }

  private func zone(of target: SocketAddress, _ slot: UInt32) -> UInt32 {
    if target.zone > 0 { return target.zone }
    if udp.slots[slot].options.device != nil { return 0 }
    if target.address.isMulticast, let chosen = udp.slots[slot].options.multicastInterface {
      return UInt32(chosen.rawValue)
    }
    return udp.slots[slot].zone
  }

  private func requireVersion(of address: IPAddress, _ slot: UInt32) throws(StackError) {
    let speaks =
      udp.slots[slot].isDual || address.isIPv4 == (udp.slots[slot].version == .v4)
    guard speaks else { throw .addressFamilyNotSupported }
  }

  private func requireBroadcastPermission(
    _ address: IPAddress, _ slot: UInt32
  ) throws(StackError) {
    guard isBroadcast(address) else { return }
    guard udp.slots[slot].options.allowsBroadcast else { throw .permissionDenied }
  }

  /// Whether the address reaches all hosts of a link of ours.
  func isBroadcast(_ address: IPAddress) -> Bool {
    guard case .v4(let ipv4) = address else { return false }
    for number in numbers where interfaces[number].isBroadcast(ipv4) { return true }
    return false
  }
}
