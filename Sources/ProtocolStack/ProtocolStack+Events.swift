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
      case .raw:
        guard let slot = raws.slot(handle, .raw) else { continue }
        raws.slots[slot].events.noteTold(isWritable: isWritable)
      case .packet:
        guard let slot = watchers.slot(handle, .packet) else { continue }
        watchers.slots[slot].events.noteTold(isWritable: isWritable)
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

  mutating func tellReadable(raw slot: UInt32) {
    guard !raws.slots[slot].events.isReadableTold else { return }
    raws.slots[slot].events.isReadableTold = true
    news.append(raws.handle(slot, .raw), isWritable: false)
  }

  mutating func tellReadable(packet slot: UInt32) {
    guard !watchers.slots[slot].events.isReadableTold else { return }
    watchers.slots[slot].events.isReadableTold = true
    news.append(watchers.handle(slot, .packet), isWritable: false)
  }

  /// Raw and packet sockets that found no room may try again, wherever they were to send: there are
  /// few of them.
  mutating func wakeWaitingSenders() {
    hasWaitingSenders = false
    for slot in raws.slots.indices where raws.slots.contains(slot) {
      guard raws.slots[slot].isWaiting else { continue }
      raws.slots[slot].isWaiting = false
      guard !raws.slots[slot].events.isWritableTold else { continue }
      raws.slots[slot].events.isWritableTold = true
      news.append(raws.handle(slot, .raw), isWritable: true)
    }
    for slot in watchers.slots.indices where watchers.slots.contains(slot) {
      guard watchers.slots[slot].isWaiting else { continue }
      watchers.slots[slot].isWaiting = false
      guard !watchers.slots[slot].events.isWritableTold else { continue }
      watchers.slots[slot].events.isWritableTold = true
      news.append(watchers.handle(slot, .packet), isWritable: true)
    }
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
