import Addresses
import Packets
import ProtocolStack

// What raw and packet sockets ask of the stack, at once or waiting.
extension StackCore {
  func openRaw(
    _ version: IPVersion, _ number: UInt8, _ options: RawOptions
  ) throws(SocketError.Reason) -> SocketHandle {
    obeyCommands()
    var chosen = RawSocketOptions(options)
    chosen.device = try device(options.device)
    return try ask(
      stack.openRaw(
        version, protocol: IPProtocol(rawValue: number), options: chosen, at: now))
  }

  func setOptions(
    _ socket: SocketHandle, _ options: RawOptions
  ) throws(SocketError.Reason) {
    guard let present = stack.rawOptions(socket) else { throw .closed }
    var chosen = RawSocketOptions(options)
    chosen.device = try device(options.device)
    // What the public options do not have stays as it is.
    chosen.multicastHopLimit = present.multicastHopLimit
    chosen.loopsMulticast = present.loopsMulticast
    chosen.mark = present.mark
    if chosen.trafficClass == present.trafficClass { chosen.priority = present.priority }
    try ask(stack.setOptions(socket, chosen, at: now))
  }

  func bindRaw(_ socket: SocketHandle, to local: Endpoint) throws(SocketError.Reason) {
    try ask(stack.bindRaw(socket, to: local.address, zone: local.zone, at: now))
  }

  func connectRaw(_ socket: SocketHandle, to remote: Endpoint) throws(SocketError.Reason) {
    try ask(stack.connectRaw(socket, to: remote.socketAddress, at: now))
  }

  nonisolated func trySendRaw(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices
  ) throws(SocketError.Reason) -> Attempt<Void> {
    let isSent = try ask(stack.sendRaw(socket, bytes, to: remote, with: choices, at: now))
    return isSent ? .done(()) : .wouldBlock
  }

  func sendRaw(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await outlast(
      socket, .writing, until: deadline, trySendRaw(socket, bytes, to: remote, choices))
  }

  nonisolated func tryReceiveRaw(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Datagram> {
    Attempt(try ask(stack.receiveRaw(socket, into: &bytes, at: now)))
  }

  func receiveRaw(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Datagram {
    try await outlast(socket, .reading, until: deadline, tryReceiveRaw(socket, into: &bytes))
  }

  // MARK: Packets

  func openPackets(_ choices: PacketOptions) throws(SocketError.Reason) -> SocketHandle {
    obeyCommands()
    var options = PacketSocketOptions()
    options.isCooked = choices.isCooked
    options.etherType = choices.etherType.map { EtherType(rawValue: $0) }
    if let interface = choices.interface { options.interface = try index(of: interface) }
    if let limit = choices.receiveBufferLimit { options.receiveBufferSize = limit }
    return try ask(stack.openPackets(options, at: now))
  }

  nonisolated func trySendFrame(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to place: PacketSocket.Place
  ) throws(SocketError.Reason) -> Attempt<Void> {
    let interface =
      place.interfaceIndex == 0
      ? nil : InterfaceIndex(rawValue: UInt8(clamping: place.interfaceIndex))
    let type = place.etherType.map { EtherType(rawValue: $0) }
    let isSent = try ask(
      stack.sendFrame(socket, bytes, on: interface, to: place.station, etherType: type, at: now))
    return isSent ? .done(()) : .wouldBlock
  }

  func sendFrame(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to place: PacketSocket.Place,
    until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await outlast(socket, .writing, until: deadline, trySendFrame(socket, bytes, to: place))
  }

  nonisolated func tryReceiveFrame(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<FrameHeader> {
    guard let facts = try ask(stack.receiveFrame(socket, into: &bytes, at: now)) else {
      return .wouldBlock
    }
    return .done(
      FrameHeader(
        count: facts.count, length: facts.length,
        interfaceIndex: UInt32(facts.interface.rawValue), etherType: facts.etherType.rawValue,
        direction: FrameHeader.Direction(facts.direction), source: facts.source))
  }

  func receiveFrame(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> FrameHeader {
    try await outlast(socket, .reading, until: deadline, tryReceiveFrame(socket, into: &bytes))
  }

  func takeFrameCounts(
    _ socket: SocketHandle
  ) throws(SocketError.Reason) -> (seen: UInt64, dropped: UInt64) {
    try ask(stack.takeFrameCounts(socket))
  }
}

extension FrameHeader.Direction {
  init(_ direction: FrameFacts.Direction) {
    self =
      switch direction {
      case .thisHost: .thisNode
      case .broadcast: .broadcast
      case .multicast: .multicast
      case .otherHost: .otherStation
      case .outgoing: .outgoing
      }
  }
}

extension RawSocketOptions {
  /// The public options in the stack's words.
  init(_ options: RawOptions) {
    self.init()
    if let limit = options.receiveBufferLimit { receiveBufferSize = limit }
    includesHeader = options.includesHeader
    allowsBroadcast = options.allowsBroadcast
    hopLimit = options.hopLimit
    trafficClass = options.trafficClass.rawValue
    priority = options.trafficClass.priority
    checksumOffset = options.checksumOffset
    for type in options.blockedMessages { filter[type] = false }
  }
}
