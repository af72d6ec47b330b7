import Addresses
import Packets

/// Where the first segment of a connection has come from.
struct Origin {
  /// The way back, if there is one.
  var route: Route?
  /// The device that it has come by, to listeners that are bound to one.
  var device: InterfaceIndex
  /// The way back by that device, if there is one.
  var deviceRoute: Route?
}

/// Segments on their way in: found, checked, handed to their connection or listener.
extension TransmissionControl {
  /// Takes one whole segment that the IP layer has found to be for this host.
  ///
  /// - Parameters:
  ///   - bytes: from the TCP header to the end of the IP payload.
  ///   - origin: where the segment may begin a connection.
  ///   - checksumIsValid: the link has verified it, or it never left this machine.
  ///   - congestionExperienced: the IP header's mark (RFC 3168 §5).
  ///   - segmentSize: payload octets per wire segment where the link coalesced several, else zero.
  mutating func receive(
    _ bytes: Span<UInt8>, from source: IPAddress, to destination: IPAddress,
    on interface: InterfaceIndex, origin: Origin?, checksumIsValid: Bool,
    congestionExperienced: Bool, segmentSize: UInt16, at now: Instant
  ) {
    counters.segmentsReceived &+= 1
    guard let header = try? TCPHeader(parsing: bytes) else {
      counters.malformed &+= 1
      return
    }
    // RFC 9293 §3.1 MUST-3: the receiver checks the checksum.
    guard checksumIsValid || Self.checksum(bytes, source, destination) == 0 else {
      counters.badChecksum &+= 1
      return
    }
    guard header.sourcePort != .any, header.destinationPort != .any else {
      counters.malformed &+= 1
      return
    }
    var segment = Segment(
      header: header, options: TCPOptions(in: bytes, header: header),
      length: bytes.count &- header.dataOffset, segmentSize: Int(segmentSize))
    segment.isMarked = congestionExperienced
    let flow = Flow(
      local: destination, localPort: header.destinationPort, remote: source,
      remotePort: header.sourcePort, interface: interface)
    let hash = flow.hash(secrets)
    guard let slot = find(flow, hash: hash) ?? findBound(flow, on: interface) else {
      arrivesUnclaimed(segment, bytes, flow, hash: hash, on: interface, origin: origin, at: now)
      return
    }
    if connections[slot].state == .timeWait, segment.flags.contains(.syn),
      !segment.flags.contains(.ack), !segment.flags.contains(.rst),
      mayReplace(slot, segment, at: now)
    {
      // RFC 9293 §3.6.1, RFC 6191: a new incarnation, provably later than the old one.
      counters.timeWaitRecycled &+= 1
      connections[slot].end(nil)
      settle(slot, at: now)
      arrivesUnclaimed(segment, bytes, flow, hash: hash, on: interface, origin: origin, at: now)
      return
    }
    let arrival = connections[slot].takes(
      segment, bytes, pool: &chunks, configuration: configuration, counters: &counters, at: now)
    if case .reset = arrival {
      sendReset(flow, answering: segment, on: interface)
    }
    settle(slot, at: now)
  }

  static func checksum(
    _ bytes: Span<UInt8>, _ source: IPAddress, _ destination: IPAddress
  ) -> UInt16 {
    var sum = InternetChecksum.pseudoHeader(
      source: source, destination: destination, protocol: .tcp, length: bytes.count)
    sum.add(bytes)
    return sum.value
  }

  private func mayReplace(_ slot: UInt32, _ segment: Segment, at now: Instant) -> Bool {
    if connections[slot].timestamps.isEnabled, let timestamp = segment.options.timestamp {
      let age = Int32(bitPattern: timestamp.value &- connections[slot].timestamps.recent)
      if age > 0 { return true }
      if age < 0 { return false }
    }
    return connections[slot].receive.next.precedes(segment.sequence)
  }

  /// A segment of no known connection: for a listener, or for nobody (RFC 9293 §3.10.7.1, .2).
  private mutating func arrivesUnclaimed(
    _ segment: Segment, _ bytes: Span<UInt8>, _ flow: Flow, hash: UInt64,
    on interface: InterfaceIndex, origin: Origin?, at now: Instant
  ) {
    if segment.flags.contains(.rst) {
      counters.resetsIgnored &+= 1
      return
    }
    let port = PortNumber(rawValue: flow.localPort)
    let device = origin?.device ?? interface
    let listener =
      bestListener(for: flow.localAddress, port: port, flow: hash, on: device)
      ?? listener(at: .v6(.any), port: .any, hash, on: device)
    if let listener, segment.flags.contains(.ack) {
      if !segment.flags.contains(.syn),
        acceptsCookie(
          segment, bytes, flow, hash: hash, listener: listener, on: interface,
          route: wayBack(to: origin, of: listener), at: now)
      {
        return
      }
    } else if let listener, segment.flags.contains(.syn) {
      // A FIN on a SYN, and TCP to a group, mean nothing good.
      guard !segment.flags.contains(.fin), let route = wayBack(to: origin, of: listener) else {
        counters.segmentsDropped &+= 1
        return
      }
      synArrives(segment, flow, hash: hash, listener: listener, route: route, at: now)
      return
    } else if listener != nil {
      counters.segmentsDropped &+= 1
      return
    }
    sendReset(flow, answering: segment, on: interface)
  }

  /// Queues the reset that answers a segment, never in answer to one.
  mutating func sendReset(
    _ flow: Flow, answering segment: Segment, on interface: InterfaceIndex
  ) {
    guard !segment.flags.contains(.rst) else { return }
    enqueue(Reply.reset(flow, answering: segment), on: interface)
    counters.resetsSent &+= 1
  }

  mutating func enqueue(_ reply: Reply, on interface: InterfaceIndex) {
    let interface = Int(interface.rawValue)
    guard interface < links.count, links[interface].replies.count < Self.replyLimit else {
      counters.repliesDropped &+= 1
      return
    }
    links[interface].replies.append(reply)
  }

  /// The listener that fits a destination best: at the address itself, at all of its version, at
  /// all of both. Constant time on average.
  ///
  /// - Parameters:
  ///   - flow: the hash of a connection's flow, which chooses among those that share a port.
  ///   - interface: where the connection comes from; nothing: from anywhere.
  func bestListener(
    for destination: IPAddress, port: PortNumber, flow: UInt64 = 0,
    on interface: InterfaceIndex? = nil
  ) -> UInt32? {
    guard listening.count > 0 else { return nil }
    if let exact = listener(at: destination, port: port, flow, on: interface) { return exact }
    guard destination.isIPv4 else {
      return listener(at: .v6(.any), port: port, flow, on: interface)
    }
    if let wildcard = listener(at: .v4(.any), port: port, flow, on: interface) { return wildcard }
    guard let dual = listener(at: .v6(.any), port: port, flow, on: interface),
      !listeners[dual].ipv6Only
    else { return nil }
    return dual
  }

  /// The way back that a listener's connections take: by the device it is bound to, or by any.
  private func wayBack(to origin: Origin?, of listener: UInt32) -> Route? {
    listeners[listener].options.device == nil ? origin?.route : origin?.deviceRoute
  }

  /// The listener at an address; of several one that is bound to the interface, else the one with
  /// the highest keyed hash, so that one that goes leaves the others the flows they had.
  private func listener(
    at address: IPAddress, port: PortNumber, _ flow: UInt64, on interface: InterfaceIndex?
  ) -> UInt32? {
    let hash = Listener.hash(address, port, secrets)
    var chosen: UInt32?
    var best: UInt64?
    var candidate = listenerTable.first(hash)
    while let found = candidate {
      candidate = listenerTable.next(hash, after: found.place)
      let slot = found.slot
      guard listeners.contains(slot), listeners[slot].address == address,
        listeners[slot].port == port
      else { continue }
      let device = listeners[slot].options.device
      if let interface, let device, device != interface { continue }
      guard let known = chosen else {
        chosen = slot
        continue
      }
      let isBound = device != nil
      guard isBound == (listeners[known].options.device != nil) else {
        if isBound {
          chosen = slot
          best = nil
        }
        continue
      }
      let own = rank(slot, flow)
      let least = best ?? rank(known, flow)
      best = max(own, least)
      if own > least { chosen = slot }
    }
    return chosen
  }

  private func rank(_ listener: UInt32, _ flow: UInt64) -> UInt64 {
    secrets.hash(flow, UInt64(listener), UInt64(listeners.generation(listener)))
  }
}
