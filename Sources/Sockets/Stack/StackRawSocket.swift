import Addresses
import Packets
import ProtocolStack

/// A raw socket of a stack of ours.
final class StackRawSocket: RawImplementation, StackImplementation {
  let socket: StackSocket

  init(_ socket: StackSocket) { self.socket = socket }

  func bind(to local: Endpoint) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.bindRaw(socket.handle, to: local)
  }

  func connect(to remote: Endpoint) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.connectRaw(socket.handle, to: remote)
  }

  func setOptions(_ options: RawOptions) async throws(SocketError.Reason) {
    try socket.mustBeOpen()
    try await socket.core.setOptions(socket.handle, options)
  }

  func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions
  ) throws(SocketError.Reason) -> Attempt<Void> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    return try socket.core.trySendRaw(
      socket.handle, bytes, to: remote?.socketAddress, DatagramChoices(options))
  }

  func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions,
    until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await socket.core.sendRaw(
      socket.handle, bytes, to: remote?.socketAddress, DatagramChoices(options), until: deadline)
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    guard case .done(let packet) = try socket.core.tryReceiveRaw(socket.handle, into: &bytes) else {
      return .wouldBlock
    }
    return .done(DatagramHeader(packet, .ip))
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> DatagramHeader {
    DatagramHeader(
      try await socket.core.receiveRaw(socket.handle, into: &bytes, until: deadline), .ip)
  }
}

/// A packet socket of a stack of ours.
final class StackPacketSocket: PacketImplementation, StackImplementation {
  let socket: StackSocket

  init(_ socket: StackSocket) { self.socket = socket }

  func trySend(
    _ bytes: Span<UInt8>, to place: PacketSocket.Place
  ) throws(SocketError.Reason) -> Attempt<Void> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    return try socket.core.trySendFrame(socket.handle, bytes, to: place)
  }

  func send(
    _ bytes: Span<UInt8>, to place: PacketSocket.Place, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await socket.core.sendFrame(socket.handle, bytes, to: place, until: deadline)
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<FrameHeader> {
    try socket.mustBeOpen()
    guard socket.core.isCurrent else { return .elsewhere }
    return try socket.core.tryReceiveFrame(socket.handle, into: &bytes)
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> FrameHeader {
    try await socket.core.receiveFrame(socket.handle, into: &bytes, until: deadline)
  }

  func takeCounts() async throws(SocketError.Reason) -> (seen: UInt64, dropped: UInt64) {
    try socket.mustBeOpen()
    return try await socket.core.takeFrameCounts(socket.handle)
  }
}

extension StackNode {
  public func openRaw(
    _ version: RawSocket.Version, protocol: UInt8, options: RawOptions
  ) async throws(SocketError) -> RawSocket {
    do {
      let handle = try await core.openRaw(version == .v4 ? .v4 : .v6, `protocol`, options)
      return RawSocket(
        version: version, protocol: `protocol`,
        implementation: StackRawSocket(StackSocket(handle, lease)))
    } catch {
      throw SocketError(.open, reason: error)
    }
  }

  public func openPackets(_ options: PacketOptions) async throws(SocketError) -> PacketSocket {
    do {
      let handle = try await core.openPackets(options)
      return PacketSocket(implementation: StackPacketSocket(StackSocket(handle, lease)))
    } catch {
      throw SocketError(.open, reason: error)
    }
  }
}
