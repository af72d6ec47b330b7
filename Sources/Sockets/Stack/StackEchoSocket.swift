import Addresses
import ProtocolStack

/// An echo socket of a stack of ours.
final class StackEchoSocket: EchoImplementation {
  private let socket: StackSocket

  init(_ socket: StackSocket) { self.socket = socket }

  func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32, sequence: UInt16, hopLimit: UInt8
  ) async throws(SocketError) {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      try await socket.core.sendEcho(
        socket.handle, payload, to: remote, zone: zone, sequence: sequence, hopLimit: hopLimit)
    } catch {
      throw SocketError(.send, remote: .ip(remote, zone: zone), reason: error)
    }
  }

  func receive(
    into payload: inout MutableSpan<UInt8>, timeout: Duration?
  ) async throws(SocketError) -> EchoAnswer {
    do throws(SocketError.Reason) {
      try socket.mustBeOpen()
      return EchoAnswer(
        try await socket.core.receiveEcho(socket.handle, into: &payload, timeout: timeout))
    } catch {
      throw SocketError(.receive, reason: error)
    }
  }

  func close() { socket.close() }
}

extension EchoAnswer {
  init(_ reply: EchoReply) {
    self.init(
      kind: Kind(reply.kind), source: reply.source, sequence: reply.sequence,
      hopLimit: reply.hopLimit, count: reply.count, length: reply.length)
  }
}

extension EchoAnswer.Kind {
  init(_ kind: EchoReply.Kind) {
    self =
      switch kind {
      case .reply: .reply
      case .unreachable(let code): .unreachable(code: code)
      case .timeExceeded: .timeExceeded
      case .packetTooBig(let mtu): .packetTooBig(mtu: mtu)
      }
  }
}
