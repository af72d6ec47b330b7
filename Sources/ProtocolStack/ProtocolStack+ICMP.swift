import Addresses
import Packets

/// ICMP messages on their way in, of both versions (RFC 792, RFC 1122 §3.2.2, RFC 4443).
extension ProtocolStack {
  mutating func deliverICMPv4(_ packet: Span<UInt8>, at offset: Int, _ delivery: Delivery) {
    let bytes = packet.slice(from: offset)
    let message: ICMPv4Message
    do {
      message = try ICMPv4Message(
        parsing: bytes, verifyingChecksum: !delivery.checksumIsValid)
    } catch {
      counts.malformed.add(error)
      return
    }
    let body = bytes.slice(from: ICMPv4Message.size)
    switch message {
    case .echoRequest(let identifier, let sequence):
      answerEcho(identifier: identifier, sequence: sequence, body, delivery)
    case .echoReply(let identifier, let sequence):
      echoReplied(identifier: identifier, sequence: sequence, body, delivery)
    case .destinationUnreachable(let code, let mtu):
      errorArrived(v4: .destinationUnreachable(code, nextHopMTU: mtu), body, delivery)
    case .timeExceeded, .parameterProblem: errorArrived(v4: message, body, delivery)
    // ICMP-2, RFC 6633; ICMP-4; ICMP-7, RFC 6918: quench, redirects, masks, clocks: nothing.
    case .redirect, .other: counts.icmpIgnored &+= 1
    }
  }

  mutating func deliverICMPv6(_ packet: Span<UInt8>, at offset: Int, _ delivery: Delivery) {
    let bytes = packet.slice(from: offset)
    guard case .v6(let source) = delivery.source, case .v6(let destination) = delivery.destination
    else { return }
    if let type = NeighborDiscovery.messageType(of: bytes) {
      guard let header = try? IPv6Header(parsing: packet) else { return }
      receiveDiscovery(type, bytes, header, delivery)
      return
    }
    let message: ICMPv6Message
    do {
      message = try ICMPv6Message(
        parsing: bytes, source: source, destination: destination,
        verifyingChecksum: !delivery.checksumIsValid)
    } catch {
      counts.malformed.add(error)
      return
    }
    guard !source.isUnspecified else {
      counts.martianSources &+= 1
      return
    }
    if deliverMLD(packet, at: offset, from: source, delivery) { return }
    let body = bytes.slice(from: ICMPv6Message.size)
    switch message {
    case .echoRequest(let identifier, let sequence):
      answerEcho(identifier: identifier, sequence: sequence, body, delivery)
    case .echoReply(let identifier, let sequence):
      echoReplied(identifier: identifier, sequence: sequence, body, delivery)
    case .destinationUnreachable, .packetTooBig, .timeExceeded, .parameterProblem:
      errorArrived(v6: message, body, delivery)
    case .other: counts.icmpIgnored &+= 1
    }
  }

  /// RFC 1122 §3.2.2.6 MUST, RFC 4443 §4.2 MUST: the same bytes back, to the sender alone, without
  /// its options (ICMP-6). Groups get no answer (ICMP-5).
  private mutating func answerEcho(
    identifier: UInt16, sequence: UInt16, _ payload: Span<UInt8>, _ delivery: Delivery
  ) {
    let number = delivery.arrival.number
    guard delivery.isUnicast,
      let route = replyRoute(to: delivery.source, from: delivery.destination, on: number),
      // Answers take half of a queue at most: datagrams of this host's own need the other.
      interfaces[UInt32(route.interface.rawValue)].output.isHalfEmpty
    else {
      counts.echoRequestsIgnored &+= 1
      return
    }
    counts.echoRequestsAnswered &+= 1
    sendEcho(
      payload, isReply: true, identifier: identifier, sequence: sequence, to: delivery.source,
      over: route, hopLimit: nil)
  }
}
