/// News for the users of sockets.
extension ProtocolStack {
  /// The next thing a user may want to know; nothing when there is no more. Pull until then.
  public mutating func nextEvent() -> Event? {
    while let (handle, isWritable) = news.popFirst() {
      switch handle.kind {
      case .udp:
        guard let slot = udp.slot(handle, .udp) else { continue }
        if isWritable {
          udp.slots[slot].events.isWritableTold = false
        } else {
          udp.slots[slot].events.isReadableTold = false
        }
      case .echo:
        guard let slot = echoes.slot(handle, .echo) else { continue }
        echoes.slots[slot].events.isReadableTold = false
      case .tcpConnection, .tcpListener: continue
      }
      return isWritable ? .writable(handle) : .readable(handle)
    }
    return tcp.nextEvent()
  }

  /// A datagram or an error waits in a UDP socket.
  mutating func tellReadable(udp slot: UInt32) {
    guard !udp.slots[slot].events.isReadableTold else { return }
    udp.slots[slot].events.isReadableTold = true
    news.append(udp.handle(slot, .udp), isWritable: false)
  }

  mutating func tellReadable(echo slot: UInt32) {
    guard !echoes.slots[slot].events.isReadableTold else { return }
    echoes.slots[slot].events.isReadableTold = true
    news.append(echoes.handle(slot, .echo), isWritable: false)
  }

  /// Senders that found an interface's queue full may try again.
  mutating func wakeSenders(on number: UInt32) {
    while let waiting = interfaces[number].waitingSenders.popFirst() {
      let slot = UInt32(truncatingIfNeeded: waiting)
      let generation = UInt32(truncatingIfNeeded: waiting &>> 32)
      guard udp.slots.contains(slot, generation: generation) else { continue }
      udp.slots[slot].isWaiting = false
      guard !udp.slots[slot].events.isWritableTold else { continue }
      udp.slots[slot].events.isWritableTold = true
      news.append(udp.handle(slot, .udp), isWritable: true)
    }
  }
}
