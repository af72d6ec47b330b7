import DequeModule

// How connections come about, as unix(7) has it: whoever connects is connected at once, and may
// write before the other side has accepted.
extension LocalSpace {
  /// What a call to connect comes to.
  enum Connecting {
    case connected(Number)
    /// The listener's backlog is full: whose room to wait for.
    case full(Number)
  }

  mutating func connect(
    to name: LocalAddress, _ kind: Kind
  ) throws(SocketError.Reason) -> Connecting {
    let listener = try find(name, kind)
    guard sockets[listener]?.hasRoom ?? false else { return .full(listener) }
    let (client, server) = try pair(kind)
    sockets[client]?.peerName = name
    sockets[server]?.name = name
    sockets[listener]?.pending.append(server)
    wakeReaders(listener)
    return .connected(client)
  }

  mutating func pair(_ kind: Kind) throws(SocketError.Reason) -> (Number, Number) {
    let first = try open(kind)
    let second = try open(kind)
    sockets[first]?.peer = second
    sockets[second]?.peer = first
    return (first, second)
  }

  /// - Returns: nil when no connection waits.
  mutating func accept(_ listener: Number) throws(SocketError.Reason) -> Number? {
    guard sockets[listener] != nil else { throw absence }
    guard let connection = sockets[listener]?.pending.popFirst() else { return nil }
    wakeDeliverers(listener)
    return connection
  }

  /// Ends this side's direction: the peer receives what was sent, then the end.
  mutating func shutdownSend(_ number: Number) throws(SocketError.Reason) {
    guard let socket = sockets[number] else { throw absence }
    sockets[number]?.hasShutDown = true
    wakeWriters(number)
    guard let peer = socket.peer else { return }
    sockets[peer]?.hasEnded = true
    wakeReaders(peer)
  }

  func name(_ number: Number, ofPeer: Bool) throws(SocketError.Reason) -> LocalAddress {
    guard let socket = sockets[number] else { throw absence }
    return ofPeer ? socket.peerName : socket.name
  }
}
