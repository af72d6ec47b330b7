import DequeModule
import Packets

extension LocalSpace {
  /// Small writes to a stream are kept together up to that many bytes.
  private static var chunk: Int { 4_096 }

  /// Sends to the peer.
  ///
  /// - Returns: bytes taken, of a stream perhaps fewer than all; nil when there is no room.
  mutating func send(
    _ bytes: Span<UInt8>, from number: Number
  ) throws(SocketError.Reason) -> Int? {
    guard let socket = sockets[number] else { throw absence }
    // As Linux: a stream's failure is heard by whoever reads, a message's by whoever comes first.
    if socket.kind == .packets {
      if let failure = takeFailure(number) { throw failure }
      guard bytes.count <= Self.longestMessage else { throw .messageTooLong }
    }
    guard let peer = socket.peer, !socket.hasShutDown else { throw .brokenPipe }
    if bytes.isEmpty, socket.kind == .stream { return 0 }
    guard let room = room(at: peer) else { return nil }
    let count =
      socket.kind == .stream ? min(bytes.count, max(room - Self.overhead, 1)) : bytes.count
    deliver(bytes.extracting(first: count), from: socket.name, to: peer)
    return count
  }

  /// What a message to a named socket comes to.
  enum Sending {
    case sent
    /// The receiver has no room: whose to wait for.
    case full(Number)
  }

  /// Sends a message.
  mutating func send(
    _ bytes: Span<UInt8>, from number: Number, to name: LocalAddress
  ) throws(SocketError.Reason) -> Sending {
    guard let socket = sockets[number] else { throw absence }
    let receiver = try find(name, .datagram)
    guard bytes.count <= Self.longestMessage else { throw .messageTooLong }
    guard room(at: receiver) != nil else { return .full(receiver) }
    deliver(bytes, from: socket.name, to: receiver)
    return .sent
  }

  /// - Returns: bytes there is room for at a socket, at least one; nil when there is none.
  private func room(at number: Number) -> Int? {
    guard let socket = sockets[number], socket.hasRoom else { return nil }
    return Self.limit - socket.charge
  }

  private mutating func deliver(
    _ bytes: Span<UInt8>, from source: LocalAddress, to number: Number
  ) {
    withSocket(number) { socket in
      if socket.kind == .stream, let last = socket.messages.indices.last,
        socket.messages[last].bytes.count + bytes.count <= Self.chunk
      {
        socket.messages[last].bytes.append(copying: bytes)
        socket.charge += bytes.count
      } else {
        var copy = [UInt8](repeating: 0, count: bytes.count)
        var span = copy.mutableSpan
        bytes.copy(into: &span)
        let message = Message(bytes: copy, source: source)
        socket.charge += message.charge
        socket.messages.append(message)
      }
    }
    wakeReaders(number)
  }

  /// - Returns: nil when nothing waits.
  mutating func receive(
    _ number: Number, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> LocalMessage? {
    guard let kind = sockets[number]?.kind, let isEmpty = sockets[number]?.messages.isEmpty else {
      throw absence
    }
    // As Linux: messages come after a failure, a stream's bytes before it.
    if kind != .stream || isEmpty, let failure = takeFailure(number) { throw failure }
    if isEmpty {
      guard sockets[number]?.hasEnded ?? true else { return nil }
      return LocalMessage(count: 0, isTruncated: false, source: .unnamed)
    }
    let message =
      kind == .stream
      ? sockets[number]?.takeBytes(into: &bytes) : sockets[number]?.takeMessage(into: &bytes)
    // Not at once: whoever sends is to have something to do when it goes on.
    if let charge = sockets[number]?.charge, charge <= Self.limit / 2 {
      wakeDeliverers(number)
      if let peer = sockets[number]?.peer { wakeWriters(peer) }
    }
    return message
  }

  private mutating func takeFailure(_ number: Number) -> SocketError.Reason? {
    let failure = sockets[number]?.failure
    sockets[number]?.failure = nil
    return failure
  }
}

extension LocalSpace.Socket {
  fileprivate mutating func takeMessage(
    into bytes: inout MutableSpan<UInt8>
  ) -> LocalMessage? {
    guard let message = messages.popFirst() else { return nil }
    charge -= message.charge
    let count = message.bytes.span.copy(into: &bytes)
    return LocalMessage(
      count: count, isTruncated: count < message.bytes.count, source: message.source)
  }

  fileprivate mutating func takeBytes(into bytes: inout MutableSpan<UInt8>) -> LocalMessage? {
    guard let source = messages.first?.source else { return nil }
    var count = 0
    while count < bytes.count, let first = messages.first {
      let rest = first.bytes.span.extracting(droppingFirst: offset)
      let copied = rest.copy(into: &bytes, at: count)
      count += copied
      offset += copied
      if offset == first.bytes.count {
        charge -= first.charge
        offset = 0
        messages.removeFirst()
      }
    }
    return LocalMessage(count: count, isTruncated: false, source: source)
  }
}

extension [UInt8] {
  fileprivate mutating func append(copying bytes: Span<UInt8>) {
    let old = count
    append(contentsOf: repeatElement(0, count: bytes.count))
    var span = mutableSpan
    bytes.copy(into: &span, at: old)
  }
}
