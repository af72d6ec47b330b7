public import Addresses
public import Packets

/// Echo sockets, for asking whether somebody is there (RFC 792, RFC 4443 §4).
extension ProtocolStack {
  /// Opens an echo socket.
  ///
  /// - Parameters:
  ///   - local: the address requests are sent from; nothing: the best one for each destination.
  ///   - version: of `local`, and of everything the socket sends.
  /// - Throws: `addressNotAvailable`, `addressFamilyNotSupported`, `noBufferSpace` at the limit.
  public mutating func openEcho(
    _ local: IPAddress?, version: IPVersion, at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    if let local {
      guard local.isIPv4 == (version == .v4) else { throw .addressFamilyNotSupported }
      guard mayBind(local.mapped) else { throw .addressNotAvailable }
    }
    var identifier = UInt16(truncatingIfNeeded: secrets.next())
    var tries = 0
    while findEcho(version, identifier) != nil {
      tries &+= 1
      guard tries < 65_536 else { throw .noBufferSpace }
      identifier &+= 1
    }
    let socket = EchoSocket(version: version, identifier: identifier, local: local?.mapped)
    guard let slot = echoes.slots.insert(socket) else { throw .noBufferSpace }
    echoes.keys.insert(EchoSocket.key(version, identifier).hash(secrets), slot: slot)
    return echoes.handle(slot, .echo)
  }

  /// Sends an echo request.
  ///
  /// - Parameters:
  ///   - zone: the interface of a link-local destination or a group.
  ///   - sequence: comes back with the answer.
  ///   - payload: comes back too; up to 65,507 bytes, or 65,527 for IPv6.
  ///   - hopLimit: nothing: the stack's own.
  /// - Throws: `messageTooLong`, `noBufferSpace` where the interface's queue is full, what routing
  ///   throws.
  public mutating func sendEcho(
    _ socket: SocketHandle, to destination: IPAddress, zone: UInt32 = 0, sequence: UInt16,
    payload: Span<UInt8>, hopLimit: UInt8? = nil, at now: Instant
  ) throws(StackError) {
    observe(now)
    guard let slot = echoes.slot(socket, .echo) else { throw .noSuchSocket }
    let address = Self.plain(destination)
    guard address.isIPv4 == (echoes.slots[slot].version == .v4) else {
      throw .addressFamilyNotSupported
    }
    guard !address.isUnspecified, !isBroadcast(address) else { throw .permissionDenied }
    let most = 65_535 - ICMPv4Message.size - (address.isIPv4 ? IPv4Header.size : 0)
    guard payload.count <= most else { throw .messageTooLong }
    let route = try route(
      to: address, from: echoes.slots[slot].local.map { IPAddress(unmapping: $0) }, zone: zone)
    let number = UInt32(route.interface.rawValue)
    guard interfaces[number].output.hasRoom(for: payload.count) else { throw .noBufferSpace }
    let identifier = echoes.slots[slot].identifier
    sendEcho(
      payload, isReply: false, identifier: identifier, sequence: sequence, to: address,
      over: route, hopLimit: hopLimit)
  }

  /// Builds and sends an echo request or reply.
  mutating func sendEcho(
    _ payload: Span<UInt8>, isReply: Bool, identifier: UInt16, sequence: UInt16,
    to destination: IPAddress, over route: Route, hopLimit: UInt8?
  ) {
    let length = ICMPv4Message.size &+ payload.count
    var message = pool.take(capacity: length &+ Packet.defaultHeadroom)
    guard message.extend(ICMPv4Message.size), message.append(payload) else { return }
    do {
      var bytes = message.mutableBytes
      switch (route.source, destination) {
      case (.v6(let own), .v6(let peer)):
        let header: ICMPv6Message =
          isReply
          ? .echoReply(identifier: identifier, sequence: sequence)
          : .echoRequest(identifier: identifier, sequence: sequence)
        header.write(into: &bytes, source: own, destination: peer)
      default:
        let header: ICMPv4Message =
          isReply
          ? .echoReply(identifier: identifier, sequence: sequence)
          : .echoRequest(identifier: identifier, sequence: sequence)
        header.write(into: &bytes)
      }
    }
    send(
      message, to: destination, over: route, destination.isIPv4 ? .icmpv4 : .icmpv6,
      hopLimit: hopLimit)
  }

  /// Takes the oldest answer out of a socket's buffer.
  ///
  /// - Returns: what it was; nothing where none waits, and ``Event/readable(_:)`` follows.
  public mutating func receiveEcho(
    _ socket: SocketHandle, into target: inout MutableSpan<UInt8>, at now: Instant
  ) throws(StackError) -> EchoReply? {
    observe(now)
    guard let slot = echoes.slot(socket, .echo) else { throw .noSuchSocket }
    guard let (record, copied) = echoes.slots[slot].queue.popFirst(into: &target) else {
      return nil
    }
    let kind: EchoReply.Kind =
      switch record.kind {
      case EchoSocket.Kind.unreachable:
        .unreachable(code: UInt8(truncatingIfNeeded: record.detail))
      case EchoSocket.Kind.timeExceeded: .timeExceeded
      case EchoSocket.Kind.packetTooBig: .packetTooBig(mtu: record.detail)
      default: .reply
      }
    return EchoReply(
      count: copied, length: record.length, source: record.source, sequence: record.sourcePort,
      kind: kind, hopLimit: record.hopLimit)
  }

  mutating func closeEcho(_ slot: UInt32) {
    let key = EchoSocket.key(echoes.slots[slot].version, echoes.slots[slot].identifier)
    echoes.keys.remove(key.hash(secrets), slot: slot)
    _ = echoes.slots.remove(slot)
  }

  private func findEcho(_ version: IPVersion, _ identifier: UInt16) -> UInt32? {
    let hash = EchoSocket.key(version, identifier).hash(secrets)
    var candidate = echoes.keys.first(hash)
    while let found = candidate {
      if echoes.slots.contains(found.slot), echoes.slots[found.slot].version == version,
        echoes.slots[found.slot].identifier == identifier
      {
        return found.slot
      }
      candidate = echoes.keys.next(hash, after: found.place)
    }
    return nil
  }

  // MARK: - Arrivals

  /// A reply to somebody's request.
  mutating func echoReplied(
    identifier: UInt16, sequence: UInt16, _ payload: Span<UInt8>, _ delivery: Delivery
  ) {
    let version: IPVersion = delivery.source.isIPv4 ? .v4 : .v6
    guard let slot = findEcho(version, identifier),
      echoes.slots[slot].local == nil || echoes.slots[slot].local == delivery.destination.mapped
    else {
      counts.icmpIgnored &+= 1
      return
    }
    counts.echoReplies &+= 1
    let record = DatagramRecord(
      source: delivery.source, destination: delivery.destination, sourcePort: sequence,
      destinationPort: identifier,
      interface: UInt8(truncatingIfNeeded: delivery.arrival.number),
      trafficClass: delivery.trafficClass, hopLimit: delivery.hopLimit, kind: EchoSocket.Kind.reply)
    queue(record, payload, for: slot)
  }

  /// An error about a request of ours.
  ///
  /// - Returns: whether a living socket sent it.
  mutating func failEcho(
    _ flow: QuotedFlow, _ kind: EchoReply.Kind, from reporter: IPAddress, hopLimit: UInt8
  ) -> Bool {
    guard let echo = flow.echo, flow.isEchoRequest,
      let slot = findEcho(flow.source.isIPv4 ? .v4 : .v6, echo.identifier)
    else { return false }
    var record = DatagramRecord(
      source: reporter, destination: flow.destination, sourcePort: echo.sequence,
      destinationPort: echo.identifier, interface: 0, trafficClass: 0, hopLimit: hopLimit)
    switch kind {
    case .reply: return false
    case .unreachable(let code):
      record.kind = EchoSocket.Kind.unreachable
      record.detail = UInt32(code)
    case .timeExceeded: record.kind = EchoSocket.Kind.timeExceeded
    case .packetTooBig(let mtu):
      record.kind = EchoSocket.Kind.packetTooBig
      record.detail = mtu
    }
    let nothing = InlineArray<1, UInt8>(repeating: 0)
    queue(record, nothing.span.slice(from: 1), for: slot)
    return true
  }

  private mutating func queue(
    _ record: DatagramRecord, _ payload: Span<UInt8>, for slot: UInt32
  ) {
    if !echoes.slots[slot].queue.append(record, payload) {
      counts.receiveBufferDrops &+= 1
      return
    }
    tellReadable(echo: slot)
  }
}

extension QuotedFlow {
  /// Whether the quoted packet asked for an echo.
  var isEchoRequest: Bool {
    let type = UInt8(truncatingIfNeeded: transport &>> 56)
    return `protocol` == .icmpv4 ? type == 8 : type == 128
  }
}
