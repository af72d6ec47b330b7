import Addresses
import Packets

/// ICMP errors that this host sends.
extension ProtocolStack {
  enum ErrorMessage {
    case portUnreachable
    case protocolUnreachable
    case reassemblyTimeExceeded
    case parameterProblem(code: UInt8, pointer: UInt32)
  }

  /// Tells the sender of a packet what is wrong with it, where that is allowed, and where the
  /// sender has not been told too much already. Bounded work.
  ///
  /// - Parameter packet: from its IP header on.
  mutating func sendError(_ message: ErrorMessage, about packet: Span<UInt8>, _ arrival: Reception)
  {
    guard let (source, destination) = answerable(packet, message, arrival) else {
      counts.errorsForbidden &+= 1
      return
    }
    let key = source.mapped
    let hash = secrets.hash(key.high, key.low, 0x6572_726F_72)
    guard limiter.allows(hash, at: present, &secrets) else {
      counts.errorsLimited &+= 1
      return
    }
    let own = destination.isMulticast ? chooseSource(for: source, on: arrival.number) : destination
    guard let own, let route = replyRoute(to: source, from: own, on: arrival.number) else {
      counts.unroutable &+= 1
      return
    }
    // RFC 1812 §4.3.2.3: as much as fits into 576 bytes; RFC 4443 §2.4 c MUST: into 1,280 (IP4-6).
    let room = source.isIPv4 ? 576 - 20 - 8 : 1_280 - 40 - 8
    let quoted = packet.slice(from: 0, length: room)
    var error = pool.take()
    guard error.extend(8), error.append(quoted) else { return }
    Self.write(message, into: &error, from: own, to: source)
    counts.errorsSent &+= 1
    send(error, to: source, over: route, source.isIPv4 ? .icmpv4 : .icmpv6, isControl: true)
  }

  private static func write(
    _ message: ErrorMessage, into error: inout Packet, from own: IPAddress, to source: IPAddress
  ) {
    var bytes = error.mutableBytes
    switch (own, source) {
    case (.v6(let own), .v6(let source)):
      let header: ICMPv6Message =
        switch message {
        case .portUnreachable: .destinationUnreachable(.port)
        // RFC 8200 §4: a next header that is not known.
        case .protocolUnreachable: .parameterProblem(code: 1, pointer: pointer(in: bytes.span))
        case .reassemblyTimeExceeded: .timeExceeded(code: 1)
        case .parameterProblem(let code, let pointer):
          .parameterProblem(code: code, pointer: pointer)
        }
      header.write(into: &bytes, source: own, destination: source)
    default:
      let header: ICMPv4Message =
        switch message {
        case .portUnreachable: .destinationUnreachable(.port, nextHopMTU: 0)
        case .protocolUnreachable: .destinationUnreachable(.protocol, nextHopMTU: 0)
        case .reassemblyTimeExceeded: .timeExceeded(code: 1)
        case .parameterProblem(let code, let pointer):
          .parameterProblem(code: code, pointer: UInt8(truncatingIfNeeded: pointer))
        }
      header.write(into: &bytes)
    }
  }

  /// Where in the quoted packet the last next header field lies.
  private static func pointer(in error: Span<UInt8>) -> UInt32 {
    let quoted = error.slice(from: 8)
    guard let header = try? IPv6Header(parsing: quoted) else { return 6 }
    let walk = IPv6ExtensionWalk(quoted, header: header)
    return UInt32(truncatingIfNeeded: walk.nextHeaderOffset)
  }

  /// ICMP-10, RFC 1122 §3.2.2, RFC 4443 §2.4 e: who gets an answer about a packet, and from which
  /// address of it. Nobody about an error, a group, a frame for all, a later fragment, or a packet
  /// from nobody in particular.
  private func answerable(
    _ packet: Span<UInt8>, _ message: ErrorMessage, _ arrival: Reception
  ) -> (source: IPAddress, destination: IPAddress)? {
    if packet.uint8(at: 0) &>> 4 == 4 {
      guard let header = try? IPv4Header(parsing: packet, verifyingChecksum: false),
        header.fragmentOffset == 0, !arrival.isLinkGroup,
        arrival.isLooped
          || interfaces.isOwn(IPv6Address(mapping: header.destination), on: arrival.number)
      else { return nil }
      let source = header.source
      guard !source.isThisNetwork, !source.isMulticast, !source.isReserved,
        arrival.isLooped || !source.isLoopback
      else { return nil }
      if header.protocol == .icmpv4 {
        guard Self.isQueryV4(packet.uint8(at: header.headerLength)) else { return nil }
      }
      return (.v4(source), .v4(header.destination))
    }
    guard let header = try? IPv6Header(parsing: packet) else { return nil }
    let source = header.source
    guard !source.isUnspecified, !source.isMulticast else { return nil }
    if header.destination.isMulticast || arrival.isLinkGroup {
      // RFC 4443 §2.4 e.3: an option that asks for an answer gets one from a group's members too.
      guard case .parameterProblem(code: 2, _) = message else { return nil }
    } else {
      guard arrival.isLooped || interfaces.isOwn(header.destination, on: arrival.number) else {
        return nil
      }
    }
    guard Self.isAnswerable(packet, header.nextHeader) else { return nil }
    return (.v6(source), .v6(header.destination))
  }

  /// Whether neither a later fragment nor an ICMPv6 error lies behind the extension headers,
  /// whatever they say: eight of them at most are passed.
  private static func isAnswerable(_ packet: Span<UInt8>, _ first: IPProtocol) -> Bool {
    var next = first
    var offset = IPv6Header.size
    var headers = 0
    while headers < IPv6ExtensionWalk.maximumHeaders {
      switch next {
      case .hopByHopOptions, .routing, .destinationOptions:
        let length = Int(packet.uint8(at: offset &+ 1)) &* 8 &+ 8
        next = IPProtocol(rawValue: packet.uint8(at: offset))
        offset &+= length
      case .fragment:
        guard packet.uint16(at: offset &+ 2) & 0xFFF8 == 0 else { return false }
        next = IPProtocol(rawValue: packet.uint8(at: offset))
        offset &+= FragmentHeader.size
      // RFC 4443 §2.1: types below 128 are errors. One that is not there counts as one.
      case .icmpv6: return packet.uint8(at: offset) >= 128
      default: return true
      }
      headers &+= 1
    }
    return true
  }

  /// RFC 1122 §3.2.2: the messages that are no errors.
  private static func isQueryV4(_ type: UInt8) -> Bool {
    switch type {
    case 0, 8, 9, 10, 13, 14, 15, 16, 17, 18: true
    default: false
    }
  }

  /// Drops the datagrams whose remaining fragments did not come, and says so where that is allowed
  /// (FRAG-17): to the sender of a first fragment that was for this host alone.
  mutating func expireDatagrams() {
    while let datagram = reassembler.nextExpired(at: present) { expire(datagram) }
  }

  private mutating func expire(_ datagram: consuming PartialDatagram) {
    guard !datagram.isDoomed else { return }
    counts.reassemblyTimeouts &+= 1
    guard datagram.hasFirst else { return }
    let arrival = Reception(number: UInt32(datagram.key.interface))
    guard let first = datagram.pieces.remove(at: 0) else { return }
    sendError(.reassemblyTimeExceeded, about: first.packet.bytes, arrival)
  }
}
