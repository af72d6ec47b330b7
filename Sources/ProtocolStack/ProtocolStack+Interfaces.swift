public import Addresses
public import Packets

/// Interfaces, their addresses and the routes over them.
extension ProtocolStack {
  /// The loopback interface's number.
  public static var loopback: InterfaceIndex { InterfaceIndex(rawValue: 0) }

  mutating func addLoopback() {
    let abilities = LinkAbilities(mtu: 65_535, checksumOffload: true)
    guard let number = interfaces.insert(Interface(abilities, configuration: configuration))
    else { return }
    names.append("lo")
    tcp.interfaceAdded()
    for address: IPAddress in [.v4(.loopback), .v6(.loopback)] {
      interfaces[number].addresses.append(
        InterfaceAddress(Prefix(host: address), state: .preferred))
    }
  }

  /// Adds an interface without addresses.
  ///
  /// - Parameters:
  ///   - name: for humans.
  ///   - abilities: what the link carries and takes off the stack's hands.
  /// - Returns: its number, which is also the zone of link-local addresses on it.
  /// - Throws: `noBufferSpace` where there are as many as the configuration allows.
  public mutating func addInterface(
    _ name: String, _ abilities: LinkAbilities, at now: Instant
  ) throws(StackError) -> InterfaceIndex {
    observe(now)
    guard let number = interfaces.insert(Interface(abilities, configuration: configuration))
    else { throw .noBufferSpace }
    names.append(name)
    tcp.interfaceAdded()
    return InterfaceIndex(rawValue: UInt8(truncatingIfNeeded: number))
  }

  /// The interfaces besides the loopback one, in the order of being added.
  public var interfaceIndices: [InterfaceIndex] {
    var indices: [InterfaceIndex] = []
    for number in numbers where number > 0 {
      indices.append(InterfaceIndex(rawValue: UInt8(truncatingIfNeeded: number)))
    }
    return indices
  }

  /// An interface's name; empty where there is no such interface.
  public func name(of interface: InterfaceIndex) -> String {
    Int(interface.rawValue) < names.count ? names[Int(interface.rawValue)] : ""
  }

  /// An interface's addresses, with those that may not be used yet or any more.
  public func addresses(on interface: InterfaceIndex) -> [InterfaceAddress] {
    let number = UInt32(interface.rawValue)
    guard interfaces.contains(number) else { return [] }
    var list: [InterfaceAddress] = []
    for place in interfaces[number].addresses.indices {
      list.append(interfaces[number].addresses[place])
    }
    return list
  }

  /// Bytes of the largest IP packet on an interface; zero where there is no such interface.
  public func mtu(of interface: InterfaceIndex) -> Int {
    let number = UInt32(interface.rawValue)
    return interfaces.contains(number) ? interfaces[number].mtu : 0
  }

  /// Gives an interface an address, and the stack a route to the prefix it lies in.
  ///
  /// On Ethernet others are asked first whether they have it, and it is used when none has answered
  /// (RFC 4862 §5.4, RFC 5227 §2.1.1), after ``StackConfiguration/duplicateAddressProbes`` seconds.
  /// The first IPv6 address brings a link-local one with it (RFC 4862 §5.3).
  ///
  /// - Throws: `invalidOperation` for what is no host's address, `networkDown` for an interface
  ///   that does not exist, `addressInUse` where the stack has the address already,
  ///   `noBufferSpace` at a limit.
  public mutating func addAddress(
    _ prefix: Prefix, on interface: InterfaceIndex, at now: Instant
  ) throws(StackError) {
    observe(now)
    let number = UInt32(interface.rawValue)
    guard interfaces.contains(number) else { throw .networkDown }
    let address = prefix.address
    guard !address.isUnspecified, !address.isMulticast, !address.isLimitedBroadcast,
      !address.isLoopback || number == 0
    else { throw .invalidOperation }
    if case .v4(let ipv4) = address, ipv4 == prefix.broadcastAddress { throw .invalidOperation }
    try assign(InterfaceAddress(prefix, state: .tentative), to: number)
    if case .v6(let ipv6) = address, !ipv6.isLinkLocal, interfaces[number].isEthernet {
      addLinkLocalAddress(to: number)
    }
  }

  /// Enters an address that was checked, with its route, and begins to ask for duplicates.
  mutating func assign(
    _ candidate: InterfaceAddress, to number: UInt32
  ) throws(StackError) {
    var candidate = candidate
    let key = candidate.key
    for other in numbers {
      // A link-local address may be ours on several links.
      if other != number, key.isLinkLocal { continue }
      guard interfaces[other].place(of: key) == nil else { throw .addressInUse }
    }
    guard interfaces[number].addresses.count < configuration.addressLimit else {
      throw .noBufferSpace
    }
    if candidate.prefix.length < candidate.address.bitWidth, !candidate.isAutomatic {
      let route = RoutingTable.Entry(
        prefix: candidate.prefix.network, gateway: nil, interface: index(number))
      guard routes.insert(route) else { throw .noBufferSpace }
    }
    candidate.probesLeft = max(configuration.duplicateAddressProbes, 0)
    candidate.deadline = present
    candidate.nonce = secrets.next() & 0xFFFF_FFFF_FFFF
    if !interfaces[number].isEthernet || candidate.probesLeft == 0 {
      candidate.state = .preferred
      candidate.probesLeft = 0
      candidate.deadline = .distantFuture
    }
    let isReady = candidate.isUsable
    interfaces[number].addresses.append(candidate)
    interfaces[number].scheduleAddresses()
    if isReady { announce(interfaces[number].addresses.count &- 1, on: number) }
    advanceAddresses(number)
  }

  /// ID-7, RFC 7217: an identifier that is stable here, and tells nothing about the hardware.
  func stableIdentifier(for network: UInt64, on number: UInt32, attempt: UInt64 = 0) -> UInt64 {
    let identifier = secrets.hash(network, UInt64(number), attempt, 0x6964_656E_7469_7479)
    // RFC 5453: not among the reserved ones.
    let isReserved = identifier == 0 || identifier &>> 7 == 0x1FB_FFFF_FFFF_FFFF
    return isReserved ? identifier ^ 0x100 : identifier
  }

  private mutating func addLinkLocalAddress(to number: UInt32) {
    for place in interfaces[number].addresses.indices
    where interfaces[number].addresses[place].key.isLinkLocal {
      return
    }
    let network: UInt64 = 0xFE80 << 48
    let address = IPv6Address(
      high: network, low: stableIdentifier(for: network, on: number))
    guard let prefix = Prefix(.v6(address), length: 64) else { return }
    try? assign(InterfaceAddress(prefix, state: .tentative), to: number)
  }

  /// Takes an address away. Its connections fail, and so do sockets bound to it (IP4-12); the route
  /// to its prefix goes with the last address in it.
  ///
  /// - Throws: `addressNotAvailable` where the interface does not have it.
  public mutating func removeAddress(
    _ address: IPAddress, on interface: InterfaceIndex, at now: Instant
  ) throws(StackError) {
    observe(now)
    let number = UInt32(interface.rawValue)
    guard interfaces.contains(number),
      let place = interfaces[number].place(of: address.mapped)
    else { throw .addressNotAvailable }
    forget(place, on: number)
  }

  /// Drops an address and everything that hung on it.
  mutating func forget(_ place: Int, on number: UInt32) {
    guard let gone = interfaces[number].addresses.remove(at: place) else { return }
    interfaces[number].scheduleAddresses()
    var isLast = true
    for other in interfaces[number].addresses.indices
    where interfaces[number].addresses[other].prefix.network == gone.prefix.network {
      isLast = false
    }
    if isLast, !gone.isAutomatic {
      let interface = index(number)
      routes.remove {
        $0.prefix == gone.prefix.network && $0.interface == interface && $0.gateway == nil
      }
    }
    // Connections over other links that share a link-local address stay.
    guard !owns(gone.key) else { return }
    tcp.localAddressRemoved(gone.address, at: present)
    failSockets(boundTo: gone.key)
  }

  /// Adds a route.
  ///
  /// - Parameters:
  ///   - destination: where it leads; host bits are ignored.
  ///   - gateway: the router; nothing where the destinations are neighbours.
  /// - Throws: `networkDown` for an interface that does not exist, `invalidOperation` for a gateway
  ///   that cannot be one, `noBufferSpace` at the limit.
  public mutating func addRoute(
    _ destination: Prefix, via gateway: IPAddress?, on interface: InterfaceIndex
  ) throws(StackError) {
    guard interfaces.contains(UInt32(interface.rawValue)) else { throw .networkDown }
    if let gateway {
      guard gateway.isIPv4 == destination.address.isIPv4, !gateway.isUnspecified,
        !gateway.isMulticast
      else { throw .invalidOperation }
    }
    let entry = RoutingTable.Entry(
      prefix: destination.network, gateway: gateway, interface: interface)
    guard routes.insert(entry) else { throw .noBufferSpace }
  }

  /// Removes the routes to exactly this prefix over the interface.
  public mutating func removeRoute(_ destination: Prefix, on interface: InterfaceIndex) {
    let network = destination.network
    routes.remove { $0.prefix == network && $0.interface == interface }
  }

  /// Says that a link carries less, or again as much as it can: between 576 bytes and what it was
  /// added with. IPv6 goes on with 1,280 at least (RFC 8200 §5).
  public mutating func setMTU(_ mtu: Int, on interface: InterfaceIndex) {
    let number = UInt32(interface.rawValue)
    guard number > 0, interfaces.contains(number) else { return }
    let clamped = Interface.clamp(mtu, to: interfaces[number].abilities.mtu)
    interfaces[number].mtu = clamped
    tcp.interfaceChanged(interface, mtu: clamped)
  }

  /// All interfaces: they are never removed, so that their numbers have no gaps.
  @inline(__always)
  var numbers: Range<UInt32> { 0..<UInt32(truncatingIfNeeded: interfaces.count) }

  @inline(__always)
  func index(_ number: UInt32) -> InterfaceIndex {
    InterfaceIndex(rawValue: UInt8(truncatingIfNeeded: number))
  }

  /// Whether any interface has the address, ready for use.
  func owns(_ key: IPv6Address) -> Bool { interfaces.own(key) }

  /// Whether the address may be bound: ours, on whatever interface, used already or about to be.
  func mayBind(_ key: IPv6Address) -> Bool {
    if key.ipv4?.isLoopback == true { return true }
    for number in numbers {
      if let place = interfaces[number].place(of: key) {
        return interfaces[number].addresses[place].state != .duplicate
      }
    }
    return maySend(from: key)
  }
}
