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
    do {
      return try stack.openRaw(
        version, protocol: IPProtocol(rawValue: number), options: chosen, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
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
    do {
      try stack.setOptions(socket, chosen, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func bindRaw(_ socket: SocketHandle, to local: Endpoint) throws(SocketError.Reason) {
    do {
      try stack.bindRaw(socket, to: local.address, zone: local.zone, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func connectRaw(_ socket: SocketHandle, to remote: Endpoint) throws(SocketError.Reason) {
    do {
      try stack.connectRaw(socket, to: remote.socketAddress, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  nonisolated func trySendRaw(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices
  ) throws(SocketError.Reason) -> Attempt<Void> {
    do {
      return try stack.sendRaw(socket, bytes, to: remote, with: choices, at: now)
        ? .done(()) : .wouldBlock
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func sendRaw(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    while true {
      let seen = newsCount(socket, .writing)
      if case .done = try trySendRaw(socket, bytes, to: remote, choices) { return }
      try await waitForWriting(socket, since: seen, until: deadline)
    }
  }

  nonisolated func tryReceiveRaw(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Datagram> {
    do {
      return try stack.receiveRaw(socket, into: &bytes, at: now).map { .done($0) } ?? .wouldBlock
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func receiveRaw(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Datagram {
    while true {
      let seen = newsCount(socket, .reading)
      if case .done(let datagram) = try tryReceiveRaw(socket, into: &bytes) { return datagram }
      try await waitForReading(socket, since: seen, until: deadline)
    }
  }

  // MARK: Packets

  func openPackets(_ choices: PacketOptions) throws(SocketError.Reason) -> SocketHandle {
    obeyCommands()
    var options = PacketSocketOptions()
    options.isCooked = choices.isCooked
    options.etherType = choices.etherType.map { EtherType(rawValue: $0) }
    if let interface = choices.interface { options.interface = try index(of: interface) }
    if let limit = choices.receiveBufferLimit { options.receiveBufferSize = limit }
    do {
      return try stack.openPackets(options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  nonisolated func trySendFrame(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to place: PacketSocket.Place
  ) throws(SocketError.Reason) -> Attempt<Void> {
    let interface =
      place.interfaceIndex == 0
      ? nil : InterfaceIndex(rawValue: UInt8(clamping: place.interfaceIndex))
    do {
      let isSent = try stack.sendFrame(
        socket, bytes, on: interface, to: place.station,
        etherType: place.etherType.map { EtherType(rawValue: $0) }, at: now)
      return isSent ? .done(()) : .wouldBlock
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func sendFrame(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to place: PacketSocket.Place,
    until deadline: Instant?
  ) async throws(SocketError.Reason) {
    while true {
      let seen = newsCount(socket, .writing)
      if case .done = try trySendFrame(socket, bytes, to: place) { return }
      try await waitForWriting(socket, since: seen, until: deadline)
    }
  }

  nonisolated func tryReceiveFrame(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<FrameHeader> {
    do {
      guard let facts = try stack.receiveFrame(socket, into: &bytes, at: now) else {
        return .wouldBlock
      }
      return .done(
        FrameHeader(
          count: facts.count, length: facts.length,
          interfaceIndex: UInt32(facts.interface.rawValue), etherType: facts.etherType.rawValue,
          direction: FrameHeader.Direction(facts.direction), source: facts.source))
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func receiveFrame(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> FrameHeader {
    while true {
      let seen = newsCount(socket, .reading)
      if case .done(let header) = try tryReceiveFrame(socket, into: &bytes) { return header }
      try await waitForReading(socket, since: seen, until: deadline)
    }
  }

  func takeFrameCounts(
    _ socket: SocketHandle
  ) throws(SocketError.Reason) -> (seen: UInt64, dropped: UInt64) {
    do {
      return try stack.takeFrameCounts(socket)
    } catch {
      throw SocketError.Reason(error)
    }
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
