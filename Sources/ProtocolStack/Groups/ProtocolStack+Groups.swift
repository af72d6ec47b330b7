public import Addresses
public import Packets

/// Multicast groups as the users of UDP and raw sockets see them (RFC 9776 §2, RFC 3678).
extension ProtocolStack {
  /// Lets a socket hear what is sent to a group on a link: from everybody, or from one source more
  /// (`IP_ADD_MEMBERSHIP`, `MCAST_JOIN_GROUP`, `MCAST_JOIN_SOURCE_GROUP`).
  ///
  /// - Throws: `noSuchSocket`; `invalidOperation` for what is no group, no source, or not the
  ///   loopback interface's; `networkDown` for an interface that does not exist;
  ///   `addressNotAvailable` for a group of a version that the socket does not speak (MC-4);
  ///   `addressInUse` where it has joined already, or wants everybody while it named sources;
  ///   `noBufferSpace` at a limit.
  public mutating func joinGroup(
    _ socket: SocketHandle, _ group: IPAddress, from source: IPAddress? = nil,
    on interface: InterfaceIndex, at now: Instant
  ) throws(StackError) {
    observe(now)
    let (owner, key, number) = try check(socket, group, source, interface)
    if let place = membership(of: owner, key, on: number) {
      guard let source, !interfaces[number].memberships[place].isExclude,
        !interfaces[number].memberships[place].sources.contains(source.mapped)
      else { throw .addressInUse }
      guard interfaces[number].memberships[place].sources.insert(source.mapped) else {
        throw .noBufferSpace
      }
    } else {
      guard interfaces[number].memberships.count < configuration.groupLimit else {
        throw .noBufferSpace
      }
      var membership = Membership(owner: owner, group: key, isExclude: source == nil)
      if let source { _ = membership.sources.insert(source.mapped) }
      interfaces[number].memberships.append(membership)
    }
    reviewGroup(key, on: number)
  }

  /// Takes that back: the whole group, or one source of those that were named
  /// (`IP_DROP_MEMBERSHIP`, `MCAST_LEAVE_GROUP`, `MCAST_LEAVE_SOURCE_GROUP`). Closing a socket
  /// leaves its groups.
  ///
  /// - Throws: `addressNotAvailable` where the socket has not joined; else as
  ///   ``joinGroup(_:_:from:on:at:)``.
  public mutating func leaveGroup(
    _ socket: SocketHandle, _ group: IPAddress, from source: IPAddress? = nil,
    on interface: InterfaceIndex, at now: Instant
  ) throws(StackError) {
    observe(now)
    let (owner, key, number) = try check(socket, group, source, interface)
    guard let place = membership(of: owner, key, on: number) else { throw .addressNotAvailable }
    if let source {
      guard !interfaces[number].memberships[place].isExclude,
        interfaces[number].memberships[place].sources.contains(source.mapped)
      else { throw .addressNotAvailable }
      interfaces[number].memberships[place].sources.remove { $0 == source.mapped }
    }
    if source == nil || interfaces[number].memberships[place].sources.count == 0 {
      _ = interfaces[number].memberships.remove(at: place)
    }
    reviewGroup(key, on: number)
  }

  /// Stops hearing one source of a group that was joined for everybody (`MCAST_BLOCK_SOURCE`), or
  /// hears it again (`MCAST_UNBLOCK_SOURCE`).
  ///
  /// - Throws: `addressNotAvailable` where the socket has not joined the group so, or the source is
  ///   in that state already; else as ``joinGroup(_:_:from:on:at:)``.
  public mutating func setBlocked(
    _ isBlocked: Bool, _ source: IPAddress, in group: IPAddress, for socket: SocketHandle,
    on interface: InterfaceIndex, at now: Instant
  ) throws(StackError) {
    observe(now)
    let (owner, key, number) = try check(socket, group, source, interface)
    guard let place = membership(of: owner, key, on: number),
      interfaces[number].memberships[place].isExclude,
      interfaces[number].memberships[place].sources.contains(source.mapped) != isBlocked
    else { throw .addressNotAvailable }
    if isBlocked {
      guard interfaces[number].memberships[place].sources.insert(source.mapped) else {
        throw .noBufferSpace
      }
    } else {
      interfaces[number].memberships[place].sources.remove { $0 == source.mapped }
    }
    reviewGroup(key, on: number)
  }

  /// Calls `body` with every group that somebody here listens to on an interface.
  public func forEachGroup(on interface: InterfaceIndex, _ body: (IPAddress) -> Void) {
    let number = UInt32(interface.rawValue)
    guard interfaces.contains(number) else { return }
    for place in interfaces[number].groups.indices
    where !interfaces[number].groups[place].isEmpty {
      body(IPAddress(unmapping: interfaces[number].groups[place].key))
    }
  }

  /// A socket is closed: it leaves everything. Linear in the memberships of all interfaces.
  mutating func leaveGroups(_ owner: MembershipOwner) {
    for number in numbers {
      var place = 0
      while place < interfaces[number].memberships.count {
        guard interfaces[number].memberships[place].owner == owner,
          let gone = interfaces[number].memberships.remove(at: place)
        else {
          place &+= 1
          continue
        }
        reviewGroup(gone.group, on: number)
      }
    }
  }

  /// Whether a UDP socket wants what a source sends to a group: what it joined for, or a group that
  /// all hosts are in. Linear in the interface's memberships.
  func hears(
    _ slot: UInt32, _ group: IPv6Address, from source: IPv6Address, on number: UInt32
  ) -> Bool {
    wants(udpOwner(slot), group, from: source, on: number) ?? Group.isUnreported(group)
  }

  /// What a socket's membership says about a source; nothing where it has not joined the group.
  /// Linear in the interface's memberships.
  func wants(
    _ owner: MembershipOwner, _ group: IPv6Address, from source: IPv6Address, on number: UInt32
  ) -> Bool? {
    membership(of: owner, group, on: number).map {
      interfaces[number].memberships[$0].hears(source)
    }
  }

  func udpOwner(_ slot: UInt32) -> MembershipOwner {
    MembershipOwner(kind: .udp, slot: slot, generation: udp.slots.generation(slot))
  }

  func rawOwner(_ slot: UInt32) -> MembershipOwner {
    MembershipOwner(kind: .raw, slot: slot, generation: raws.slots.generation(slot))
  }

  // MARK: - Steps

  private func membership(of owner: MembershipOwner, _ group: IPv6Address, on number: UInt32)
    -> Int?
  {
    var place = 0
    while place < interfaces[number].memberships.count {
      if interfaces[number].memberships[place].owner == owner,
        interfaces[number].memberships[place].group == group
      {
        return place
      }
      place &+= 1
    }
    return nil
  }

  private func check(
    _ socket: SocketHandle, _ group: IPAddress, _ source: IPAddress?, _ interface: InterfaceIndex
  ) throws(StackError) -> (owner: MembershipOwner, key: IPv6Address, number: UInt32) {
    let (owner, speaks4, speaks6) = try member(socket)
    let group = Self.plain(group)
    let number = UInt32(interface.rawValue)
    guard interfaces.contains(number) else { throw .networkDown }
    guard group.isMulticast, number > 0 else { throw .invalidOperation }
    if let source = source.map({ Self.plain($0) }) {
      guard source.isIPv4 == group.isIPv4, !source.isMulticast, !source.isUnspecified else {
        throw .invalidOperation
      }
    }
    guard group.isIPv4 ? speaks4 : speaks6 else { throw .addressNotAvailable }
    return (owner, group.mapped, number)
  }

  /// A socket that may join, and the versions of IP it speaks.
  private func member(
    _ socket: SocketHandle
  ) throws(StackError) -> (owner: MembershipOwner, speaks4: Bool, speaks6: Bool) {
    if let slot = udp.slot(socket, .udp) {
      let (version, isDual) = (udp.slots[slot].version, udp.slots[slot].isDual)
      return (udpOwner(slot), isDual || version == .v4, isDual || version == .v6)
    }
    guard let slot = raws.slot(socket, .raw) else { throw .noSuchSocket }
    let version = raws.slots[slot].version
    return (rawOwner(slot), version == .v4, version == .v6)
  }

  /// RFC 9776 §3.2: what all sockets together want; and what has changed is reported (§5.1).
  private mutating func reviewGroup(_ key: IPv6Address, on number: UInt32) {
    let (isExclude, sources) = interfaces[number].merged(key)
    var place = interfaces[number].place(ofGroup: key)
    if place == nil {
      place = interfaces[number].groups.count
      interfaces[number].groups.append(Group(key: key))
    }
    guard let place else { return }
    var group = interfaces[number].groups[place]
    let (changed, isComplete) = group.sources.difference(sources)
    let isTurned = group.isExclude != isExclude
    guard isTurned || changed.count > 0 || !isComplete else { return }
    if isTurned || !isComplete { group.isTurned = true }
    if !group.changed.insert(all: changed) { group.isTurned = true }
    group.isExclude = isExclude
    group.sources = sources
    group.reportsLeft = Group.isUnreported(key) ? 0 : Group.robustness
    interfaces[number].groups[place] = group
    reportChange(place, on: number)
  }
}

extension Interface {
  func place(ofGroup key: IPv6Address) -> Int? {
    var place = 0
    while place < groups.count {
      if groups[place].key == key { return place }
      place &+= 1
    }
    return nil
  }

  /// Whether anybody here listens to the group.
  func isMember(of key: IPv6Address) -> Bool {
    guard let place = place(ofGroup: key) else { return false }
    return !groups[place].isEmpty
  }

  /// Whether frames to a group's station may be for somebody here.
  func isMember(at station: EthernetAddress) -> Bool {
    var place = 0
    while place < groups.count {
      let key = groups[place].key
      let own = key.ipv4.map { EthernetAddress(multicast: $0) } ?? EthernetAddress(multicast: key)
      if own == station, !groups[place].isEmpty { return true }
      place &+= 1
    }
    return false
  }

  /// RFC 9776 §3.2: who wants all but some senders gets what nobody wants left out; else all that
  /// anybody named are wanted, and everybody where those are too many to tell.
  func merged(_ key: IPv6Address) -> (isExclude: Bool, sources: SourceSet) {
    var isExclude = false
    var excluded = SourceSet()
    var included = SourceSet()
    var fits = true
    for place in memberships.indices where memberships[place].group == key {
      let membership = memberships[place]
      guard membership.isExclude else {
        fits = included.insert(all: membership.sources) && fits
        continue
      }
      if isExclude {
        excluded.remove { !membership.sources.contains($0) }
      } else {
        excluded = membership.sources
      }
      isExclude = true
    }
    guard isExclude else { return fits ? (false, included) : (true, SourceSet()) }
    for place in memberships.indices
    where memberships[place].group == key && !memberships[place].isExclude {
      let wanted = memberships[place].sources
      excluded.remove { wanted.contains($0) }
    }
    return (true, excluded)
  }
}
