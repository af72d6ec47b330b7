import Addresses
import Packets

/// The passive open: SYNs to a listener, its backlog, and cookies beyond it (RFC 4987).
extension TransmissionControl {
  /// RFC 9293 §3.10.7.2, third: a SYN for a listener.
  @inline(never)
  mutating func synArrives(
    _ segment: Segment, _ flow: Flow, hash: UInt64, listener: UInt32, route: Route,
    at now: Instant
  ) {
    let waiting = listeners[listener].halfOpen &+ listeners[listener].ready.count
    guard waiting < listeners[listener].backlog else {
      overflow(segment, flow, route: route, at: now)
      return
    }
    guard
      let slot = makePassive(
        segment, flow, hash: hash, listener: listener, route: route,
        initial: initialSequenceNumber(flow, at: now), at: now)
    else { return }
    connections[slot].countsAsHalfOpen = true
    connections[slot].isDeferred = listeners[listener].options.deferAccept != nil
    listeners[listener].halfOpen &+= 1
    connections[slot].send.synDue = true
    connections[slot].wantsOutput = true
    settle(slot, at: now)
  }

  /// Makes a connection in SYN-RECEIVED.
  @inline(never)
  private mutating func makePassive(
    _ segment: Segment, _ flow: Flow, hash: UInt64, listener: UInt32, route: Route,
    initial: SequenceNumber, at now: Instant
  ) -> UInt32? {
    makeRoom()
    // What cookies were made from: that of the flow as it is on the wire.
    let offset = timestampOffset(flow)
    var (flow, hash, options) = (flow, hash, listeners[listener].options)
    if options.device != nil {
      flow = flow.bound(to: route.interface)
      hash = flow.hash(secrets)
      hasBoundFlows = true
    }
    // As on Linux: the device and the mark are the listener's, the priority is not.
    options.priority = 0
    var connection = Connection(
      flow: flow, hash: hash, route: route, options: options,
      initialSequenceNumber: initial, timestampOffset: offset,
      configuration: configuration, at: now)
    connection.isPassive = true
    connection.listener = listener
    connection.enter(.synReceived)
    connection.takeSyn(segment, configuration: configuration, at: now)
    connection.flowLabel = flow.label(secrets)
    guard let slot = connections.insert(connection) else {
      counters.connectionLimit &+= 1
      return nil
    }
    flows.insert(hash, slot: slot)
    connections[slot].isInTable = true
    return slot
  }

  /// At the table's limit the oldest connection in TIME-WAIT makes room, if there is one.
  mutating func makeRoom() {
    while connections.count >= connections.limit, let entry = timeWaits.popFirst() {
      let slot = UInt32(truncatingIfNeeded: entry)
      let generation = UInt32(truncatingIfNeeded: entry &>> 32)
      guard connections.contains(slot, generation: generation),
        connections[slot].state == .timeWait
      else { continue }
      counters.timeWaitRecycled &+= 1
      connections[slot].end(nil)
      settle(slot, at: Instant.zero)
    }
  }

  /// The backlog is full: nothing is remembered, the peer gets a cookie or nothing.
  private mutating func overflow(
    _ segment: Segment, _ flow: Flow, route: Route, at now: Instant
  ) {
    counters.backlogOverflow &+= 1
    guard configuration.usesSynCookies else { return }
    let headers = flow.isIPv4 ? 40 : 60
    let own = UInt16(clamping: route.maximumTransmissionUnit &- headers)
    let peers = segment.options.segmentSizeLimit(default: flow.isIPv4 ? 536 : 1220)
    var reply = Reply(
      flow: flow,
      sequence: SynCookie.make(
        flow, peer: segment.sequence, segment: min(own, peers), secrets: secrets, at: now),
      acknowledgment: segment.sequence.advanced(by: 1), flags: TCPFlags([.syn, .ack]).rawValue)
    reply.window = UInt16(clamping: configuration.initialReceiveBuffer)
    reply.isOnLink = route.nextHop == flow.remoteAddress
    reply.segment = own
    if let timestamp = segment.options.timestamp {
      reply.hasTimestamp = true
      reply.echo = timestamp.value
      let clock = TimestampState(isEnabled: true, offset: timestampOffset(flow))
      reply.timestamp = SynCookie.timestamp(
        clock.value(at: now), windowShift: segment.options.windowScale,
        sackPermitted: segment.options.sackPermitted)
      reply.hasWindowShift = segment.options.windowScale != nil
      reply.windowShift = Connection.windowShift(for: configuration.maximumReceiveBuffer)
      reply.sackPermitted = segment.options.sackPermitted
    }
    counters.cookiesSent &+= 1
    enqueue(reply, on: route.interface)
  }

  /// An acknowledgment for a listener may bring a cookie back: then the connection is made now.
  ///
  /// - Returns: false where it does not: the caller resets.
  @inline(never)
  mutating func acceptsCookie(
    _ segment: Segment, _ bytes: Span<UInt8>, _ flow: Flow, hash: UInt64,
    listener: UInt32, on interface: InterfaceIndex, route: Route?, at now: Instant
  ) -> Bool {
    guard configuration.usesSynCookies, counters.cookiesSent > 0 else { return false }
    let cookie = segment.acknowledgment.advanced(by: -1)
    let peer = segment.sequence.advanced(by: -1)
    guard let size = SynCookie.segment(of: cookie, flow, peer: peer, secrets: secrets, at: now)
    else {
      counters.cookiesRefused &+= 1
      return false
    }
    let waiting = listeners[listener].halfOpen &+ listeners[listener].ready.count
    // Twice the backlog: these have proved that they exist, but the queue still ends somewhere.
    guard let route, waiting < listeners[listener].backlog &* 2 else {
      counters.backlogOverflow &+= 1
      return true
    }
    // The SYN, put together again from what came back.
    var options = TCPOptions()
    options.maximumSegmentSize = size
    if let timestamp = segment.options.timestamp {
      let kept = SynCookie.options(in: timestamp.echo)
      options.timestamp = timestamp
      options.windowScale = kept.windowShift
      options.sackPermitted = kept.sackPermitted
    }
    var syn = segment
    syn.sequence = peer
    syn.flags = .syn
    syn.length = 0
    syn.options = options
    guard
      let slot = makePassive(
        syn, flow, hash: hash, listener: listener, route: route, initial: cookie, at: now)
    else { return true }
    counters.cookiesAccepted &+= 1
    connections[slot].send.next = cookie.advanced(by: 1)
    if case .reset = connections[slot].arrives(
      segment, bytes, pool: &chunks, configuration: configuration, counters: &counters,
      at: now)
    {
      sendReset(flow, answering: segment, on: interface)
    }
    connections[slot].events.remove(.connected)
    if connections[slot].state != .closed { enqueueReady(slot, on: listener) }
    settle(slot, at: now)
    return true
  }

  /// RFC 9293 §3.4.1 MUST-8, SHLD-1: a clock of four microseconds plus a keyed hash of the flow.
  func initialSequenceNumber(_ flow: Flow, at now: Instant) -> SequenceNumber {
    if let fixed = configuration.fixedInitialSequenceNumber {
      return SequenceNumber(rawValue: fixed)
    }
    let clock = UInt32(truncatingIfNeeded: now.nanoseconds &>> 12)
    let mark = UInt32(truncatingIfNeeded: flow.identifier(secrets, purpose: 0x4953_4E))
    return SequenceNumber(rawValue: clock &+ mark)
  }

  /// RFC 7323 §5.4: our clock looks different to every flow.
  func timestampOffset(_ flow: Flow) -> UInt32 {
    UInt32(truncatingIfNeeded: flow.identifier(secrets, purpose: 0x5453))
  }
}
