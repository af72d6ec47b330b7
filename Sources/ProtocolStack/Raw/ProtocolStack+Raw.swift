public import Addresses
public import Packets

/// Raw sockets: IP packets of one protocol, past TCP and UDP (raw(7); RFC 3542 §3).
extension ProtocolStack {
  /// Opens a raw socket.
  ///
  /// - Parameters:
  ///   - version: of everything it sends and hears.
  ///   - protocol: what it hears, and sends unless headers are included; 255 only sends, with
  ///     headers.
  /// - Throws: `invalidOperation` for protocol zero or an odd checksum offset; `noBufferSpace` at
  ///   the limit of raw sockets.
  public mutating func openRaw(
    _ version: IPVersion, protocol: IPProtocol, options: RawSocketOptions = .init(),
    at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    guard `protocol`.rawValue != 0 else { throw .invalidOperation }
    var options = options
    if `protocol` == .headerIncluded { options.includesHeader = true }
    try check(options)
    let socket = RawSocket(version: version, protocol: `protocol`, options: options)
    guard let slot = raws.slots.insert(socket) else { throw .noBufferSpace }
    return raws.handle(slot, .raw)
  }

  private func check(_ options: RawSocketOptions) throws(StackError) {
    try mustExist(options.device)
    if let offset = options.checksumOffset {
      guard offset >= 0, offset & 1 == 0 else { throw .invalidOperation }
    }
  }

  /// Has a socket hear what is sent to one address alone, and send from it; a wildcard takes that
  /// back.
  ///
  /// - Throws: `addressNotAvailable`, `addressFamilyNotSupported`.
  public mutating func bindRaw(
    _ socket: SocketHandle, to local: IPAddress, zone: UInt32 = 0, at now: Instant
  ) throws(StackError) {
    observe(now)
    guard let slot = raws.slot(socket, .raw) else { throw .noSuchSocket }
    let address = Self.plain(local)
    guard local.isIPv4 == (raws.slots[slot].version == .v4) else {
      throw .addressFamilyNotSupported
    }
    guard zone < 256 else { throw .addressNotAvailable }
    if address.isUnspecified {
      raws.slots[slot].local = nil
    } else {
      guard address.isMulticast || mayBind(address.mapped) || isBroadcast(address) else {
        throw .addressNotAvailable
      }
      raws.slots[slot].local = address.mapped
    }
    raws.slots[slot].zone = zone
  }

  /// Restricts a socket to one peer, which it sends to where nothing else is said. As on Linux, a
  /// socket that is bound nowhere is bound by that to the address of ours that the way there has.
  public mutating func connectRaw(
    _ socket: SocketHandle, to remote: SocketAddress, at now: Instant
  ) throws(StackError) {
    observe(now)
    guard let slot = raws.slot(socket, .raw) else { throw .noSuchSocket }
    let peer = SocketAddress(Self.plain(remote.address), port: .any, zone: remote.zone)
    guard remote.address.isIPv4 == (raws.slots[slot].version == .v4) else {
      throw .addressFamilyNotSupported
    }
    guard !peer.address.isUnspecified else { throw .invalidOperation }
    if isBroadcast(peer.address), !raws.slots[slot].options.allowsBroadcast {
      throw .permissionDenied
    }
    let route = try route(
      to: peer.address, from: raws.slots[slot].local.map { IPAddress(unmapping: $0) },
      zone: peer.zone, device: raws.slots[slot].options.device)
    raws.slots[slot].remote = peer
    if raws.slots[slot].local == nil { raws.slots[slot].local = route.source.mapped }
  }

  /// Changes a socket's options; a smaller buffer keeps what it holds.
  public mutating func setOptions(
    _ socket: SocketHandle, _ options: RawSocketOptions, at now: Instant
  ) throws(StackError) {
    observe(now)
    guard let slot = raws.slot(socket, .raw) else { throw .noSuchSocket }
    try check(options)
    raws.slots[slot].options = options
    if raws.slots[slot].protocol == .headerIncluded {
      raws.slots[slot].options.includesHeader = true
    }
    raws.slots[slot].queue.limit = max(options.receiveBufferSize, 0)
  }

  mutating func closeRaw(_ slot: UInt32) {
    leaveGroups(rawOwner(slot))
    _ = raws.slots.remove(slot)
  }

  // MARK: - Sending

  /// Sends a packet: the payload, or where headers are included all of it.
  ///
  /// - Parameter destination: nothing: the peer the socket is connected to.
  /// - Returns: false where the interface's queue is full; ``Event/writable(_:)`` follows.
  /// - Throws: as ``sendDatagram(_:_:to:with:at:)``; `invalidOperation` for a header that is none,
  ///   and for a checksum with no place.
  public mutating func sendRaw(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to destination: SocketAddress? = nil,
    with choices: DatagramChoices = .init(), at now: Instant
  ) throws(StackError) -> Bool {
    observe(now)
    guard let slot = raws.slot(socket, .raw) else { throw .noSuchSocket }
    if let failure = raws.slots[slot].failure {
      raws.slots[slot].failure = nil
      throw failure
    }
    guard let target = destination ?? raws.slots[slot].remote else { throw .notConnected }
    let address = Self.plain(target.address)
    guard target.address.isIPv4 == (raws.slots[slot].version == .v4) else {
      throw .addressFamilyNotSupported
    }
    guard !address.isUnspecified, choices.hopLimit != 0 else { throw .invalidOperation }
    guard bytes.count <= 65_535 - (address.isIPv4 ? IPv4Header.size : 0) else {
      throw .messageTooLong
    }
    let options = raws.slots[slot].options
    if isBroadcast(address), !options.allowsBroadcast { throw .permissionDenied }
    let bound = raws.slots[slot].local.map { IPAddress(unmapping: $0) }
    let source = try source(choices, for: address) ?? bound
    let isHost = source.map { !$0.isMulticast && !isBroadcast($0) } ?? false
    let route = try route(
      to: address, from: isHost ? source : nil,
      zone: choices.interface.map { UInt32($0.rawValue) }
        ?? (target.zone > 0 || options.device != nil ? target.zone : raws.slots[slot].zone),
      device: try device(options.device, choices, for: address))
    let number = UInt32(route.interface.rawValue)
    guard interfaces[number].output.hasRoom(for: bytes.count) else {
      raws.slots[slot].isWaiting = true
      hasWaitingSenders = true
      return false
    }
    if options.includesHeader {
      try sendWhole(bytes, over: route, isLooped: options.loopsMulticast && address.isMulticast)
    } else {
      try sendPayload(bytes, to: address, over: route, slot, choices)
    }
    counts.rawPacketsSent &+= 1
    return true
  }

  private mutating func sendPayload(
    _ bytes: Span<UInt8>, to address: IPAddress, over route: Route, _ slot: UInt32,
    _ choices: DatagramChoices
  ) throws(StackError) {
    let options = raws.slots[slot].options
    let proto = raws.slots[slot].protocol
    let isICMPv6 = proto == .icmpv6 && address.isIPv6
    let checksumOffset = isICMPv6 ? 2 : address.isIPv6 ? options.checksumOffset : nil
    if let checksumOffset {
      guard checksumOffset &+ 2 <= bytes.count else { throw .invalidOperation }
    }
    var message = pool.take(capacity: bytes.count &+ Packet.defaultHeadroom)
    guard message.append(bytes) else { throw .noBufferSpace }
    if let checksumOffset {
      // RFC 3542 §3.1: over the pseudo-header and all of the payload, with the field as zero.
      var target = message.mutableBytes
      target.store(0 as UInt16, at: checksumOffset)
      var sum = InternetChecksum.pseudoHeader(
        source: route.source, destination: address, protocol: proto, length: bytes.count)
      sum.add(target.span)
      target.store(isICMPv6 ? sum.value : sum.valueForUDP, at: checksumOffset)
    }
    send(
      message, to: address, over: route, proto, isLooped: options.loopsMulticast,
      hopLimit: choices.hopLimit
        ?? (address.isMulticast ? options.multicastHopLimit : options.hopLimit),
      trafficClass: choices.trafficClass ?? options.trafficClass)
  }

  /// A packet that brings its header. As Linux does, the stack fills in what only it knows: the
  /// total length and the checksum of IPv4, and its source and identification where they are zero.
  private mutating func sendWhole(
    _ bytes: Span<UInt8>, over route: Route, isLooped: Bool
  ) throws(StackError) {
    let isIPv4 = route.source.isIPv4
    guard bytes.count >= (isIPv4 ? IPv4Header.size : IPv6Header.size),
      bytes.uint8(at: 0) &>> 4 == (isIPv4 ? 4 : 6)
    else { throw .invalidOperation }
    // What is whole is never cut.
    guard bytes.count <= route.maximumTransmissionUnit else { throw .messageTooLong }
    var packet = pool.take(capacity: bytes.count &+ Packet.defaultHeadroom)
    guard packet.append(bytes) else { throw .noBufferSpace }
    if isIPv4 {
      let length = Int(bytes.uint8(at: 0) & 15) &* 4
      guard length >= IPv4Header.size, length <= bytes.count else { throw .invalidOperation }
      var target = packet.mutableBytes
      target.store(UInt16(truncatingIfNeeded: bytes.count), at: 2)
      if bytes.uint16(at: 4) == 0 {
        target.store(UInt16(truncatingIfNeeded: secrets.next()), at: 4)
      }
      if case .v4(let own) = route.source, bytes.uint32(at: 12) == 0 { target.store(own, at: 12) }
      target.store(0 as UInt16, at: 10)
      var sum = InternetChecksum()
      sum.add(target.span.slice(from: 0, length: length))
      target.store(sum.value, at: 10)
    }
    if isLooped, raws.count > 0 { loopToRaw(packet.bytes, on: UInt32(route.interface.rawValue)) }
    transmit(
      packet, to: route.nextHop, on: UInt32(route.interface.rawValue), isControl: false)
  }

  // MARK: - Receiving

  /// Takes the oldest packet out of a socket's buffer: of IPv4 with its header, of IPv6 without, as
  /// on Linux.
  ///
  /// - Returns: what it was, without ports; nothing where none waits, and ``Event/readable(_:)``
  ///   follows.
  /// - Throws: what became of an earlier packet of ours, once.
  public mutating func receiveRaw(
    _ socket: SocketHandle, into target: inout MutableSpan<UInt8>, at now: Instant
  ) throws(StackError) -> Datagram? {
    observe(now)
    guard let slot = raws.slot(socket, .raw) else { throw .noSuchSocket }
    if let failure = raws.slots[slot].failure {
      raws.slots[slot].failure = nil
      throw failure
    }
    guard let (record, copied) = raws.slots[slot].queue.popFirst(into: &target) else {
      return nil
    }
    return Self.describe(record, copied: copied)
  }

  /// Gives every raw socket that hears it a copy of a packet. Linear in the raw sockets.
  ///
  /// - Parameters:
  ///   - packet: from the IP header on, whole.
  ///   - offset: where the payload begins.
  /// - Returns: whether there was any: then somebody speaks the protocol.
  @inline(never)
  mutating func deliverRaw(
    _ packet: Span<UInt8>, at offset: Int, _ protocol: IPProtocol, _ delivery: Delivery
  ) -> Bool {
    var isHeard = false
    let bytes = delivery.source.isIPv4 ? packet : packet.slice(from: offset)
    let device = device(of: delivery.destination.mapped, on: delivery.arrival.number)
    for slot in raws.slots.indices where raws.slots.contains(slot) {
      guard raws.slots[slot].hears(`protocol`, delivery, by: device) else { continue }
      isHeard = true
      guard wantsGroup(slot, delivery), wants(slot, bytes, `protocol`, delivery) else { continue }
      let record = DatagramRecord(
        source: delivery.source, destination: delivery.destination, sourcePort: 0,
        destinationPort: 0, interface: UInt8(truncatingIfNeeded: delivery.arrival.number),
        trafficClass: delivery.trafficClass, hopLimit: delivery.hopLimit)
      if raws.slots[slot].queue.append(record, bytes) {
        counts.rawPacketsReceived &+= 1
        tellReadable(raw: slot)
      } else {
        counts.rawBufferDrops &+= 1
      }
    }
    return isHeard
  }

  /// What goes to a group is for all who may hear it, as on Linux (`IP_MULTICAST_ALL`): but who has
  /// joined it hears those sources that it joined for (RFC 3678 §3).
  private func wantsGroup(_ slot: UInt32, _ delivery: Delivery) -> Bool {
    guard delivery.destination.isMulticast else { return true }
    return wants(
      rawOwner(slot), delivery.destination.mapped, from: delivery.source.mapped,
      on: delivery.arrival.number) ?? true
  }

  /// A packet of ours to a group is heard by raw sockets here too, where the host is a member: it
  /// has arrived on the interface that it leaves by.
  @inline(never)
  mutating func loopToRaw(_ packet: Span<UInt8>, on number: UInt32) {
    var delivery = Delivery(
      source: .v4(.any), destination: .v4(.any), trafficClass: 0, hopLimit: 0, isUnicast: false,
      arrival: Reception(number: number), checksumIsValid: false, segmentSize: 0)
    if packet.uint8(at: 0) &>> 4 == 4 {
      guard let header = try? IPv4Header(parsing: packet, verifyingChecksum: false),
        header.destination == .allSystems
          || interfaces[number].isMember(of: header.destination.mappedKey)
      else { return }
      delivery.source = .v4(header.source)
      delivery.destination = .v4(header.destination)
      delivery.trafficClass = header.dscp &<< 2 | header.ecn.rawValue
      delivery.hopLimit = header.timeToLive
      _ = deliverRaw(packet, at: header.headerLength, header.protocol, delivery)
    } else {
      guard let header = try? IPv6Header(parsing: packet),
        interfaces[number].listensTo(header.destination)
      else { return }
      delivery.source = .v6(header.source)
      delivery.destination = .v6(header.destination)
      delivery.trafficClass = header.dscp &<< 2 | header.ecn.rawValue
      delivery.hopLimit = header.hopLimit
      // UDP's own is complete, or the link's to complete.
      delivery.checksumIsValid = header.nextHeader == .udp
      _ = deliverRaw(packet, at: IPv6Header.size, header.nextHeader, delivery)
    }
  }

  /// The filter's and the checksum's say about an IPv6 packet.
  private mutating func wants(
    _ slot: UInt32, _ payload: Span<UInt8>, _ protocol: IPProtocol, _ delivery: Delivery
  ) -> Bool {
    guard delivery.source.isIPv6 else { return true }
    let isICMPv6 = `protocol` == .icmpv6
    if isICMPv6 {
      guard payload.count > 0, raws.slots[slot].options.filter[payload.uint8(at: 0)] else {
        return false
      }
    }
    guard isICMPv6 || raws.slots[slot].options.checksumOffset != nil else { return true }
    // What the stack sends to itself is vouched for where a transport of its own has sent it.
    let isOwn = `protocol` == .udp || `protocol` == .tcp
    guard !delivery.checksumIsValid || delivery.arrival.isLooped && !isOwn else { return true }
    var sum = InternetChecksum.pseudoHeader(
      source: delivery.source, destination: delivery.destination, protocol: `protocol`,
      length: payload.count)
    sum.add(payload)
    guard sum.value == 0 else {
      counts.datagramsBadChecksum &+= 1
      return false
    }
    return true
  }

  /// An ICMP error ended a packet of ours: connected sockets that may have sent it are told.
  ///
  /// - Returns: whether there was one.
  mutating func failRaw(_ flow: QuotedFlow, _ error: StackError) -> Bool {
    var isKnown = false
    for slot in raws.slots.indices where raws.slots.contains(slot) {
      guard raws.slots[slot].protocol == flow.protocol,
        raws.slots[slot].remote?.address == flow.destination,
        raws.slots[slot].local.map({ $0 == flow.source.mapped }) ?? true
      else { continue }
      raws.slots[slot].failure = error
      tellReadable(raw: slot)
      isKnown = true
    }
    return isKnown
  }
}

extension IPProtocol {
  /// Linux's IPPROTO_RAW: a socket that sends whole packets of any protocol, and hears none.
  static var headerIncluded: Self { Self(rawValue: 255) }
}
