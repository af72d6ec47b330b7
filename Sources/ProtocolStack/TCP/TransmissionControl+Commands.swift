import Addresses
import Packets

/// What users ask for (RFC 9293 §3.10.1 to §3.10.5). The stack has chosen the route already.
extension TransmissionControl {
  /// The active open. Port zero in `local` asks for an ephemeral port.
  mutating func connect(
    to remote: SocketAddress, localPort: PortNumber, route: Route, options: TCPSocketOptions,
    at now: Instant
  ) throws(StackError) -> SocketHandle {
    guard remote.port != .any else { throw .invalidOperation }
    let isBound = options.device != nil
    if isBound { hasBoundFlows = true }
    let flow = try unusedFlow(to: remote, localPort: localPort, route: route, isBound: isBound)
    let hash = flow.hash(secrets)
    makeRoom()
    var connection = Connection(
      flow: flow, hash: hash, route: route, options: options,
      initialSequenceNumber: initialSequenceNumber(flow, at: now),
      timestampOffset: timestampOffset(flow), configuration: configuration, at: now)
    connection.enter(.synSent)
    connection.send.synDue = true
    connection.wantsOutput = true
    connection.flowLabel = flow.label(secrets)
    guard let slot = connections.insert(connection) else {
      counters.connectionLimit &+= 1
      throw .noBufferSpace
    }
    flows.insert(hash, slot: slot)
    connections[slot].isInTable = true
    counters.connectionsOpened &+= 1
    settle(slot, at: now)
    return connectionHandle(slot)
  }

  /// A flow that no connection has: with the port asked for, or with one nobody can foretell
  /// (RFC 6056 §3.3.4, double hash). Tries every port once at most.
  private mutating func unusedFlow(
    to remote: SocketAddress, localPort: PortNumber, route: Route, isBound: Bool
  ) throws(StackError) -> Flow {
    var flow = Flow(
      local: route.source, localPort: localPort, remote: remote.address,
      remotePort: remote.port, interface: route.interface)
    if isBound { flow = flow.bound(to: route.interface) }
    if localPort != .any {
      guard isUnused(flow, on: route.interface) else { throw .addressInUse }
      return flow
    }
    let offset = UInt32(truncatingIfNeeded: flow.identifier(secrets, purpose: 0x504F_5254))
    let bucket = Int(flow.identifier(secrets, purpose: 0x4255_434B) & 255)
    var tries: UInt32 = 0
    while tries < ports.count {
      let step = UInt32(portCounters[bucket]) &+ offset % ports.count
      portCounters[bucket] &+= 1
      tries &+= 1
      flow.localPort = ports.port(step)
      if isUnused(flow, on: route.interface), !isListening(flow), !flow.isWithItself {
        return flow
      }
    }
    throw .addressNotAvailable
  }

  /// Whether no other connection is found under the flow, bound to the interface or to none.
  private func isUnused(_ flow: Flow, on interface: InterfaceIndex) -> Bool {
    find(flow.unbound) == nil && findBound(flow, on: interface) == nil
  }

  private func isListening(_ flow: Flow) -> Bool {
    bestListener(for: flow.localAddress, port: PortNumber(rawValue: flow.localPort)) != nil
  }

  /// The passive open. Port zero asks for an ephemeral port.
  ///
  /// - Parameter start: where to begin looking for one: a number nobody can foretell.
  mutating func listen(
    on local: SocketAddress, backlog: Int, ipv6Only: Bool, sharesPort: Bool,
    options: TCPSocketOptions, ephemeralFrom start: UInt32
  ) throws(StackError) -> SocketHandle {
    var port = local.port
    if port == .any {
      var tries: UInt32 = 0
      repeat {
        guard tries < ports.count else { throw .addressNotAvailable }
        port = PortNumber(rawValue: ports.port(start &+ tries))
        tries &+= 1
      } while isTaken(local.address, port, ipv6Only: ipv6Only, device: options.device)
    } else {
      let isTaken = isTaken(
        local.address, port, ipv6Only: ipv6Only, sharesPort: sharesPort, device: options.device)
      guard !isTaken else { throw .addressInUse }
    }
    return try insertListener(
      Listener(
        address: local.address, port: port, ipv6Only: ipv6Only, backlog: backlog,
        sharesPort: sharesPort, options: options))
  }

  /// The passive open for every port that no other listener has.
  mutating func listenAnywhere(
    backlog: Int, options: TCPSocketOptions
  ) throws(StackError) -> SocketHandle {
    guard !isTaken(.v6(.any), .any, ipv6Only: false, device: options.device) else {
      throw .addressInUse
    }
    return try insertListener(
      Listener(
        address: .v6(.any), port: .any, ipv6Only: false, backlog: backlog, options: options))
  }

  private mutating func insertListener(
    _ listener: consuming Listener
  ) throws(StackError) -> SocketHandle {
    let hash = Listener.hash(listener.address, listener.port, secrets)
    guard let slot = listeners.insert(listener) else { throw .noBufferSpace }
    listening.append(slot)
    listenerTable.insert(hash, slot: slot)
    return listenerHandle(slot)
  }

  private func isTaken(
    _ address: IPAddress, _ port: PortNumber, ipv6Only: Bool, sharesPort: Bool = false,
    device: InterfaceIndex?
  ) -> Bool {
    var index = 0
    while index < listening.count {
      let other = listening[index]
      let isShared = sharesPort && listeners[other].sharesPort
      if !isShared,
        listeners[other].conflicts(
          with: address, port: port, ipv6Only: ipv6Only, device: device)
      {
        return true
      }
      index &+= 1
    }
    return false
  }

  /// The oldest connection whose handshake is done, or nothing where none waits.
  mutating func accept(_ handle: SocketHandle, at now: Instant) throws(StackError) -> SocketHandle?
  {
    guard let listener = listener(handle) else { throw .noSuchSocket }
    while let slot = listeners[listener].ready.popFirst() {
      connections[slot].isReady = false
      connections[slot].listener = nil
      if connections[slot].state == .closed {
        // It was reset while it waited.
        connections[slot].isOrphan = true
        settle(slot, at: now)
        continue
      }
      counters.connectionsAccepted &+= 1
      settle(slot, at: now)
      return connectionHandle(slot)
    }
    return nil
  }

  /// Queues bytes to be sent.
  ///
  /// - Returns: how many were taken. Fewer than given, and the buffer is full;
  ///   ``Event/writable(_:)`` follows.
  mutating func send(
    _ handle: SocketHandle, _ bytes: Span<UInt8>, at now: Instant
  ) throws(StackError) -> Int {
    guard let slot = connection(handle) else { throw .noSuchSocket }
    var isReady = false
    let taken = try connections[slot].queue(
      bytes, from: &chunks, counters: &counters, isReady: &isReady, at: now)
    if isReady { settle(slot, at: now) }
    return taken
  }

  /// Copies what has arrived in order into `target`.
  mutating func read(
    _ handle: SocketHandle, into target: inout MutableSpan<UInt8>, at now: Instant
  ) throws(StackError) -> ReadResult {
    guard let slot = connection(handle) else { throw .noSuchSocket }
    var isReady = false
    let result = try connections[slot].take(into: &target, to: &chunks, isReady: &isReady, at: now)
    if isReady { settle(slot, at: now) }
    return result
  }

  /// What was queued last ends a record: nothing behind it shares a packet with it.
  mutating func endRecord(_ handle: SocketHandle) {
    if let slot = connection(handle) { connections[slot].endRecord() }
  }

  /// What is queued leaves as soon as the windows allow, in however small a segment.
  mutating func flush(_ handle: SocketHandle, at now: Instant) {
    guard let slot = connection(handle), connections[slot].state.isSynchronized else { return }
    connections[slot].send.isFlushing = true
    connections[slot].wantsOutput = true
    settle(slot, at: now)
  }

  /// No more will be sent: a FIN follows what is queued. The other direction goes on.
  mutating func shutdownSend(_ handle: SocketHandle, at now: Instant) throws(StackError) {
    guard let slot = connection(handle) else { throw .noSuchSocket }
    try connections[slot].finishSending()
    settle(slot, at: now)
  }

  /// The user lets go; what is queued is still sent, in the background.
  mutating func close(_ handle: SocketHandle, at now: Instant) {
    if let listener = listener(handle) { return closeListener(listener, at: now) }
    guard let slot = connection(handle) else { return }
    if connections[slot].release(pool: &chunks, at: now) {
      resetPeer(slot, at: now)
      connections[slot].end(nil)
    }
    settle(slot, at: now)
  }

  /// The user gives up: the peer is reset, what is queued is lost.
  mutating func abort(_ handle: SocketHandle, at now: Instant) {
    if let listener = listener(handle) { return closeListener(listener, at: now) }
    guard let slot = connection(handle) else { return }
    connections[slot].isOrphan = true
    connections[slot].events = PendingEvents()
    abort(slot, at: now)
  }

  /// Gives connections up until all are or the queue of replies is full.
  ///
  /// - Returns: whether some are left.
  mutating func abortConnections(because reason: StackError, at now: Instant) -> Bool {
    for slot in connections.indices where connections.contains(slot) {
      let state = connections[slot].state
      guard state != .closed, state != .timeWait else { continue }
      let interface = Int(connections[slot].route.interface.rawValue)
      let isFull =
        interface < links.count && links[interface].replies.count >= Self.replyLimit
      guard !isFull else { return true }
      abort(slot, because: reason, at: now)
    }
    return false
  }

  private mutating func abort(_ slot: UInt32, because reason: StackError? = nil, at now: Instant) {
    switch connections[slot].state {
    case .synReceived, .established, .finWait1, .finWait2, .closeWait: resetPeer(slot, at: now)
    case .closed, .synSent, .closing, .lastAck, .timeWait: break
    }
    connections[slot].end(reason)
    settle(slot, at: now)
  }

  /// RFC 9293 §3.10.5: a reset at SND.NXT.
  private mutating func resetPeer(_ slot: UInt32, at now: Instant) {
    counters.resetsSent &+= 1
    var reply = Reply(
      flow: connections[slot].flow, sequence: connections[slot].send.next,
      acknowledgment: connections[slot].receive.next, flags: TCPFlags([.rst, .ack]).rawValue)
    // RFC 7323 §3.2: a reset has them as well, where they are in use.
    reply.hasTimestamp = connections[slot].timestamps.isEnabled
    reply.timestamp = connections[slot].timestamps.value(at: now)
    reply.echo = connections[slot].timestamps.recent
    enqueue(reply, on: connections[slot].route.interface)
  }

  /// TCP-20: connections that nobody accepted are reset with their listener.
  private mutating func closeListener(_ listener: UInt32, at now: Instant) {
    for slot in connections.indices
    where connections.contains(slot) && connections[slot].listener == listener {
      connections[slot].listener = nil
      connections[slot].isReady = false
      connections[slot].countsAsHalfOpen = false
      connections[slot].isOrphan = true
      abort(slot, at: now)
    }
    listening.removeFirst { $0 == listener }
    guard let gone = listeners.remove(listener) else { return }
    listenerTable.remove(Listener.hash(gone.address, gone.port, secrets), slot: listener)
  }

  /// So many of the next segments are acknowledged at once, and what waits to be is now.
  mutating func acknowledgeQuickly(
    _ handle: SocketHandle, segments: Int, at now: Instant
  ) throws(StackError) {
    guard let slot = connection(handle) else { throw .noSuchSocket }
    connections[slot].quickAcknowledgments = segments
    guard segments > 0, connections[slot].timers.isSet(.acknowledgment) else { return }
    connections[slot].receive.acknowledgeNow = true
    connections[slot].wantsOutput = true
    settle(slot, at: now)
  }

  /// Has a connection go another way from now on, and be found under the flow that goes with it.
  ///
  /// - Parameters:
  ///   - route: by the device, where it is bound to one.
  mutating func rebind(
    _ slot: UInt32, over route: Route, isBound: Bool, at now: Instant
  ) {
    if connections[slot].isQueued {
      let link = Int(connections[slot].route.interface.rawValue)
      links[link].connections.removeFirst { $0 == slot }
      connections[slot].isQueued = false
    }
    let known = connections[slot].route.maximumTransmissionUnit
    connections[slot].route = route
    // Segments do not grow; where the new way is narrower, they shrink.
    connections[slot].route.maximumTransmissionUnit = known
    if route.maximumTransmissionUnit < known {
      _ = connections[slot].lowerPathMTU(to: route.maximumTransmissionUnit, floor: 68, at: now)
    }
    let flow = connections[slot].flow.unbound
    connections[slot].flow = isBound ? flow.bound(to: route.interface) : flow
    if isBound { hasBoundFlows = true }
    if connections[slot].isInTable {
      flows.remove(connections[slot].hash, slot: slot)
      connections[slot].hash = connections[slot].flow.hash(secrets)
      flows.insert(connections[slot].hash, slot: slot)
    }
    connections[slot].wantsOutput = true
  }

  /// Changes a connection's options, with keep-alive armed or stopped at once, or those of the
  /// connections a listener will have.
  mutating func setOptions(
    _ handle: SocketHandle, _ options: TCPSocketOptions, at now: Instant
  ) throws(StackError) {
    if let slot = listener(handle) {
      listeners[slot].options = options
      return
    }
    guard let slot = connection(handle) else { throw .noSuchSocket }
    if options.noDelay, !connections[slot].options.noDelay {
      connections[slot].send.isFlushing = true
    }
    connections[slot].options = options
    if let limit = options.sendBufferLimit {
      connections[slot].send.limit = min(max(limit, 4096), 1 << 30)
    }
    if let limit = options.receiveBufferLimit {
      connections[slot].receive.limit = min(max(limit, 2048), connections[slot].receive.maximum)
    }
    if connections[slot].state.isSynchronized { connections[slot].armKeepAlive(at: now) }
    connections[slot].wantsOutput = true
    settle(slot, at: now)
  }
}
