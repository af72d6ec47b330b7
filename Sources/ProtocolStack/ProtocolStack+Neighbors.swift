import Addresses
import Packets

/// Finding out which station has an address on an Ethernet link (RFC 4861 §7, RFC 826).
extension ProtocolStack {
  enum Resolution {
    /// Frames go there.
    case station(EthernetAddress)
    /// The neighbour in this slot is being asked.
    case waiting(UInt32)
    /// There is no room to ask for one more.
    case refused
  }

  /// The station that frames for a neighbour go to. Asks for it where that is not known.
  ///
  /// - Parameter lastProgress: when something last came of what was sent through the neighbour.
  @inline(__always)
  mutating func resolve(
    _ nextHop: IPAddress, on number: UInt32, lastProgress: Instant = Instant(nanoseconds: .min)
  ) -> Resolution {
    let key = nextHop.mapped
    if let slot = interfaces[number].neighbors.find(key, secrets) {
      interfaces[number].neighbors.entries[slot].lastUsed = present
      switch interfaces[number].neighbors.entries[slot].state {
      case .incomplete: return .waiting(slot)
      case .reachable: break
      case .stale, .delay, .probe:
        // RFC 4861 §7.3.1: a connection that gets on vouches for its neighbour as an answer does.
        if present.since(lastProgress) < Neighbor.reachable {
          interfaces[number].neighbors.enter(
            .reachable, slot, until: lastProgress + Neighbor.reachable)
          break
        }
        guard interfaces[number].neighbors.entries[slot].state == .stale else { break }
        // RFC 4861 §7.3.3: used, and not confirmed for long: ask, unless an answer comes by itself.
        interfaces[number].neighbors.enter(
          .delay, slot, until: present + Neighbor.firstProbeDelay)
      }
      return .station(interfaces[number].neighbors.entries[slot].station)
    }
    return resolveUnknown(nextHop, key, on: number)
  }

  private mutating func resolveUnknown(
    _ nextHop: IPAddress, _ key: IPv6Address, on number: UInt32
  ) -> Resolution {
    switch nextHop {
    case .v4(let address):
      if address.isMulticast { return .station(EthernetAddress(multicast: address)) }
      if interfaces[number].isBroadcast(address) { return .station(.broadcast) }
    case .v6(let address):
      if address.isMulticast { return .station(EthernetAddress(multicast: address)) }
    }
    if let victim = interfaces[number].neighbors.victim() {
      counts.neighborEvictions &+= 1
      drop(victim, on: number)
    }
    guard let slot = interfaces[number].neighbors.insert(key, secrets, at: present) else {
      return .refused
    }
    solicit(slot, on: number)
    return .waiting(slot)
  }

  /// Forgets a neighbour and what waited for it.
  private mutating func drop(_ slot: UInt32, on number: UInt32) {
    guard var entry = interfaces[number].neighbors.remove(slot) else { return }
    while let packet = entry.waiting.popFirst() {
      counts.neighborQueueDrops &+= 1
      pool.recycle(packet)
    }
  }

  /// RFC 1122 §2.3.2.2: the latest packets wait, the oldest of too many is dropped (ARP-4).
  mutating func wait(_ packet: consuming Packet, for slot: UInt32, on number: UInt32) {
    let length = packet.count
    while !interfaces[number].neighbors.entries[slot].waiting.hasRoom(for: length),
      let oldest = interfaces[number].neighbors.entries[slot].waiting.popFirst()
    {
      counts.neighborQueueDrops &+= 1
      pool.recycle(oldest)
    }
    interfaces[number].neighbors.entries[slot].waiting.append(packet)
  }

  /// Asks once more for a neighbour: everybody while its station is not known, else that station.
  private mutating func solicit(_ slot: UInt32, on number: UInt32) {
    interfaces[number].neighbors.entries[slot].tries &+= 1
    interfaces[number].neighbors.schedule(slot, at: present + Neighbor.retransmission)
    let key = interfaces[number].neighbors.entries[slot].key
    let isKnown = interfaces[number].neighbors.entries[slot].state != .incomplete
    let station = isKnown ? interfaces[number].neighbors.entries[slot].station : nil
    if let address = key.ipv4 {
      let source = chooseSource(for: .v4(address), on: number)
      guard case .v4(let own)? = source else { return }
      sendARP(
        .request, from: own, for: address, targetStation: EthernetAddress(rawValue: 0),
        to: station ?? .broadcast, on: number)
    } else {
      guard case .v6(let own)? = chooseSource(for: .v6(key), on: number) else { return }
      let message = NeighborSolicitation(
        target: key, sourceLinkLayerAddress: interfaces[number].station)
      let destination = isKnown ? key : key.solicitedNode
      sendDiscovery(
        from: own, to: destination, station: station ?? EthernetAddress(multicast: destination),
        on: number, size: message.size
      ) { bytes in message.write(into: &bytes, source: own, destination: destination) }
    }
  }

  /// What a neighbour was told to be (RFC 4861 §7.2.5). Only neighbours that are known or were
  /// asked for can be told (ARP-2, ARP-3).
  ///
  /// - Parameters:
  ///   - station: nothing where the message did not say.
  ///   - isSolicited: whether it answers us.
  ///   - overrides: whether it may replace what is known.
  /// - Returns: whether there was anybody to be told.
  mutating func learn(
    _ key: IPv6Address, station: EthernetAddress?, isSolicited: Bool, overrides: Bool,
    on number: UInt32
  ) -> Bool {
    guard let slot = interfaces[number].neighbors.find(key, secrets) else { return false }
    let state = interfaces[number].neighbors.entries[slot].state
    let reachableUntil = present + Neighbor.reachable / 2 + jitter(Neighbor.reachable)
    if state == .incomplete {
      guard let station else { return false }
      interfaces[number].neighbors.entries[slot].station = station
      let isConfirmed = isSolicited
      interfaces[number].neighbors.enter(
        isConfirmed ? .reachable : .stale, slot,
        until: isConfirmed ? reachableUntil : .distantFuture)
      release(slot, to: station, on: number)
      return true
    }
    let known = interfaces[number].neighbors.entries[slot].station
    if let station, station != known {
      guard overrides else {
        if state == .reachable {
          interfaces[number].neighbors.enter(.stale, slot, until: .distantFuture)
        }
        return true
      }
      interfaces[number].neighbors.entries[slot].station = station
      if !isSolicited {
        interfaces[number].neighbors.enter(.stale, slot, until: .distantFuture)
      }
    }
    if isSolicited {
      interfaces[number].neighbors.enter(.reachable, slot, until: reachableUntil)
    }
    return true
  }

  private mutating func jitter(_ interval: Interval) -> Interval {
    interval / 1_024 * Int64(secrets.next(below: 1_024))
  }

  /// Sends what has waited for a neighbour.
  private mutating func release(_ slot: UInt32, to station: EthernetAddress, on number: UInt32) {
    while let packet = interfaces[number].neighbors.entries[slot].waiting.popFirst() {
      enqueue(packet, to: station, on: number, isControl: false)
    }
  }

  /// Neighbours whose time is over: asked again, or given up.
  mutating func advanceNeighbors(_ number: UInt32) {
    while let slot = interfaces[number].neighbors.nextDue(at: present) {
      let tries = interfaces[number].neighbors.entries[slot].tries
      switch interfaces[number].neighbors.entries[slot].state {
      case .reachable, .stale:
        interfaces[number].neighbors.enter(.stale, slot, until: .distantFuture)
      case .delay:
        interfaces[number].neighbors.enter(.probe, slot, until: present)
        solicit(slot, on: number)
      case .incomplete, .probe:
        if tries < Neighbor.solicitationLimit {
          solicit(slot, on: number)
        } else {
          giveUp(slot, on: number)
        }
      }
    }
  }

  /// Three times asked, no answer: who waited is told (RFC 1122 §2.3.2.2, RFC 4861 §7.2.2).
  private mutating func giveUp(_ slot: UInt32, on number: UInt32) {
    guard var entry = interfaces[number].neighbors.remove(slot) else { return }
    counts.neighborFailures &+= 1
    let address = IPAddress(unmapping: entry.key)
    tcp.neighborUnreachable(address, on: index(number), at: present)
    while let packet = entry.waiting.popFirst() {
      bury(packet, on: number)
    }
  }

  private mutating func bury(_ packet: consuming Packet, on number: UInt32) {
    counts.neighborQueueDrops &+= 1
    reportUnreachable(packet.bytes, on: number)
    pool.recycle(packet)
  }

  /// Tells the socket that sent a packet that it cannot get there.
  private mutating func reportUnreachable(_ packet: Span<UInt8>, on number: UInt32) {
    let isIPv4 = packet.uint8(at: 0) &>> 4 == 4
    let flow =
      isIPv4 ? try? QuotedFlow(parsingIPv4: packet) : try? QuotedFlow(parsingIPv6: packet)
    guard let flow else { return }
    switch flow.protocol {
    case .udp: _ = failDatagram(flow, .hostUnreachable, on: number)
    case .icmpv4, .icmpv6:
      let code: UInt8 = isIPv4 ? 1 : 3
      _ = failEcho(flow, .unreachable(code: code), from: flow.source, hopLimit: 0)
    default: break
    }
  }
}
