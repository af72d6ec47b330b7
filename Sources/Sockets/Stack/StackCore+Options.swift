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
    default: throw .unsupported
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
    case .multicastHopLimit: number = Int(options.multicastHopLimit)
    case .multicastLoop: number = options.loopsMulticast ? 1 : 0
    case .ipv6Only:
      guard let isDual = stack.isDual(socket) else { throw .unsupported }
      number = isDual ? 0 : 1
    default: number = try options.number(of: option)
    }
    return .number(number)
  }

  private func rawValue(
    of option: SocketOptionName, _ socket: SocketHandle
  ) throws(SocketError.Reason) -> OptionValue {
    guard let options = stack.rawOptions(socket) else { throw .closed }
    return .number(try options.number(of: option))
  }

  func set(
    _ option: SocketOptionName, to value: OptionValue, _ socket: SocketHandle
  ) throws(SocketError.Reason) {
    switch socket.kind {
    case .tcpConnection, .tcpListener: try setStream(option, value, socket)
    case .udp: try setDatagram(option, value, socket)
    case .raw: try setRaw(option, value, socket)
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
      options.trafficClass = UInt8(truncatingIfNeeded: number) & 0xFC
    case .hopLimit:
      guard (1...255).contains(number) else { throw .invalidOperation }
      options.hopLimit = UInt8(clamping: number)
    case .quickAck where socket.kind == .tcpConnection:
      return try setQuickAcknowledgment(number != 0, socket)
    default: throw .unsupported
    }
    do {
      try stack.setOptions(socket, options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  private func setQuickAcknowledgment(
    _ isOn: Bool, _ socket: SocketHandle
  ) throws(SocketError.Reason) {
    do {
      try stack.setQuickAcknowledgment(socket, isOn, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  private func setDatagram(
    _ option: SocketOptionName, _ value: OptionValue, _ socket: SocketHandle
  ) throws(SocketError.Reason) {
    guard var options = stack.udpOptions(socket) else { throw .closed }
    let number = value.number ?? 0
    switch option {
    case .multicastHopLimit:
      guard (0...255).contains(number) else { throw .invalidOperation }
      options.multicastHopLimit = UInt8(clamping: number)
    case .multicastLoop: options.loopsMulticast = number != 0
    default: try options.set(option, to: number)
    }
    do {
      try stack.setOptions(socket, options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  private func setRaw(
    _ option: SocketOptionName, _ value: OptionValue, _ socket: SocketHandle
  ) throws(SocketError.Reason) {
    guard var options = stack.rawOptions(socket) else { throw .closed }
    try options.set(option, to: value.number ?? 0)
    do {
      try stack.setOptions(socket, options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }
}

/// What UDP and raw sockets both can choose.
private protocol PacketChoices {
  var receiveBufferSize: Int { get set }
  var allowsBroadcast: Bool { get set }
  var hopLimit: UInt8? { get set }
  var trafficClass: UInt8 { get set }
}

extension UDPSocketOptions: PacketChoices {}
extension RawSocketOptions: PacketChoices {}

extension PacketChoices {
  fileprivate func number(of option: SocketOptionName) throws(SocketError.Reason) -> Int {
    switch option {
    case .receiveBuffer: receiveBufferSize
    case .broadcast: allowsBroadcast ? 1 : 0
    case .hopLimit: Int(hopLimit ?? 64)
    case .trafficClass: Int(trafficClass)
    default: throw .unsupported
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
    case .trafficClass: trafficClass = UInt8(truncatingIfNeeded: number)
    default: throw .unsupported
    }
  }
}

extension Interval {
  fileprivate var wholeMilliseconds: Int { Int(clamping: nanoseconds / 1_000_000) }
}
