import Packets
import ProtocolStack

// The options of a stack's sockets. What is not here the stack has not.
extension StackCore {
  func value(
    of option: SocketOptionName, _ socket: SocketHandle
  ) throws(SocketError.Reason) -> OptionValue {
    switch socket.kind {
    case .tcpConnection, .tcpListener: try streamValue(of: option, socket)
    case .udp: try datagramValue(of: option, socket)
    case .raw: try rawValue(of: option, socket)
    case .echo, .packet: throw .unsupported
    }
  }

  private func streamValue(
    of option: SocketOptionName, _ socket: SocketHandle
  ) throws(SocketError.Reason) -> OptionValue {
    guard let options = stack.tcpOptions(socket) else { throw .closed }
    let isListener = socket.kind == .tcpListener
    let number: Int
    switch option {
    case .noDelay: number = options.noDelay ? 1 : 0
    case .cork: number = options.isCorked ? 1 : 0
    case .keepAlive: number = options.keepAliveIdle == nil ? 0 : 1
    case .keepIdle: number = (options.keepAliveIdle ?? .seconds(7_200)).wholeMilliseconds
    case .keepInterval: number = options.keepAliveInterval.wholeMilliseconds
    case .keepCount: number = options.keepAliveProbes
    case .userTimeout: number = options.userTimeout?.wholeMilliseconds ?? -1
    case .sendBuffer:
      number = stack.readiness(socket).map { $0.sendLimit } ?? options.sendBufferLimit ?? 0
    case .receiveBuffer:
      guard let limit = options.receiveBufferLimit else { throw .unsupported }
      number = limit
    case .maximumSegment:
      number =
        stack.connectionInfo(socket)?.maximumSegmentSize ?? options.maximumSegmentSize ?? 536
    case .congestionControl:
      return .text(options.congestionControl == .newReno ? "reno" : "cubic")
    case .reuseAddress where isListener: number = 1
    case .reusePort where isListener: number = stack.sharesPort(socket) ? 1 : 0
    case .ipv6Only:
      guard let isDual = stack.isDual(socket) else { throw .unsupported }
      number = isDual ? 0 : 1
    case .linger: number = -1
    case .notSentLowWater: number = options.notSentLowWater ?? 0
    case .quickAck:
      guard let isQuick = stack.acknowledgesQuickly(socket) else { throw .unsupported }
      number = isQuick ? 1 : 0
    case .deferAccept where isListener: number = options.deferAccept?.wholeMilliseconds ?? -1
    case .trafficClass: number = Int(options.trafficClass)
    case .hopLimit: number = Int(options.hopLimit ?? 64)
    default: return try options.keptValue(of: option, stack)
    }
    return .number(number)
  }

  private func datagramValue(
    of option: SocketOptionName, _ socket: SocketHandle
  ) throws(SocketError.Reason) -> OptionValue {
    guard let options = stack.udpOptions(socket) else { throw .closed }
    let number: Int
    switch option {
    case .reuseAddress: number = options.reusesAddress ? 1 : 0
    case .reusePort: number = options.reusesPort ? 1 : 0
    case .ipv6Only:
      guard let isDual = stack.isDual(socket) else { throw .unsupported }
      number = isDual ? 0 : 1
    default: return try options.value(of: option, stack)
    }
    return .number(number)
  }

  private func rawValue(
    of option: SocketOptionName, _ socket: SocketHandle
  ) throws(SocketError.Reason) -> OptionValue {
    guard let options = stack.rawOptions(socket) else { throw .closed }
    return try options.value(of: option, stack)
  }

  func set(
    _ option: SocketOptionName, to value: OptionValue, _ socket: SocketHandle
  ) throws(SocketError.Reason) {
    switch socket.kind {
    case .tcpConnection, .tcpListener: try setStream(option, value, socket)
    case .udp:
      let options = try changed(stack.udpOptions(socket), option, to: value)
      try ask(stack.setOptions(socket, options, at: now))
    case .raw:
      let options = try changed(stack.rawOptions(socket), option, to: value)
      try ask(stack.setOptions(socket, options, at: now))
    case .echo, .packet: throw .unsupported
    }
  }

  /// The limits are those of tcp(7).
  private func setStream(
    _ option: SocketOptionName, _ value: OptionValue, _ socket: SocketHandle
  ) throws(SocketError.Reason) {
    guard var options = stack.tcpOptions(socket) else { throw .closed }
    let number = value.number ?? 0
    switch option {
    case .noDelay: options.noDelay = number != 0
    case .cork: options.isCorked = number != 0
    case .keepAlive:
      options.keepAliveIdle = number == 0 ? nil : options.keepAliveIdle ?? .seconds(7_200)
    case .keepIdle:
      guard options.keepAliveIdle != nil else { throw .unsupported }
      guard (1...32_767_000).contains(number) else { throw .invalidOperation }
      options.keepAliveIdle = .milliseconds(Int64(number))
    case .keepInterval:
      guard (1...32_767_000).contains(number) else { throw .invalidOperation }
      options.keepAliveInterval = .milliseconds(Int64(number))
    case .keepCount:
      guard (1...127).contains(number) else { throw .invalidOperation }
      options.keepAliveProbes = number
    case .userTimeout: options.userTimeout = number < 0 ? nil : .milliseconds(Int64(number))
    case .sendBuffer: options.sendBufferLimit = number
    case .receiveBuffer: options.receiveBufferLimit = number
    case .maximumSegment:
      guard (88...32_767).contains(number) else { throw .invalidOperation }
      options.maximumSegmentSize = number
    case .notSentLowWater: options.notSentLowWater = number > 0 ? number : nil
    case .deferAccept where socket.kind == .tcpListener:
      options.deferAccept = number > 0 ? .milliseconds(Int64(number)) : nil
    case .trafficClass:
      // RFC 3168 §5: the two bits of congestion are TCP's own.
      options.serve(UInt8(truncatingIfNeeded: number) & 0xFC)
    case .hopLimit:
      guard (1...255).contains(number) else { throw .invalidOperation }
      options.hopLimit = UInt8(clamping: number)
    case .quickAck where socket.kind == .tcpConnection:
      return try ask(stack.setQuickAcknowledgment(socket, number != 0, at: now))
    case .device: options.device = try device(value.text)
    default: try options.keep(option, number)
    }
    try ask(stack.setOptions(socket, options, at: now))
  }

  /// A socket's options with one of them changed.
  ///
  /// - Parameter present: nil where the socket is gone.
  private func changed<Choices: PacketChoices>(
    _ present: Choices?, _ option: SocketOptionName, to value: OptionValue
  ) throws(SocketError.Reason) -> Choices {
    guard var options = present else { throw .closed }
    if option == .device {
      options.device = try device(value.text)
    } else {
      try options.set(option, to: value.number ?? 0)
    }
    return options
  }
}

extension SocketChoices {
  fileprivate func keptValue(
    of option: SocketOptionName, _ stack: borrowing ProtocolStack
  ) throws(SocketError.Reason) -> OptionValue {
    switch option {
    case .device: .text(device.map { stack.name(of: $0) } ?? "")
    // As getsockopt tells what it has as an unsigned number.
    case .priority: .number(Int(Int32(bitPattern: priority)))
    case .mark: .number(Int(Int32(bitPattern: mark)))
    default: throw .unsupported
    }
  }

  /// Keeps a number that nothing looks at.
  fileprivate mutating func keep(
    _ option: SocketOptionName, _ number: Int
  ) throws(SocketError.Reason) {
    switch option {
    case .priority: priority = UInt32(truncatingIfNeeded: number)
    case .mark: mark = UInt32(truncatingIfNeeded: number)
    default: throw .unsupported
    }
  }

  /// As on Linux, a new type of service brings its priority.
  fileprivate mutating func serve(_ octet: UInt8) {
    if octet != trafficClass { priority = TrafficClass(rawValue: octet).priority }
    trafficClass = octet
  }
}

extension PacketChoices {
  fileprivate func value(
    of option: SocketOptionName, _ stack: borrowing ProtocolStack
  ) throws(SocketError.Reason) -> OptionValue {
    switch option {
    case .receiveBuffer: .number(receiveBufferSize)
    case .broadcast: .number(allowsBroadcast ? 1 : 0)
    case .hopLimit: .number(Int(hopLimit ?? 64))
    case .multicastHopLimit: .number(Int(multicastHopLimit))
    case .multicastLoop: .number(loopsMulticast ? 1 : 0)
    case .trafficClass: .number(Int(trafficClass))
    default: try keptValue(of: option, stack)
    }
  }

  fileprivate mutating func set(
    _ option: SocketOptionName, to number: Int
  ) throws(SocketError.Reason) {
    switch option {
    case .receiveBuffer: receiveBufferSize = number
    case .broadcast: allowsBroadcast = number != 0
    case .hopLimit:
      guard (1...255).contains(number) else { throw .invalidOperation }
      hopLimit = UInt8(clamping: number)
    case .multicastHopLimit:
      guard (0...255).contains(number) else { throw .invalidOperation }
      multicastHopLimit = UInt8(clamping: number)
    case .multicastLoop: loopsMulticast = number != 0
    case .trafficClass: serve(UInt8(truncatingIfNeeded: number))
    default: try keep(option, number)
    }
  }
}

extension Interval {
  fileprivate var wholeMilliseconds: Int { Int(clamping: nanoseconds / 1_000_000) }
}
