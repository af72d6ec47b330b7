import Addresses
import Packets
import ProtocolStack

// What echo sockets ask of the stack.
extension StackCore {
  func openEcho(_ version: IPVersion) throws(SocketError.Reason) -> SocketHandle {
    obeyCommands()
    do {
      return try stack.openEcho(nil, version: version, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func sendEcho(
    _ socket: SocketHandle, _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32,
    sequence: UInt16, hopLimit: UInt8
  ) throws(SocketError.Reason) {
    do {
      try stack.sendEcho(
        socket, to: remote, zone: zone, sequence: sequence, payload: payload, hopLimit: hopLimit,
        at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  nonisolated func tryReceiveEcho(
    _ socket: SocketHandle, into payload: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> EchoReply? {
    do {
      return try stack.receiveEcho(socket, into: &payload, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func receiveEcho(
    _ socket: SocketHandle, into payload: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> EchoReply {
    while true {
      let seen = newsCount(socket, .reading)
      if let reply = try tryReceiveEcho(socket, into: &payload) { return reply }
      try await waitForReading(socket, since: seen, until: deadline)
    }
  }
}
