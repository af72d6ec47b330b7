import Addresses
import Packets

/// ICMP errors that others send about packets of ours. An error is believed only if it quotes a
/// packet that a living socket may have sent (RFC 5927 §4.1), and then it is handed to that socket.
extension ProtocolStack {
  mutating func errorArrived(
    v4 message: ICMPv4Message, _ quoted: Span<UInt8>, _ delivery: Delivery
  ) {
    guard let flow = quotedFlow(quoted, delivery, isIPv4: true) else { return }
    switch message {
    case .destinationUnreachable(.fragmentationNeeded, let mtu):
      packetTooBig(Int(mtu), flow, delivery)
    case .destinationUnreachable(let code, _):
      let error: StackError =
        switch code.rawValue {
        case 0, 6, 8, 9, 11: .networkUnreachable
        case 2, 3: .connectionRefused
        default: .hostUnreachable
        }
      report(error, .unreachable(code: code.rawValue), flow, delivery)
    case .timeExceeded: report(.hostUnreachable, .timeExceeded, flow, delivery)
    default: report(.connectionRefused, .unreachable(code: 2), flow, delivery)
    }
  }

  mutating func errorArrived(
    v6 message: ICMPv6Message, _ quoted: Span<UInt8>, _ delivery: Delivery
  ) {
    guard let flow = quotedFlow(quoted, delivery, isIPv4: false) else { return }
    switch message {
    case .packetTooBig(let mtu): packetTooBig(Int(clamping: mtu), flow, delivery)
    case .destinationUnreachable(let code):
      let error: StackError =
        switch code.rawValue {
        case 0: .networkUnreachable
        case 4: .connectionRefused
        case 1, 5, 6: .permissionDenied
        default: .hostUnreachable
        }
      report(error, .unreachable(code: code.rawValue), flow, delivery)
    case .timeExceeded: report(.hostUnreachable, .timeExceeded, flow, delivery)
    default: report(.connectionRefused, .unreachable(code: 4), flow, delivery)
    }
  }

  /// The quoted packet's flow, if it may be one of ours.
  private mutating func quotedFlow(
    _ quoted: Span<UInt8>, _ delivery: Delivery, isIPv4: Bool
  ) -> QuotedFlow? {
    counts.errorsReceived &+= 1
    do {
      let flow =
        isIPv4 ? try QuotedFlow(parsingIPv4: quoted) : try QuotedFlow(parsingIPv6: quoted)
      // What this host sent carried the address that the error was sent to.
      guard flow.source == delivery.destination, delivery.isUnicast else {
        counts.errorsUnmatched &+= 1
        return nil
      }
      return flow
    } catch {
      counts.malformed.add(error)
      return nil
    }
  }

  private mutating func report(
    _ error: StackError, _ kind: EchoReply.Kind, _ flow: QuotedFlow, _ delivery: Delivery
  ) {
    switch flow.protocol {
    case .tcp:
      let path: PathError =
        switch error {
        case .connectionRefused: .refused
        case .networkUnreachable: .networkUnreachable
        default: .hostUnreachable
        }
      reportToTCP(path, flow, delivery)
    case .udp:
      if !failDatagram(flow, error, on: delivery.arrival.number) { counts.errorsUnmatched &+= 1 }
    case .icmpv4, .icmpv6:
      let isKnown = failEcho(
        flow, kind, from: delivery.source, hopLimit: delivery.hopLimit)
      if !isKnown { counts.errorsUnmatched &+= 1 }
    default: if !failRaw(flow, error) { counts.errorsUnmatched &+= 1 }
    }
  }

  private mutating func reportToTCP(
    _ error: PathError, _ flow: QuotedFlow, _ delivery: Delivery
  ) {
    guard let sequence = flow.sequenceNumber else { return }
    tcp.pathError(
      error, local: flow.source, localPort: flow.sourcePort, remote: flow.destination,
      remotePort: flow.destinationPort, sequence: sequence, on: index(delivery.arrival.number),
      at: present)
  }

  /// RFC 1191 §3, RFC 8201 §4: a router could not send a packet of ours on. TCP decides for itself;
  /// for datagrams the path is remembered, if a socket of ours may have sent the quoted one
  /// (IP6-10, ICMP-3).
  private mutating func packetTooBig(_ mtu: Int, _ flow: QuotedFlow, _ delivery: Delivery) {
    if flow.protocol == .tcp {
      reportToTCP(.packetTooBig(mtu: mtu), flow, delivery)
      return
    }
    let isIPv4 = flow.source.isIPv4
    // RFC 8201 §4 MUST: less than 1,280 is ignored, and there are no atomic fragments (FRAG-12).
    // IPv4: less than 552 is more likely an attack than a link (RFC 5927 §7.2).
    let least = isIPv4 ? 552 : 1_280
    let number = delivery.arrival.number
    guard mtu >= least, mtu < linkMTU(number, isIPv4: isIPv4), mtu < flow.totalLength else {
      counts.pathUpdatesIgnored &+= 1
      return
    }
    let isOurs: Bool =
      switch flow.protocol {
      case .udp: mayHaveSent(flow)
      case .icmpv4, .icmpv6:
        failEcho(
          flow, .packetTooBig(mtu: UInt32(truncatingIfNeeded: mtu)), from: delivery.source,
          hopLimit: delivery.hopLimit)
      default: false
      }
    guard isOurs else {
      counts.errorsUnmatched &+= 1
      counts.pathUpdatesIgnored &+= 1
      return
    }
    counts.pathUpdates &+= 1
    paths.learn(mtu, to: flow.destination.mapped, secrets, at: present)
  }
}
