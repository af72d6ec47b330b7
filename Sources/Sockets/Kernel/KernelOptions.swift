import Host
import SystemPackage

// The options of the kernel's sockets.
extension KernelImplementation {
  package func value(
    of option: SocketOptionName
  ) async throws(SocketError.Reason) -> OptionValue {
    do {
      return try handle.use { socket throws(Errno) in try socket.value(of: option) }
    } catch {
      throw error.forOption
    }
  }

  package func set(
    _ option: SocketOptionName, to value: OptionValue
  ) async throws(SocketError.Reason) {
    if option == .ipv6Only { throw .unsupported }
    if option == .device { try KernelSocket.mustExist(value.text) }
    do {
      try handle.use { socket throws(Errno) in try socket.set(option, to: value) }
    } catch {
      throw error.forOption
    }
  }
}

extension SocketError.Reason {
  /// The kernel's ways to say that a socket has no such option.
  fileprivate var forOption: Self {
    guard case .system(let errno, _) = self else { return self }
    switch Errno(rawValue: errno) {
    case .protocolNotAvailable, .notSupported: return .unsupported
    case .noSuchAddressOrDevice, Errno(rawValue: 19): return .noSuchInterface("")
    default: return self
    }
  }
}

extension KernelSocket {
  /// By the version of IP: an IPv6 socket's own first.
  private var versions: [Bool] { isIPv6 ? [true, false] : [false] }

  fileprivate func value(of option: SocketOptionName) throws(Errno) -> OptionValue {
    switch option {
    case .congestionControl: .text(try congestionControl())
    case .device: .text(try device())
    case .linger: .number(try linger().map { Int($0) * 1_000 } ?? -1)
    case .keepIdle: .number(try get(.keepIdle) * 1_000)
    case .keepInterval: .number(try get(.keepInterval) * 1_000)
    case .deferAccept:
      switch try get(.deferAccept) {
      case 0: .number(-1)
      case let seconds: .number(seconds * 1_000)
      }
    case .userTimeout:
      switch try get(.userTimeout) {
      case 0: .number(-1)
      case let milliseconds: .number(milliseconds)
      }
    default:
      if let plain = option.plain(isIPv6: isIPv6) {
        .number(try get(plain))
      } else {
        throw .protocolNotAvailable
      }
    }
  }

  fileprivate func set(_ option: SocketOptionName, to value: OptionValue) throws(Errno) {
    switch (option, value) {
    case (.congestionControl, .text(let name)): try setCongestionControl(name)
    case (.device, .text(let name)): try setDevice(name)
    case (.linger, .number(let milliseconds)):
      try setLinger(milliseconds < 0 ? nil : Int32(clamping: (milliseconds + 999) / 1_000))
    case (.keepIdle, .number(let milliseconds)):
      try set(.keepIdle, to: (milliseconds + 999) / 1_000)
    case (.keepInterval, .number(let milliseconds)):
      try set(.keepInterval, to: (milliseconds + 999) / 1_000)
    case (.deferAccept, .number(let milliseconds)):
      try set(.deferAccept, to: milliseconds < 0 ? 0 : (milliseconds + 999) / 1_000)
    case (.userTimeout, .number(let milliseconds)):
      try set(.userTimeout, to: max(milliseconds, 0))
    // The kernel doubles what it is told, for its own bookkeeping (socket(7)).
    case (.receiveBuffer, .number(let bytes)): try set(.receiveBuffer, to: bytes / 2)
    case (.sendBuffer, .number(let bytes)): try set(.sendBuffer, to: bytes / 2)
    case (.hopLimit, .number(let limit)), (.multicastHopLimit, .number(let limit)):
      guard (option == .hopLimit ? 1...255 : 0...255).contains(limit) else {
        throw .invalidArgument
      }
      try setOnBoth(option, limit)
    case (.trafficClass, .number(let number)), (.multicastLoop, .number(let number)):
      try setOnBoth(option, number)
    case (_, .number(let number)):
      guard let plain = option.plain(isIPv6: isIPv6) else { throw .protocolNotAvailable }
      try set(plain, to: number)
    case (_, .text): throw .invalidArgument
    }
  }

  /// An IPv6 socket carries IPv4 too, which has options of its own; a raw one does not (raw(7)).
  private func setOnBoth(_ option: SocketOptionName, _ number: Int) throws(Errno) {
    for version in versions {
      guard let plain = option.plain(isIPv6: version) else { continue }
      do throws(Errno) {
        try set(plain, to: number)
      } catch {
        guard error == .protocolNotAvailable, isIPv6, !version else { throw error }
      }
    }
  }
}

extension SocketOptionName {
  /// The kernel's option whose number is the value.
  fileprivate func plain(isIPv6: Bool) -> KernelSocket.Option? {
    switch self {
    case .receiveBuffer: .receiveBuffer
    case .sendBuffer: .sendBuffer
    case .reuseAddress: .reuseAddress
    case .reusePort: .reusePort
    case .broadcast: .broadcast
    case .keepAlive: .keepAlive
    case .keepCount: .keepCount
    case .noDelay: .noDelay
    case .cork: .cork
    case .quickAck: .quickAck
    case .notSentLowWater: .notSentLowWater
    case .maximumSegment: .maximumSegment
    case .fastOpen: .fastOpen
    case .hopLimit: .hopLimit(ipv6: isIPv6)
    case .multicastHopLimit: .multicastHopLimit(ipv6: isIPv6)
    case .multicastLoop: .multicastLoop(ipv6: isIPv6)
    case .trafficClass: .trafficClass(ipv6: isIPv6)
    case .ipv6Only: isIPv6 ? .ipv6Only : nil
    case .mark: .mark
    case .priority: .priority
    case .keepIdle, .keepInterval, .userTimeout, .linger, .deferAccept: nil
    case .congestionControl, .device: nil
    }
  }
}
