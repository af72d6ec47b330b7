import Addresses
import Packets

/// Which ports are free, and whose a datagram is.
extension ProtocolStack {
  /// The socket that stands under a key, connected or not.
  func findUDP(_ key: SocketKey) -> UInt32? {
    let hash = key.hash(secrets)
    var candidate = udp.keys.first(hash)
    while let found = candidate {
      if udp.slots.contains(found.slot), udp.slots[found.slot].stands(under: key) {
        return found.slot
      }
      candidate = udp.keys.next(hash, after: found.place)
    }
    return nil
  }

  /// The socket a datagram is for: the one connected to its sender, else the one bound to its
  /// destination, else the one bound to all addresses. Three look-ups at most.
  func findUDP(
    local: IPv6Address, localPort: UInt16, remote: IPv6Address, remotePort: UInt16,
    on number: UInt32
  ) -> UInt32? {
    let connected = SocketKey(
      local: local, remote: remote, localPort: localPort, remotePort: remotePort)
    if let slot = findUDP(connected), hears(slot, on: number) { return slot }
    if let slot = findUDP(SocketKey(local: local, localPort: localPort)),
      udp.slots[slot].remote == nil, hears(slot, on: number)
    {
      return slot
    }
    let wildcard = local.isIPv4Mapped ? SocketKey.anyIPv4 : .any
    if let slot = findUDP(SocketKey(local: wildcard, localPort: localPort)),
      udp.slots[slot].remote == nil, hears(slot, on: number)
    {
      return slot
    }
    return nil
  }

  private func hears(_ slot: UInt32, on number: UInt32) -> Bool {
    udp.slots[slot].zone == 0 || udp.slots[slot].zone == number
      || udp.slots[slot].remote?.zone == number
  }

  /// Whether binding there would take another socket's datagrams.
  func isTaken(_ bound: IPv6Address, _ port: UInt16, isDual: Bool) -> Bool {
    if findUDP(SocketKey(local: bound, localPort: port)) != nil { return true }
    guard bound.isUnspecified || bound == SocketKey.anyIPv4 else {
      let wildcard = bound.isIPv4Mapped ? SocketKey.anyIPv4 : .any
      return findUDP(SocketKey(local: wildcard, localPort: port)) != nil
    }
    if isDual, findUDP(SocketKey(local: SocketKey.anyIPv4, localPort: port)) != nil {
      return true
    }
    // A wildcard covers each of our addresses.
    for number in numbers {
      for place in interfaces[number].addresses.indices {
        let key = interfaces[number].addresses[place].key
        guard isDual || key.isIPv4Mapped != bound.isUnspecified else { continue }
        if findUDP(SocketKey(local: key, localPort: port)) != nil { return true }
      }
    }
    return false
  }

  /// ID-1, RFC 6056 §3.3: a port that nobody can foretell, found in bounded time or not at all.
  mutating func ephemeralPort(_ bound: IPv6Address, isDual: Bool) throws(StackError) -> UInt16 {
    let first = UInt32(min(configuration.firstEphemeralPort, configuration.lastEphemeralPort))
    let last = UInt32(max(configuration.firstEphemeralPort, configuration.lastEphemeralPort))
    let count = last &- first &+ 1
    var offset = secrets.next(below: count)
    var tries: UInt32 = 0
    while tries < count {
      let port = UInt16(truncatingIfNeeded: first &+ offset)
      if port != 0, !isTaken(bound, port, isDual: isDual) { return port }
      offset = offset &+ 1 < count ? offset &+ 1 : 0
      tries &+= 1
    }
    throw .addressNotAvailable
  }

  /// IP4-12: the address a socket was bound to is gone, and it is told so.
  mutating func failSockets(boundTo key: IPv6Address) {
    for slot in udp.slots.indices where udp.slots.contains(slot) {
      guard udp.slots[slot].local == key else { continue }
      udp.slots[slot].failure = .addressNotAvailable
      tellReadable(udp: slot)
    }
  }
}
