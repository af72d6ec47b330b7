import Addresses
import Packets

/// Datagrams on their way in (RFC 768, RFC 1122 §4.1.3).
extension ProtocolStack {
  mutating func deliverUDP(_ packet: Span<UInt8>, at offset: Int, _ delivery: Delivery) {
    let message = packet.slice(from: offset)
    let header: UDPHeader
    do {
      header = try UDPHeader(parsing: message)
    } catch {
      counts.malformed.add(error)
      return
    }
    let isValid =
      delivery.checksumIsValid
      || header.hasValidChecksum(
        in: message, source: delivery.source, destination: delivery.destination)
    guard isValid else {
      counts.datagramsBadChecksum &+= 1
      return
    }
    // UDP-7: zero is no port.
    guard header.sourcePort != .any, header.destinationPort != .any else {
      counts.datagramsBadPort &+= 1
      return
    }
    // UDP-2: what lies behind the length is not the datagram's.
    let payload = message.slice(from: UDPHeader.size, length: header.payloadLength)
    if !delivery.isUnicast {
      // RFC 1122 §4.1.3.5, as Linux has it: everybody who listens there hears it.
      let wildcard = delivery.destination.isIPv4 ? SocketKey.anyIPv4 : .any
      let own = receiveByAll(delivery.destination.mapped, payload, header, delivery)
      let others = receiveByAll(wildcard, payload, header, delivery)
      if !own, !others { counts.datagramsToNobody &+= 1 }
      return
    }
    let found = findUDP(
      local: delivery.destination.mapped, localPort: header.destinationPort.rawValue,
      remote: delivery.source.mapped, remotePort: header.sourcePort.rawValue,
      on: delivery.arrival.number)
    guard let slot = found.flatMap({ hears($0, delivery) ? $0 : nil }) else {
      counts.datagramsToNobody &+= 1
      // RFC 1122 §4.1.3.1, RFC 4443 §3.1: the sender is told.
      if delivery.isUnicast { sendError(.portUnreachable, about: packet, delivery.arrival) }
      return
    }
    receive(payload, header, delivery, by: slot)
  }

  /// Hands a datagram for a group or for everybody to all who are bound to an address.
  ///
  /// - Returns: whether there was anybody.
  private mutating func receiveByAll(
    _ local: IPv6Address, _ payload: Span<UInt8>, _ header: UDPHeader, _ delivery: Delivery
  ) -> Bool {
    let key = SocketKey(local: local, localPort: header.destinationPort.rawValue)
    let hash = key.hash(secrets)
    var isHeard = false
    var candidate = udp.keys.first(hash)
    while let found = candidate {
      candidate = udp.keys.next(hash, after: found.place)
      guard
        hearsOfAll(
          found.slot, key, from: delivery.source.mapped, port: header.sourcePort.rawValue,
          on: delivery.arrival.number), hears(found.slot, delivery)
      else { continue }
      isHeard = true
      receive(payload, header, delivery, by: found.slot)
    }
    return isHeard
  }

  /// RFC 9776 §3.1: what is sent to a group is for those who want it from its sender.
  private func hears(_ slot: UInt32, _ delivery: Delivery) -> Bool {
    guard delivery.destination.isMulticast, !delivery.arrival.isLooped else { return true }
    return hears(
      slot, delivery.destination.mapped, from: delivery.source.mapped,
      on: delivery.arrival.number)
  }

  /// A datagram of ours to a group is heard here too, as it is by others.
  mutating func loopDatagram(
    _ bytes: Span<UInt8>, to group: IPAddress, port: PortNumber, over route: Route,
    from sender: UInt32, _ choices: DatagramChoices
  ) {
    let number = UInt32(route.interface.rawValue)
    let source = udp.slots[sender].port
    let record = DatagramRecord(
      source: route.source, destination: group, sourcePort: source,
      destinationPort: port.rawValue, interface: route.interface.rawValue,
      trafficClass: choices.trafficClass ?? udp.slots[sender].options.trafficClass,
      hopLimit: choices.hopLimit ?? udp.slots[sender].options.multicastHopLimit)
    let wildcard = group.isIPv4 ? SocketKey.anyIPv4 : .any
    loopDatagram(bytes, record, SocketKey(local: group.mapped, localPort: port.rawValue), number)
    loopDatagram(bytes, record, SocketKey(local: wildcard, localPort: port.rawValue), number)
  }

  /// Queues it for all who are bound under a key and want it.
  private mutating func loopDatagram(
    _ bytes: Span<UInt8>, _ record: DatagramRecord, _ key: SocketKey, _ number: UInt32
  ) {
    let source = record.source.mapped
    let hash = key.hash(secrets)
    var candidate = udp.keys.first(hash)
    while let found = candidate {
      candidate = udp.keys.next(hash, after: found.place)
      guard
        hearsOfAll(found.slot, key, from: source, port: record.sourcePort, on: number),
        hears(found.slot, record.destination.mapped, from: source, on: number)
      else { continue }
      if udp.slots[found.slot].queue.append(record, bytes) {
        counts.datagramsReceived &+= 1
        tellReadable(udp: found.slot)
      } else {
        counts.receiveBufferDrops &+= 1
      }
    }
  }

  /// Queues a datagram, or each of those that the link has put together.
  private mutating func receive(
    _ payload: Span<UInt8>, _ header: UDPHeader, _ delivery: Delivery, by slot: UInt32
  ) {
    let record = DatagramRecord(
      source: delivery.source, destination: delivery.destination,
      sourcePort: header.sourcePort.rawValue, destinationPort: header.destinationPort.rawValue,
      interface: UInt8(truncatingIfNeeded: delivery.arrival.number),
      trafficClass: delivery.trafficClass, hopLimit: delivery.hopLimit)
    let step =
      delivery.segmentSize > 0 ? Int(delivery.segmentSize) : max(payload.count, 1)
    var position = 0
    repeat {
      let piece = payload.slice(from: position, length: step)
      if udp.slots[slot].queue.append(record, piece) {
        counts.datagramsReceived &+= 1
      } else {
        counts.receiveBufferDrops &+= 1
      }
      position &+= step
    } while position < payload.count
    if !udp.slots[slot].queue.isEmpty { tellReadable(udp: slot) }
  }

  /// An ICMP error or a silent neighbour ended a datagram of ours: its socket is told, where it
  /// has one peer only and can know which datagram is meant.
  ///
  /// - Parameter number: the interface that the error came by, or the datagram could not leave by.
  /// - Returns: whether there was such a socket.
  mutating func failDatagram(
    _ flow: QuotedFlow, _ error: StackError, on number: UInt32
  ) -> Bool {
    let key = SocketKey(
      local: flow.source.mapped, remote: flow.destination.mapped,
      localPort: flow.sourcePort.rawValue, remotePort: flow.destinationPort.rawValue)
    guard let slot = connectedUDP(key, on: number) else { return false }
    udp.slots[slot].failure = error
    tellReadable(udp: slot)
    return true
  }

  /// Whether a socket of ours may have sent the quoted datagram.
  func mayHaveSent(_ flow: QuotedFlow) -> Bool {
    let local = flow.source.mapped
    let port = flow.sourcePort.rawValue
    let connected = SocketKey(
      local: local, remote: flow.destination.mapped, localPort: port,
      remotePort: flow.destinationPort.rawValue)
    if findUDP(connected) != nil { return true }
    if let slot = findUDP(SocketKey(local: local, localPort: port)) {
      return udp.slots[slot].remote == nil
    }
    let wildcard = local.isIPv4Mapped ? SocketKey.anyIPv4 : .any
    guard let slot = findUDP(SocketKey(local: wildcard, localPort: port)) else { return false }
    return udp.slots[slot].remote == nil
  }
}
