import Addresses
import Packets

/// What TCP has for one link.
struct LinkQueue: ~Copyable {
  /// Slots of connections that may have something to send.
  var connections = Ring<UInt32>()
  /// Segments that belong to no connection.
  var replies = Ring<Reply>()
  /// Bytes of the largest packet, if that is less than connections may have been told.
  var maximumTransmissionUnit = Int.max
}

/// All TCP of a stack: the connections, the listeners, and the queues between them and the links.
///
/// The IP layer hands whole segments to `receive` and pulls what may leave with
/// ``nextSegment(on:into:at:)``. Nothing is sent from input. After every touch of a connection
/// ``settle(_:at:)`` collects what it wants: a place in its link's queue, a deadline, events for
/// the user, or its end.
///
/// Limits: connections and listeners by table, buffers by one budget of bytes, replies by a ring.
struct TransmissionControl: ~Copyable {
  /// The most replies waiting per interface.
  static var replyLimit: Int { 1024 }

  let configuration: TCPConfiguration
  let ports: EphemeralPorts
  let secrets: Secrets
  var counters = TCPCounters()
  var connections: Slots<Connection>
  var listeners: Slots<Listener>
  /// Slots of listeners, in no order.
  var listening = Ring<UInt32>()
  /// Listeners by address and port.
  var listenerTable = FlowTable()
  var flows = FlowTable()
  /// Whether any connection was ever bound to a device: those are looked for where no other is
  /// found.
  var hasBoundFlows = false
  var chunks: ChunkPool
  var deadlines = DeadlineHeap()
  /// What waits to leave, one for each interface.
  var links = List(standIn: LinkQueue())
  /// Sockets with events to tell: the slot, and in bit 32 whether it is a listener's.
  var told = Ring<UInt64>()
  /// Connections in TIME-WAIT, the oldest first; entries may be out of date.
  var timeWaits = Ring<UInt64>()
  /// Counters for ephemeral ports, by a hash of the destination (RFC 6056 §3.3.4).
  var portCounters: InlineArray<256, UInt16> = .init(repeating: 0)

  init(configuration: TCPConfiguration, ports: EphemeralPorts, secrets: Secrets) {
    self.configuration = configuration
    self.ports = ports
    self.secrets = secrets
    connections = Slots(
      limit: configuration.connectionLimit, standIn: Connection.standIn(configuration))
    listeners = Slots(
      limit: configuration.listenerLimit,
      standIn: Listener(
        address: .v6(.any), port: .any, ipv6Only: true, backlog: 0, options: TCPSocketOptions()))
    chunks = ChunkPool(limit: configuration.bufferMemory)
  }

  /// An interface was added to the stack; its number is the count so far.
  mutating func interfaceAdded() { links.append(LinkQueue()) }

  /// Uses of what no table has. Anything but zero is a bug.
  var misses: UInt64 { connections.misses &+ listeners.misses &+ links.misses }

  /// The connection of a flow. Constant time on average.
  @inline(__always)
  func find(_ flow: Flow, hash: UInt64) -> UInt32? {
    var candidate = flows.first(hash)
    while let found = candidate {
      if connections[found.slot].flow == flow { return found.slot }
      candidate = flows.next(hash, after: found.place)
    }
    return nil
  }

  func find(_ flow: Flow) -> UInt32? { find(flow, hash: flow.hash(secrets)) }

  /// The connection of a flow that is bound to the interface.
  @inline(never)
  func findBound(_ flow: Flow, on interface: InterfaceIndex) -> UInt32? {
    hasBoundFlows ? find(flow.bound(to: interface)) : nil
  }

  // MARK: - Settling

  /// Collects what a touched connection wants.
  mutating func settle(_ slot: UInt32, at now: Instant) {
    var wishes = connections[slot].takeWishes()
    if wishes.isUnaccepted {
      settleUnaccepted(slot)
      connections[slot].countsAsHalfOpen = false
      wishes = connections[slot].takeWishes()
    }
    if wishes.isClosed { return finish(slot) }
    if let interface = wishes.interface {
      if interface < links.count {
        links[interface].connections.append(slot)
      } else {
        connections[slot].isQueued = false
      }
    }
    if wishes.wantsTelling { tell(slot) }
    if wishes.isTimeWait { noteTimeWait(slot) }
    if let deadline = wishes.deadline { deadlines.set(slot, to: deadline) }
  }

  /// Remembers the order in which connections came to TIME-WAIT. They leave it in the same order,
  /// so what is out of date is at the front.
  private mutating func noteTimeWait(_ slot: UInt32) {
    guard !connections[slot].isTimeWaitNoted else { return }
    connections[slot].isTimeWaitNoted = true
    while let entry = timeWaits.first {
      let old = UInt32(truncatingIfNeeded: entry)
      let generation = UInt32(truncatingIfNeeded: entry &>> 32)
      if connections.contains(old, generation: generation), connections[old].state == .timeWait {
        break
      }
      _ = timeWaits.popFirst()
    }
    timeWaits.append(UInt64(connections.generation(slot)) &<< 32 | UInt64(slot))
  }

  /// Queues a connection whose events are to be told; one that was not accepted keeps them.
  mutating func tell(_ slot: UInt32) {
    guard connections[slot].wantsTelling else { return }
    connections[slot].isTelling = true
    told.append(UInt64(slot))
  }

  /// A connection that its listener's user has not accepted: the handshake may be done now.
  private mutating func settleUnaccepted(_ slot: UInt32) {
    guard let listener = connections[slot].listener, listeners.contains(listener),
      connections[slot].countsAsHalfOpen, connections[slot].state != .synReceived
    else { return }
    connections[slot].countsAsHalfOpen = false
    listeners[listener].halfOpen &-= 1
    guard connections[slot].state != .closed else { return }
    if connections[slot].isDeferred {
      connections[slot].isDeferred = false
      connections[slot].timers.stop(.close)
    }
    connections[slot].events.remove(.connected)
    enqueueReady(slot, on: listener)
  }

  /// Puts a connection whose handshake is done where `accept` finds it.
  mutating func enqueueReady(_ slot: UInt32, on listener: UInt32) {
    listeners[listener].ready.append(slot)
    connections[slot].isReady = true
    guard !listeners[listener].isEventQueued else { return }
    listeners[listener].isEventQueued = true
    told.append(UInt64(listener) | 1 &<< 32)
  }

  /// A connection has ended: its flow is free at once, its slot when no user holds it.
  private mutating func finish(_ slot: UInt32) {
    if connections[slot].isInTable {
      connections[slot].isInTable = false
      flows.remove(connections[slot].hash, slot: slot)
      deadlines.set(slot, to: .distantFuture)
      connections[slot].scheduled = .distantFuture
      counters.brokenInvariants &+= UInt64(connections[slot].statistics.brokenInvariants)
      counters.retransmissions &+= connections[slot].statistics.retransmittedSegments
      if connections[slot].failure != nil {
        connections[slot].releaseBuffers(to: &chunks)
      } else {
        connections[slot].events.insert(.closed)
      }
    }
    let isHeld = !connections[slot].isOrphan && connections[slot].listener == nil
    if isHeld {
      tell(slot)
    } else if !connections[slot].isQueued, !connections[slot].isTelling,
      !connections[slot].isReady
    {
      free(slot)
    }
  }

  /// Gives the slot and all memory of a connection back. Queues that still name it delay this.
  mutating func free(_ slot: UInt32) {
    connections[slot].releaseBuffers(to: &chunks)
    _ = connections.remove(slot)
  }

  // MARK: - Time

  /// The earliest deadline; it may be early, never late.
  var nextDeadline: Instant? { deadlines.first }

  /// Acts on every timer that has run out. Logarithmic for each.
  mutating func advance(to now: Instant) {
    while let first = deadlines.first, first <= now, let slot = deadlines.firstSlot {
      guard connections.contains(slot) else {
        deadlines.set(slot, to: .distantFuture)
        continue
      }
      if connections[slot].timers.earliest <= now {
        connections[slot].advance(to: now, configuration: configuration)
      }
      guard connections[slot].state != .closed else {
        settle(slot, at: now)
        continue
      }
      let earliest = connections[slot].timers.earliest
      connections[slot].scheduled = earliest
      deadlines.set(slot, to: earliest)
      settle(slot, at: now)
    }
  }

  // MARK: - Events

  /// The next thing a user may want to know.
  mutating func nextEvent() -> Event? {
    while let entry = told.first {
      let slot = UInt32(truncatingIfNeeded: entry)
      if entry &>> 32 == 1 {
        _ = told.popFirst()
        guard listeners.contains(slot) else { continue }
        listeners[slot].isEventQueued = false
        guard !listeners[slot].ready.isEmpty else { continue }
        return .acceptable(listenerHandle(slot))
      }
      guard connections.contains(slot) else {
        _ = told.popFirst()
        continue
      }
      if !connections[slot].isOrphan, let event = takeEvent(slot) { return event }
      _ = told.popFirst()
      connections[slot].isTelling = false
      if connections[slot].state == .closed { finish(slot) }
    }
    return nil
  }

  private mutating func takeEvent(_ slot: UInt32) -> Event? {
    let handle = connectionHandle(slot)
    if connections[slot].events.remove(.connected) != nil { return .connected(handle) }
    if connections[slot].events.remove(.readable) != nil { return .readable(handle) }
    if connections[slot].events.remove(.writable) != nil { return .writable(handle) }
    if connections[slot].events.remove(.failed) != nil {
      return .failed(handle, connections[slot].failure ?? .connectionAborted)
    }
    if connections[slot].events.remove(.closed) != nil { return .closed(handle) }
    return nil
  }

  func connectionHandle(_ slot: UInt32) -> SocketHandle {
    SocketHandle(kind: .tcpConnection, index: slot, generation: connections.generation(slot))
  }

  func listenerHandle(_ slot: UInt32) -> SocketHandle {
    SocketHandle(kind: .tcpListener, index: slot, generation: listeners.generation(slot))
  }

  /// The slot a user's handle names, unless the user has closed it.
  @inline(__always)
  func connection(_ handle: SocketHandle) -> UInt32? {
    guard handle.kind == .tcpConnection,
      connections.contains(handle.index, generation: handle.generation),
      !connections[handle.index].isOrphan
    else { return nil }
    return handle.index
  }

  func listener(_ handle: SocketHandle) -> UInt32? {
    guard handle.kind == .tcpListener,
      listeners.contains(handle.index, generation: handle.generation)
    else { return nil }
    return handle.index
  }
}
