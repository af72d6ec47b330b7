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
  /// destination, else the one bound to all addresses, else
  /// the one bound to all ports as well. Four look-ups at most, where no port is shared.
  func findUDP(
    local: IPv6Address, localPort: UInt16, remote: IPv6Address, remotePort: UInt16,
    on number: UInt32
  ) -> UInt32? {
    let connected = SocketKey(
      local: local, remote: remote, localPort: localPort, remotePort: remotePort)
    if let slot = connectedUDP(connected, on: number), hears(slot, local, on: number) {
      return slot
    }
    if let slot = chooseUDP(SocketKey(local: local, localPort: localPort), connected, on: number) {
      return slot
    }
    let wildcard = local.isIPv4Mapped ? SocketKey.anyIPv4 : .any
    if let slot = chooseUDP(
      SocketKey(local: wildcard, localPort: localPort), connected, on: number)
    {
      return slot
    }
    return findUDP(SocketKey(local: wildcard, localPort: 0)).flatMap {
      hears($0, local, on: number) ? $0 : nil
    }
  }

  /// The socket that is connected under a key; of several, the one for what comes by an interface.
  func connectedUDP(_ key: SocketKey, on number: UInt32) -> UInt32? {
    udpHasRivals ? chooseUDP(key, key, on: number) : findUDP(key)
  }

  /// Of the sockets that hear a device and are connected under a key, the one connected last. Of
  /// those that are bound under it and connected to nobody one that is bound to the device, else
  /// the newest, or where they share their port, the one that the datagram's four addresses and
  /// ports choose: by the highest of keyed hashes, so that a member that goes takes along its own
  /// conversations alone. Linear in the sockets under the key.
  private func chooseUDP(
    _ key: SocketKey, _ flow: SocketKey, on number: UInt32
  ) -> UInt32? {
    let hash = key.hash(secrets)
    let isConnected = key.remotePort != 0
    var chosen: UInt32?
    var best: UInt64?
    var candidate = udp.keys.first(hash)
    while let found = candidate {
      candidate = udp.keys.next(hash, after: found.place)
      let slot = found.slot
      guard udp.slots.contains(slot), (udp.slots[slot].remote != nil) == isConnected,
        udp.slots[slot].stands(under: key), hears(slot, flow.local, on: number)
      else { continue }
      guard let known = chosen else {
        chosen = slot
        continue
      }
      let isNewer = udp.slots[slot].serial > udp.slots[known].serial
      let isBound = udp.slots[slot].options.device != nil
      if isConnected {
        if isNewer { chosen = slot }
      } else if isBound != (udp.slots[known].options.device != nil) {
        if isBound {
          chosen = slot
          best = nil
        }
      } else if udp.slots[slot].options.reusesPort, udp.slots[known].options.reusesPort {
        let own = rank(slot, flow)
        let least = best ?? rank(known, flow)
        best = max(own, least)
        if own > least { chosen = slot }
      } else if isNewer {
        chosen = slot
        best = nil
      }
    }
    return chosen
  }

  /// How much a member of a group wants a conversation.
  private func rank(_ slot: UInt32, _ flow: SocketKey) -> UInt64 {
    secrets.hash(
      flow.remote.high, flow.remote.low, flow.local.high, flow.local.low,
      UInt64(flow.localPort) &<< 16 | UInt64(flow.remotePort), udp.slots[slot].serial)
  }

  private func hears(_ slot: UInt32, _ local: IPv6Address, on number: UInt32) -> Bool {
    if let device = udp.slots[slot].options.device, device != self.device(of: local, on: number) {
      return false
    }
    return udp.slots[slot].zone == 0 || udp.slots[slot].zone == number
      || udp.slots[slot].remote?.zone == number
  }

  /// Whether a socket bound under a key hears what a peer sends to a group or to everybody.
  func hearsOfAll(
    _ slot: UInt32, _ key: SocketKey, from remote: IPv6Address, port: UInt16, on number: UInt32
  ) -> Bool {
    guard udp.slots.contains(slot), udp.slots[slot].stands(under: key),
      hears(slot, key.local, on: number)
    else { return false }
    guard let peer = udp.slots[slot].remote else { return true }
    return peer.address.mapped == remote && peer.port.rawValue == port
  }

  /// Whether binding there would take another socket's datagrams, which does not share them.
  ///
  /// - Parameter options: of who would bind; nothing: of one who wants the port for itself.
  func isTaken(
    _ bound: IPv6Address, _ port: UInt16, isDual: Bool, _ options: UDPSocketOptions? = nil
  ) -> Bool {
    let options = options ?? UDPSocketOptions()
    if isHeld(SocketKey(local: bound, localPort: port), options) { return true }
    guard bound.isUnspecified || bound == SocketKey.anyIPv4 else {
      let wildcard = bound.isIPv4Mapped ? SocketKey.anyIPv4 : .any
      return isHeld(SocketKey(local: wildcard, localPort: port), options)
    }
    if isDual, isHeld(SocketKey(local: SocketKey.anyIPv4, localPort: port), options) {
      return true
    }
    // A wildcard covers each of our addresses.
    for number in numbers {
      for place in interfaces[number].addresses.indices {
        let key = interfaces[number].addresses[place].key
        guard isDual || key.isIPv4Mapped != bound.isUnspecified else { continue }
        if isHeld(SocketKey(local: key, localPort: port), options) { return true }
      }
    }
    return false
  }

  /// Whether a socket stands under a key that does not share it.
  private func isHeld(_ key: SocketKey, _ options: UDPSocketOptions) -> Bool {
    let hash = key.hash(secrets)
    var candidate = udp.keys.first(hash)
    while let found = candidate {
      candidate = udp.keys.next(hash, after: found.place)
      guard udp.slots.contains(found.slot), udp.slots[found.slot].stands(under: key) else {
        continue
      }
      if !udp.slots[found.slot].shares(with: options) { return true }
    }
    return false
  }

  /// ID-1, RFC 6056 §3.3: a port that nobody can foretell, found in bounded time or not at all.
  mutating func ephemeralPort(_ bound: IPv6Address, isDual: Bool) throws(StackError) -> UInt16 {
    let start = secrets.next(below: tcp.ports.count)
    var tries: UInt32 = 0
    while tries < tcp.ports.count {
      let port = tcp.ports.port(start &+ tries)
      if !isTaken(bound, port, isDual: isDual) { return port }
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
