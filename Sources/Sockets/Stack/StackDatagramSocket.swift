import Addresses
import Packets
import ProtocolStack

/// A UDP socket of a stack of ours.
final class StackDatagramSocket: DatagramImplementation, StackImplementation {
  let socket: StackSocket

  init(_ socket: StackSocket) { self.socket = socket }

  func connect(to remote: Endpoint) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.connectDatagrams(socket.handle, to: remote.socketAddress)
  }

  func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions
  ) throws(SocketError.Reason) -> Attempt<Void> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    return try socket.core.trySend(
      socket.handle, bytes, to: remote?.socketAddress, DatagramChoices(options))
  }

  func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions,
    until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await socket.core.send(
      socket.handle, bytes, to: remote?.socketAddress, DatagramChoices(options),
      until: deadline)
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    guard case .done(let datagram) = try socket.core.tryReceive(socket.handle, into: &bytes) else {
      return .wouldBlock
    }
    return .done(DatagramHeader(datagram))
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> DatagramHeader {
    DatagramHeader(
      try await socket.core.receive(socket.handle, into: &bytes, until: deadline))
  }
}

extension DatagramHeader {
  init(_ datagram: Datagram, _ transport: TransportProtocol = .udp) {
    self.init(
      count: datagram.count, isTruncated: datagram.truncated,
      source: Endpoint(transport, datagram.source),
      destination: Endpoint(transport, datagram.destination),
      interfaceIndex: UInt32(datagram.interface.rawValue), hopLimit: datagram.hopLimit,
      trafficClass: TrafficClass(rawValue: datagram.trafficClass))
  }
}
