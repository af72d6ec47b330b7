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

  func tryReceive(into batch: inout DatagramBatch) throws(SocketError.Reason) -> Attempt<Int> {
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

  func trySend(
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

  func changeMembership(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?,
    on interface: String?
  ) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.changeMembership(
      socket.handle, change, group, from: source, on: interface)
  }
}

extension DatagramHeader {
  init(_ datagram: Datagram) {
    self.init(
      count: datagram.count, isTruncated: datagram.truncated,
      source: Endpoint(.udp, datagram.source), destination: Endpoint(.udp, datagram.destination),
      interfaceIndex: UInt32(datagram.interface.rawValue), hopLimit: datagram.hopLimit,
      trafficClass: TrafficClass(rawValue: datagram.trafficClass))
  }
}
