public import Addresses
public import Packets

/// How a socket stands at this moment: what `poll`, `FIONREAD` and `SIOCOUTQ` tell.
public struct SocketReadiness: Hashable, Sendable {
  /// Bytes a stream has to read, or the length of the oldest datagram.
  public var readableBytes = 0
  /// Datagrams that wait to be read, or connections to be accepted.
  public var waiting = 0
  /// Bytes the send buffer has room for, and how large it is; zero for datagrams.
  public var room = 0
  public var sendLimit = 0
  /// Bytes queued that the peer has not acknowledged.
  public var unacknowledgedBytes = 0
  /// Of these, bytes that were never sent.
  public var unsentBytes = 0
  /// So many that no more are wanted (`TCP_NOTSENT_LOWAT`).
  public var isUnsentLimited = false
  /// The peer will send no more.
  public var isFinished = false
  /// The peer has acknowledged everything, our FIN included if it was queued.
  public var isAllAcknowledged = true
  /// A connection's state.
  public var state: ConnectionState?
  /// What ended the connection, or became of a datagram.
  public var failure: StackError?

  public init() {}

  /// A socket that receives whole packets.
  init(of queue: borrowing DatagramQueue, _ failure: StackError?) {
    waiting = queue.count
    readableBytes = queue.first?.length ?? 0
    self.failure = failure
  }
}

extension ProtocolStack {
  /// How a socket stands; nothing for a void handle. Constant time.
  public func readiness(_ socket: SocketHandle) -> SocketReadiness? {
    switch socket.kind {
    case .tcpConnection, .tcpListener: return tcp.readiness(socket)
    case .udp:
      guard let slot = udp.slot(socket, .udp) else { return nil }
      return SocketReadiness(of: udp.slots[slot].queue, udp.slots[slot].failure)
    case .raw:
      guard let slot = raws.slot(socket, .raw) else { return nil }
      return SocketReadiness(of: raws.slots[slot].queue, raws.slots[slot].failure)
    case .echo, .packet: return nil
    }
  }

  /// Whether a socket may be bound there: to a wildcard, or to an address of ours.
  public func mayBind(_ address: IPAddress) -> Bool {
    address.isUnspecified || mayBind(Self.plain(address).mapped)
  }

  /// Says of what was sent last whether more follows at once, which a small segment then waits for,
  /// at most for a retransmission timeout (`MSG_MORE`). Call it before ``send(_:_:at:)``.
  public mutating func expectMore(_ socket: SocketHandle, _ expectsMore: Bool) {
    tcp.expectMore(socket, expectsMore)
  }

  /// Says that what was sent last ends a record: what follows shares no packet with it
  /// (`MSG_EOR`). TCP does not tell the peer; a limited number is kept.
  public mutating func endRecord(_ socket: SocketHandle) { tcp.endRecord(socket) }

  /// Sends what is queued as soon as the windows allow, in however small a segment: what setting
  /// `TCP_NODELAY` does.
  public mutating func flush(_ socket: SocketHandle, at now: Instant) {
    observe(now)
    tcp.flush(socket, at: present)
  }

  /// Asks for ``Event/writable(_:)`` when a connection's send buffer has emptied by half, as a
  /// ``send(_:_:at:)`` that took less than everything does.
  public mutating func expectRoom(_ socket: SocketHandle) { tcp.expectRoom(socket) }

  /// Copies out what a connection has to read, from `offset` on, and leaves it there (`MSG_PEEK`).
  ///
  /// - Returns: how many bytes were copied. Linear in their number.
  public func peek(
    _ socket: SocketHandle, from offset: Int = 0, into target: inout MutableSpan<UInt8>
  ) -> Int {
    tcp.peek(socket, from: offset, into: &target)
  }

  /// As ``receiveDatagram(_:into:at:)`` or ``receiveRaw(_:into:at:)``, but the datagram stays
  /// (`MSG_PEEK`).
  public mutating func peekDatagram(
    _ socket: SocketHandle, into target: inout MutableSpan<UInt8>
  ) throws(StackError) -> Datagram? {
    if let slot = raws.slot(socket, .raw) {
      if let failure = takeFailure(socket) { throw failure }
      guard let (record, copied) = raws.slots[slot].queue.copyFirst(into: &target) else {
        return nil
      }
      return Self.describe(record, copied: copied)
    }
    guard let slot = udp.slot(socket, .udp) else { throw .noSuchSocket }
    if let failure = udp.slots[slot].failure {
      udp.slots[slot].failure = nil
      throw failure
    }
    guard let (record, copied) = udp.slots[slot].queue.copyFirst(into: &target) else { return nil }
    return Self.describe(record, copied: copied)
  }

  /// What became of an earlier datagram, told once (`SO_ERROR`).
  public mutating func takeFailure(_ socket: SocketHandle) -> StackError? {
    if let slot = raws.slot(socket, .raw) {
      defer { raws.slots[slot].failure = nil }
      return raws.slots[slot].failure
    }
    guard let slot = udp.slot(socket, .udp) else { return nil }
    defer { udp.slots[slot].failure = nil }
    return udp.slots[slot].failure
  }

  /// Ends what ``connectUDP(_:to:at:)`` or ``connectRaw(_:to:at:)`` began: the socket hears
  /// everybody again. A raw socket is not bound any more, either.
  public mutating func disconnect(_ socket: SocketHandle) {
    if let slot = raws.slot(socket, .raw) {
      raws.slots[slot].remote = nil
      raws.slots[slot].local = nil
      raws.slots[slot].zone = 0
    }
    guard let slot = udp.slot(socket, .udp) else { return }
    disconnect(slot)
  }
}

extension TransmissionControl {
  func readiness(_ handle: SocketHandle) -> SocketReadiness? {
    var readiness = SocketReadiness()
    if let slot = listener(handle) {
      readiness.waiting = listeners[slot].ready.count
      return readiness
    }
    guard let slot = connection(handle) else { return nil }
    readiness.state = connections[slot].state
    readiness.failure = connections[slot].failure
    readiness.readableBytes = connections[slot].receive.buffered
    readiness.isFinished = connections[slot].receive.isFinished
    readiness.sendLimit = connections[slot].send.limit
    readiness.room = max(connections[slot].send.limit &- connections[slot].send.buffered, 0)
    readiness.unacknowledgedBytes = connections[slot].send.buffered
    readiness.unsentBytes = max(connections[slot].send.unsent, 0)
    readiness.isUnsentLimited =
      connections[slot].send.unsent &* 2 >= connections[slot].notSentLimit
    let finIsOut = connections[slot].send.finQueued && !connections[slot].send.finSent
    readiness.isAllAcknowledged =
      connections[slot].send.buffered == 0 && connections[slot].send.flight == 0 && !finIsOut
    return readiness
  }

  mutating func expectMore(_ handle: SocketHandle, _ expectsMore: Bool) {
    guard let slot = connection(handle) else { return }
    connections[slot].send.expectsMore = expectsMore
  }

  mutating func expectRoom(_ handle: SocketHandle) {
    guard let slot = connection(handle) else { return }
    connections[slot].send.isUserWaiting = true
  }

  func peek(
    _ handle: SocketHandle, from offset: Int, into target: inout MutableSpan<UInt8>
  ) -> Int {
    guard let slot = connection(handle), offset >= 0 else { return 0 }
    let length = min(connections[slot].receive.buffered &- offset, target.count)
    guard length > 0 else { return 0 }
    connections[slot].receive.buffer.read(
      at: offset, length: length, into: &target, at: 0, from: chunks)
    return length
  }
}
