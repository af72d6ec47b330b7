package import Addresses

// What a world puts behind the public sockets. A public socket holds one of these, passes calls on
// and closes it when it goes; the worlds need no knowledge of one another.
//
// Spans are read or filled before the call returns. `close` and `abort` may be called from any
// thread, any number of times, and do not wait.

/// Behind a ``TCPConnection``.
package protocol StreamImplementation: AnyObject, Sendable {
  /// Reads without waiting, where that is possible from the calling thread. Most reads are such,
  /// and a call that cannot suspend costs a fraction of one that can.
  ///
  /// - Returns: bytes read, zero at the end of the stream; nothing where the caller must wait.
  func readNow(into bytes: inout MutableSpan<UInt8>) throws(SocketError) -> Int?
  /// Writes without waiting, in the same manner.
  ///
  /// - Returns: bytes taken, from the first on; perhaps none.
  func writeNow(_ bytes: Span<UInt8>) throws(SocketError) -> Int
  /// - Returns: bytes read; zero at the end of the stream.
  func read(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration?
  ) async throws(SocketError) -> Int
  /// Writes all of `bytes`.
  func write(_ bytes: Span<UInt8>, timeout: Duration?) async throws(SocketError)
  func shutdownSend() async throws(SocketError)
  func setOptions(_ options: TCPOptions) async throws(SocketError)
  func info() async throws(SocketError) -> TCPConnection.Info
  func close()
  func abort()
}

/// Behind a ``TCPListener``.
package protocol ListenerImplementation: AnyObject, Sendable {
  func accept(timeout: Duration?) async throws(SocketError) -> TCPConnection
  func close()
}

/// Behind a ``UDPSocket``.
package protocol DatagramImplementation: AnyObject, Sendable {
  func connect(to remote: Endpoint) async throws(SocketError)
  func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, timeout: Duration?
  ) async throws(SocketError)
  func receive(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration?
  ) async throws(SocketError) -> DatagramHeader
  func close()
}

/// Behind an ``EchoSocket``.
package protocol EchoImplementation: AnyObject, Sendable {
  func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32, sequence: UInt16, hopLimit: UInt8
  ) async throws(SocketError)
  func receive(
    into payload: inout MutableSpan<UInt8>, timeout: Duration?
  ) async throws(SocketError) -> EchoAnswer
  func close()
}
