import Addresses
public import Packets

/// From the Internet Protocol to the link.
extension ProtocolStack {
  /// The next packet to leave by an interface; nothing when there is none left.
  ///
  /// Neighbour discovery and errors go first; segments and datagrams take turns. Pull until there
  /// is nothing, as long as the link takes more. Constant work per packet besides the copy of its
  /// payload.
  ///
  /// - Returns: a packet from the stack's own pool; give it back with ``recycle(_:)``.
  public mutating func nextPacket(for interface: InterfaceIndex, at now: Instant) -> Packet? {
    observe(now)
    if hasLoopbackOutput { pumpLoopback() }
    let number = UInt32(interface.rawValue)
    guard number > 0, interfaces.contains(number) else { return nil }
    if let packet = interfaces[number].control.popFirst() {
      noteLeaving(packet, number)
      return packet
    }
    if !interfaces[number].frames.isEmpty, let packet = popFrame(number) {
      count(packet)
      return packet
    }
    if interfaces[number].datagramsNext, let packet = popDatagram(number) {
      noteLeaving(packet, number)
      return packet
    }
    if let packet = pullSegment(number) {
      interfaces[number].datagramsNext = true
      noteLeaving(packet, number)
      return packet
    }
    if let packet = popDatagram(number) {
      noteLeaving(packet, number)
      return packet
    }
    // Asking for a segment may have asked for a neighbour.
    if let packet = interfaces[number].control.popFirst() {
      noteLeaving(packet, number)
      return packet
    }
    return nil
  }

  // Packets are lent here: each time one is handed on it is copied.

  @inline(__always)
  private mutating func noteLeaving(_ packet: borrowing Packet, _ number: UInt32) {
    if watchers.count > 0 { show(packet.bytes, on: number, isOutgoing: true) }
    count(packet)
  }

  @inline(__always)
  private mutating func count(_ packet: borrowing Packet) {
    counts.packetsSent &+= 1
    counts.bytesSent &+= UInt64(truncatingIfNeeded: packet.count)
  }

  private mutating func popDatagram(_ number: UInt32) -> Packet? {
    interfaces[number].datagramsNext = false
    guard let packet = interfaces[number].output.popFirst() else { return nil }
    if !interfaces[number].waitingSenders.isEmpty, interfaces[number].output.isHalfEmpty {
      wakeSenders(on: number)
    }
    if hasWaitingSenders, interfaces[number].output.isHalfEmpty { wakeWaitingSenders() }
    return packet
  }

  // MARK: - Datagrams and messages

  /// Puts an IP header in front of a transport message and sends it on its way. Its checksum is
  /// complete, or left to the link by its offload facts.
  ///
  /// - Parameters:
  ///   - isLooped: whether raw sockets here hear it, where it goes to a group.
  ///   - ports: both ports, which with the addresses tell a flow from others.
  mutating func send(
    _ message: consuming Packet, to destination: IPAddress, over route: Route,
    _ protocol: IPProtocol, isLooped: Bool = false, hopLimit: UInt8? = nil, trafficClass: UInt8 = 0,
    ports: UInt32 = 0,
    isControl: Bool = false
  ) {
    let number = UInt32(route.interface.rawValue)
    guard interfaces.contains(number) else { return }
    let hops = hopLimit ?? interfaces[number].hopLimit
    switch (route.source, destination) {
    case (.v4(let source), .v4(let destination)):
      let fits = IPv4Header.size &+ message.count <= pathMTU(destination.mappedKey, number, true)
      // RFC 6864 §4: whole datagrams are not to be cut, and need no identification.
      let header = IPv4Header(
        source: source, destination: destination, protocol: `protocol`,
        payloadLength: message.count, dontFragment: fits, timeToLive: hops,
        dscp: trafficClass &>> 2, ecn: ECNCodepoint(bits: trafficClass))
      guard message.prepend(IPv4Header.size) else { return }
      var bytes = message.mutableBytes
      header.write(into: &bytes)
    case (.v6(let source), .v6(let destination)):
      let header = IPv6Header(
        source: source, destination: destination, nextHeader: `protocol`,
        payloadLength: message.count, hopLimit: hops,
        flowLabel: flowLabel(source, destination, `protocol`, ports),
        dscp: trafficClass &>> 2, ecn: ECNCodepoint(bits: trafficClass))
      guard message.prepend(IPv6Header.size) else { return }
      var bytes = message.mutableBytes
      header.write(into: &bytes)
    default: return
    }
    if isLooped, raws.count > 0, destination.isMulticast {
      loopToRaw(message.bytes, on: number)
    }
    transmit(message, to: route.nextHop, on: number, isControl: isControl)
  }

  private func flowLabel(
    _ source: IPv6Address, _ destination: IPv6Address, _ protocol: IPProtocol, _ ports: UInt32
  ) -> UInt32 {
    let flow = UInt64(`protocol`.rawValue) &<< 32 | UInt64(ports)
    return secrets.flowLabel(
      secrets.hash(source.high, source.low, destination.high, destination.low, flow, 0x4C41_4245))
  }

  /// Bytes of the largest packet on the way to a destination.
  func pathMTU(_ destination: IPv6Address, _ number: UInt32, _ isIPv4: Bool) -> Int {
    let link = linkMTU(number, isIPv4: isIPv4)
    guard paths.count > 0 else { return link }
    return min(link, paths.mtu(to: destination, secrets, at: present) ?? link)
  }

  /// Sends an IP packet, in fragments if it must be, to a neighbour, when that is known.
  mutating func transmit(
    _ packet: consuming Packet, to nextHop: IPAddress, on number: UInt32, isControl: Bool
  ) {
    guard interfaces[number].isEthernet else {
      enqueue(packet, to: nil, on: number, isControl: isControl)
      return
    }
    switch resolve(nextHop, on: number) {
    case .station(let station):
      enqueue(packet, to: station, on: number, isControl: isControl)
    case .waiting(let slot):
      wait(packet, for: slot, on: number)
    case .refused:
      counts.neighborQueueDrops &+= 1
      pool.recycle(packet)
    }
  }

  /// Cuts what is too long, puts the frame's header in front, and queues.
  mutating func enqueue(
    _ packet: consuming Packet, to station: EthernetAddress?, on number: UInt32, isControl: Bool
  ) {
    let isIPv4 = packet.bytes.uint8(at: 0) &>> 4 == 4
    let destination =
      isIPv4
      ? packet.bytes.ipv4Address(at: 16).mappedKey : packet.bytes.ipv6Address(at: 24)
    let mtu = pathMTU(destination, number, isIPv4)
    guard packet.count > mtu, packet.offload.segmentation == .none else {
      append(packet, to: station, on: number, isControl: isControl)
      return
    }
    fragment(packet, mtu: mtu, to: station, on: number)
  }

  /// Queues a packet that fits.
  mutating func append(
    _ packet: consuming Packet, to station: EthernetAddress?, on number: UInt32, isControl: Bool
  ) {
    if let station {
      guard frame(&packet, to: station, on: number) else { return }
    }
    if isControl {
      guard interfaces[number].control.hasRoom() else {
        counts.controlQueueDrops &+= 1
        pool.recycle(packet)
        return
      }
      interfaces[number].control.append(packet)
    } else {
      guard interfaces[number].output.hasRoom(for: packet.count) else {
        counts.outputQueueDrops &+= 1
        pool.recycle(packet)
        return
      }
      interfaces[number].output.append(packet)
    }
  }

  /// Puts the Ethernet header in front of an IP packet.
  @inline(__always)
  private func frame(
    _ packet: inout Packet, to station: EthernetAddress, on number: UInt32
  ) -> Bool {
    let isIPv4 = packet.bytes.uint8(at: 0) &>> 4 == 4
    guard packet.prepend(EthernetHeader.size) else { return false }
    var bytes = packet.mutableBytes
    EthernetHeader(
      destination: station, source: interfaces[number].station, etherType: isIPv4 ? .ipv4 : .ipv6
    ).write(into: &bytes)
    return true
  }

  // MARK: - Segments

  /// The next segment of TCP, with the headers below it; nothing when TCP has none for this
  /// interface. Segments whose neighbour is being asked for are passed over: they wait.
  private mutating func pullSegment(_ number: UInt32) -> Packet? {
    while tcp.hasOutput(on: index(number)) {
      var packet = pool.take(capacity: tcp.nextPacketCapacity(on: index(number)))
      guard let envelope = tcp.nextSegment(on: index(number), into: &packet, at: present) else {
        pool.recycle(packet)
        return nil
      }
      guard head(&packet, envelope, on: number) else {
        pool.recycle(packet)
        continue
      }
      guard interfaces[number].isEthernet else { return packet }
      guard let nextHop = nextHop(of: envelope, on: number) else {
        counts.unroutable &+= 1
        pool.recycle(packet)
        continue
      }
      switch resolve(nextHop, on: number, lastProgress: envelope.lastProgress) {
      case .station(let station):
        guard frame(&packet, to: station, on: number) else { continue }
        return packet
      case .waiting(let slot): wait(packet, for: slot, on: number)
      case .refused:
        counts.neighborQueueDrops &+= 1
        pool.recycle(packet)
      }
    }
    return nil
  }

  /// Replies that belong to no connection go where the routing table says.
  private func nextHop(of envelope: SegmentEnvelope, on number: UInt32) -> IPAddress? {
    if let nextHop = envelope.nextHop { return nextHop }
    return replyRoute(to: envelope.destination, from: envelope.source, on: number)?.nextHop
  }

  /// The IP header of a segment. RFC 6864 §4.1, RFC 1191 §3: never cut, and so never numbered.
  @inline(__always)
  private func head(
    _ packet: inout Packet, _ envelope: SegmentEnvelope, on number: UInt32
  ) -> Bool {
    let length = packet.count
    let hops = envelope.hopLimit == 0 ? interfaces[number].hopLimit : envelope.hopLimit
    let dscp = envelope.trafficClass &>> 2
    let ecn = ECNCodepoint(bits: envelope.trafficClass)
    switch (envelope.source, envelope.destination) {
    case (.v4(let source), .v4(let destination)):
      guard packet.prepend(IPv4Header.size) else { return false }
      var bytes = packet.mutableBytes
      IPv4Header(
        source: source, destination: destination, protocol: .tcp, payloadLength: length,
        dontFragment: true, timeToLive: hops, dscp: dscp, ecn: ecn
      ).write(into: &bytes)
      return true
    case (.v6(let source), .v6(let destination)):
      guard packet.prepend(IPv6Header.size) else { return false }
      var bytes = packet.mutableBytes
      IPv6Header(
        source: source, destination: destination, nextHeader: .tcp, payloadLength: length,
        hopLimit: hops, flowLabel: envelope.flowLabel, dscp: dscp, ecn: ecn
      ).write(into: &bytes)
      return true
    default: return false
    }
  }

  // MARK: - Loopback

  @inline(__always)
  var hasLoopbackOutput: Bool {
    tcp.hasOutput(on: Self.loopback) || !interfaces[0].output.isEmpty
      || !interfaces[0].control.isEmpty
  }

  /// Delivers what the stack has sent to itself, until nothing is left or a turn's share is done;
  /// the rest is due at once.
  mutating func pumpLoopback() {
    var budget = 256
    while budget > 0 {
      budget &-= 1
      if let packet = interfaces[0].control.popFirst() {
        loop(packet)
      } else if let packet = pullSegment(0) {
        loop(packet)
      } else if let packet = popDatagram(0) {
        loop(packet)
      } else {
        return
      }
    }
  }

  private mutating func loop(_ packet: consuming Packet) {
    counts.packetsLooped &+= 1
    if watchers.count > 0 {
      show(packet.bytes, on: 0, isOutgoing: true)
      show(packet.bytes, on: 0, isOutgoing: false)
    }
    packet.offload.checksumIsValid = true
    receiveVersion(packet.bytes, packet.offload, Reception(number: 0))
    pool.recycle(packet)
  }
}

extension IPv4Address {
  /// In mapped form, as tables have it.
  @inline(__always)
  var mappedKey: IPv6Address { IPv6Address(mapping: self) }
}
