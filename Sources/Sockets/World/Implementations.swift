package import Addresses
package import Packets

// What a world puts behind the public sockets. A public socket holds one of these, passes calls on
// and closes it when it goes; the worlds need no knowledge of one another.
//
// Most calls come twice: `try…` answers without waiting, which is what a call mostly comes to, and
// a call that cannot suspend costs a fraction of one that can. Where that answers `elsewhere`, the
// waiting twin asks the thread the socket lives on; a world where nothing is elsewhere needs not
// write one.
//
// Spans are read or filled before the call returns.

/// Behind a ``TCPConnection``.
package protocol StreamImplementation: SocketImplementation {
  /// Whether a read is worth a try: there are bytes, the end or an error, or nobody knows.
  func tryReadiness() throws(SocketError.Reason) -> Attempt<Void>
  func waitUntilReadable(until deadline: Instant?) async throws(SocketError.Reason)
  /// - Returns: bytes read, zero at the end of the stream.
  func tryRead(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Int>
  func read(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Int
  /// - Returns: bytes taken, from the first on; perhaps none.
  func tryWrite(_ bytes: Span<UInt8>) throws(SocketError.Reason) -> Attempt<Int>
  /// Writes all of `bytes`.
  func write(_ bytes: Span<UInt8>, until deadline: Instant?) async throws(SocketError.Reason)
  func shutdownSend() async throws(SocketError.Reason)
  func setOptions(_ options: TCPOptions) async throws(SocketError.Reason)
  func info() async throws(SocketError.Reason) -> TCPConnection.Info
  /// Ends every wait, for its task to look whether it was cancelled. From any thread.
  func endWaits()
  func abort()
}

extension StreamImplementation {
  package func waitUntilReadable(
    until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await outlast(.reading, until: deadline, tryReadiness())
  }

  package func read(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Int {
    try await outlast(.reading, until: deadline, tryRead(into: &bytes))
  }

  package func write(
    _ bytes: Span<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    var patience = Patience.lasting
    var written = 0
    while true {
      if case .done(let count) = try tryWrite(bytes.extracting(droppingFirst: written)) {
        written += count
      }
      if written == bytes.count { return }
      try await wait(.writing, until: deadline, &patience)
    }
  }
}

/// Behind a ``TCPListener``.
package protocol ListenerImplementation: SocketImplementation {
  func tryAccept() throws(SocketError.Reason) -> Attempt<TCPConnection>
  func accept(until deadline: Instant?) async throws(SocketError.Reason) -> TCPConnection
}

extension ListenerImplementation {
  package func accept(until deadline: Instant?) async throws(SocketError.Reason) -> TCPConnection {
    try await outlast(.reading, until: deadline, tryAccept())
  }
}

/// Behind a ``UDPSocket``.
package protocol DatagramImplementation: SocketImplementation {
  func connect(to remote: Endpoint) async throws(SocketError.Reason)
  func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions
  ) throws(SocketError.Reason) -> Attempt<Void>
  func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions,
    until deadline: Instant?
  ) async throws(SocketError.Reason)
  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader>
  func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> DatagramHeader
  /// - Returns: how many datagrams were added to the batch, which is empty.
  func tryReceive(into batch: inout DatagramBatch) throws(SocketError.Reason) -> Attempt<Int>
  /// - Returns: how many datagrams of the batch were sent, from `first` on.
  func trySend(
    _ batch: borrowing DatagramBatch, from first: Int
  ) throws(SocketError.Reason) -> Attempt<Int>
  func changeMembership(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?,
    on interface: String?
  ) async throws(SocketError.Reason)
}

/// What a socket wants of a group (RFC 3678 §4).
package enum MembershipChange: Sendable {
  case join, leave
  /// One source of a group that was joined for everybody.
  case block, unblock
}

extension DatagramImplementation {
  package func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions,
    until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await outlast(.writing, until: deadline, trySend(bytes, to: remote, with: options))
  }

  package func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> DatagramHeader {
    try await outlast(.reading, until: deadline, tryReceive(into: &bytes))
  }

  package func tryReceive(
    into batch: inout DatagramBatch
  ) throws(SocketError.Reason) -> Attempt<Int> {
    while batch.count < batch.capacity {
      let room = batch.room
      var storage = batch.storage.mutableSpan
      var bytes = storage._mutatingExtracting(room)
      switch try tryReceive(into: &bytes) {
      case .done(let header): batch.add(header)
      case .wouldBlock: return batch.isEmpty ? .wouldBlock : .done(batch.count)
      case .elsewhere: return .elsewhere
      }
    }
    return .done(batch.count)
  }

  package func trySend(
    _ batch: borrowing DatagramBatch, from first: Int
  ) throws(SocketError.Reason) -> Attempt<Int> {
    var sent = 0
    while first + sent < batch.count {
      let index = first + sent
      switch try trySend(
        batch.bytes(at: index), to: batch[index].remote, with: batch[index].options)
      {
      case .done: sent += 1
      case .wouldBlock: return sent == 0 ? .wouldBlock : .done(sent)
      case .elsewhere: return .elsewhere
      }
    }
    return .done(sent)
  }

  package func changeMembership(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?,
    on interface: String?
  ) async throws(SocketError.Reason) {
    throw .unsupported
  }

  /// Receives to the front of `bytes`.
  func receive(
    into bytes: inout MutableSpan<UInt8>, first count: Int, until deadline: Instant?
  ) async throws(SocketError.Reason) -> DatagramHeader {
    var front = bytes._mutatingExtracting(first: count)
    return try await receive(into: &front, until: deadline)
  }
}

/// Behind a ``RawSocket``. Its endpoints are of IP itself, without ports.
package protocol RawImplementation: DatagramImplementation {
  func bind(to local: Endpoint) async throws(SocketError.Reason)
  func setOptions(_ options: RawOptions) async throws(SocketError.Reason)
}

/// Behind a ``PacketSocket``.
package protocol PacketImplementation: SocketImplementation {
  func trySend(
    _ bytes: Span<UInt8>, to place: PacketSocket.Place
  ) throws(SocketError.Reason) -> Attempt<Void>
  func send(
    _ bytes: Span<UInt8>, to place: PacketSocket.Place, until deadline: Instant?
  ) async throws(SocketError.Reason)
  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<FrameHeader>
  func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> FrameHeader
  /// Since it was last asked.
  func takeCounts() async throws(SocketError.Reason) -> (seen: UInt64, dropped: UInt64)
}

extension PacketImplementation {
  package func send(
    _ bytes: Span<UInt8>, to place: PacketSocket.Place, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await outlast(.writing, until: deadline, trySend(bytes, to: place))
  }

  package func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> FrameHeader {
    try await outlast(.reading, until: deadline, tryReceive(into: &bytes))
  }
}

/// Behind an ``EchoSocket``.
package protocol EchoImplementation: SocketImplementation {
  func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32, sequence: UInt16, hopLimit: UInt8
  ) async throws(SocketError.Reason)
  func tryReceive(
    into payload: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<EchoAnswer>
  func receive(
    into payload: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> EchoAnswer
}

extension EchoImplementation {
  package func receive(
    into payload: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> EchoAnswer {
    try await outlast(.reading, until: deadline, tryReceive(into: &payload))
  }
}
