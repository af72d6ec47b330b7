import Addresses
import Packets
import ProtocolStack

// What echo sockets ask of the stack.
extension StackCore {
  func openEcho(_ version: IPVersion) throws(SocketError.Reason) -> SocketHandle {
    obeyCommands()
    return try ask(stack.openEcho(nil, version: version, at: now))
  }

  func sendEcho(
    _ socket: SocketHandle, _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32,
    sequence: UInt16, hopLimit: UInt8
  ) throws(SocketError.Reason) {
    try ask(
      stack.sendEcho(
        socket, to: remote, zone: zone, sequence: sequence, payload: payload, hopLimit: hopLimit,
        at: now))
  }

  nonisolated func tryReceiveEcho(
    _ socket: SocketHandle, into payload: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<EchoReply> {
    Attempt(try ask(stack.receiveEcho(socket, into: &payload, at: now)))
  }

  func receiveEcho(
    _ socket: SocketHandle, into payload: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> EchoReply {
    try await outlast(socket, .reading, until: deadline, tryReceiveEcho(socket, into: &payload))
  }
}
