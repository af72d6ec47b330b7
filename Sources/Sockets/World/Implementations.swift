package import Addresses
package import Packets

// What a world puts behind the public sockets. A public socket holds one of these, passes calls on
// and closes it when it goes; the worlds need no knowledge of one another.
//
// Most calls come twice: `try…` answers without waiting, which is what a call mostly comes to, and
// a call that cannot suspend costs a fraction of one that can. Where that answers `elsewhere`, the
// waiting twin asks the thread the socket lives on.
//
// Spans are read or filled before the call returns.

/// Behind a ``TCPConnection``.
package protocol StreamImplementation: SocketImplementation {
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
  func abort()
}

/// Behind a ``TCPListener``.
package protocol ListenerImplementation: SocketImplementation {
  func tryAccept() throws(SocketError.Reason) -> Attempt<TCPConnection>
  func accept(until deadline: Instant?) async throws(SocketError.Reason) -> TCPConnection
}

/// Behind a ``UDPSocket``.
package protocol DatagramImplementation: SocketImplementation {
  func connect(to remote: Endpoint) async throws(SocketError.Reason)
  func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint?
  ) throws(SocketError.Reason) -> Attempt<Void>
  func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, until deadline: Instant?
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
    joins: Bool, _ group: IPAddress, from source: IPAddress?, on interface: String?
  ) async throws(SocketError.Reason)
}

extension DatagramImplementation {
  /// Receives to the front of `bytes`.
  func receive(
    into bytes: inout MutableSpan<UInt8>, first count: Int, until deadline: Instant?
  ) async throws(SocketError.Reason) -> DatagramHeader {
    var front = bytes._mutatingExtracting(first: count)
    return try await receive(into: &front, until: deadline)
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
