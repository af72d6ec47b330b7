import Addresses
import Packets
import ProtocolStack

/// An echo socket of a stack of ours.
final class StackEchoSocket: EchoImplementation, StackImplementation {
  let socket: StackSocket

  init(_ socket: StackSocket) { self.socket = socket }

  func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32, sequence: UInt16, hopLimit: UInt8
  ) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.sendEcho(
      socket.handle, payload, to: remote, zone: zone, sequence: sequence, hopLimit: hopLimit)
  }

  func tryReceive(
    into payload: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<EchoAnswer> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    guard case .done(let reply) = try socket.core.tryReceiveEcho(socket.handle, into: &payload)
    else { return .wouldBlock }
    return .done(EchoAnswer(reply))
  }

  func receive(
    into payload: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> EchoAnswer {
    EchoAnswer(try await socket.core.receiveEcho(socket.handle, into: &payload, until: deadline))
  }
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
