import Addresses
import Packets
import ProtocolStack

/// A TCP connection of a stack of ours.
final class StackConnection: StreamImplementation, StackImplementation {
  let socket: StackSocket

  init(_ socket: StackSocket) { self.socket = socket }

  /// A public connection around a handle that the stack has just given out.
  static func make(
    _ handle: SocketHandle, _ lease: StackLease, began: Instant? = nil
  ) async throws(SocketError.Reason) -> TCPConnection {
    let core = lease.core
    return try make(
      handle, lease,
      core.isCurrent ? core.knownAddresses(handle) : await core.addresses(handle), began: began)
  }

  /// The same around a handle whose addresses are known.
  static func make(
    _ handle: SocketHandle, _ lease: StackLease,
    _ addresses: (local: SocketAddress?, remote: SocketAddress?), began: Instant? = nil
  ) throws(SocketError.Reason) -> TCPConnection {
    let socket = StackSocket(handle, lease)
    guard let local = addresses.local, let remote = addresses.remote else {
      socket.close()
      throw .connectionReset
    }
    return TCPConnection(
      local: Endpoint(.tcp, local), remote: Endpoint(.tcp, remote),
      implementation: StackConnection(socket), began: began)
  }

  func tryReadiness() throws(SocketError.Reason) -> Attempt<Void> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    return socket.core.isReadable(socket.handle) ? .done(()) : .wouldBlock
  }

  func waitUntilReadable(until deadline: Instant?) async throws(SocketError.Reason) {
    try await socket.core.waitUntilReadable(socket.handle, until: deadline)
  }

  func tryRead(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Int> {
    try socket.mustBeOpen()
    if bytes.isEmpty { return .done(0) }
    guard socket.core.isCurrent else { return .elsewhere }
    return try socket.core.tryRead(socket.handle, into: &bytes)
  }

  func tryWrite(_ bytes: Span<UInt8>) throws(SocketError.Reason) -> Attempt<Int> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    return .done(try socket.core.tryWrite(socket.handle, bytes))
  }

  func read(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Int {
    try await socket.core.read(socket.handle, into: &bytes, until: deadline)
  }

  func write(_ bytes: Span<UInt8>, until deadline: Instant?) async throws(SocketError.Reason) {
    try await socket.core.write(socket.handle, bytes, until: deadline)
  }

  func shutdownSend() async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    if socket.core.isCurrent {
      try socket.core.tryShutdownSend(socket.handle)
    } else {
      try await socket.core.shutdownSend(socket.handle)
    }
  }

  func setOptions(_ options: TCPOptions) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.setOptions(socket.handle, options)
  }

  func info() async throws(SocketError.Reason) -> TCPConnection.Info {
    try socket.mustBeOpen()
    return TCPConnection.Info(try await socket.core.info(socket.handle))
  }

  func endWaits() { socket.core.post(.endWaits(socket.handle)) }

  func abort() { socket.abort() }
}
