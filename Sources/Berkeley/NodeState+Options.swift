import Addresses
import CBerkeley
import Packets
import ProtocolStack
import SystemPackage

/// Socket options with Linux's ranges, clamps and doublings (socket(7), tcp(7), ip(7), ipv6(7)).
extension NodeState {
  /// Linux's `net.core.rmem_max` and `wmem_max`, and the least a buffer can be.
  private static var largestBuffer: Int64 { 212_992 }
  private static var leastReceiveBuffer: Int64 { 2_304 }
  private static var leastSendBuffer: Int64 { 4_608 }
  /// Half of the largest receive buffer.
  private static var mostLowWater: Int64 { 3 << 20 }

  mutating func setOption(_ index: Int, _ option: CInt, _ value: Int64) throws(Errno) {
    if option == CInt(BERKELEY_DEVICE) { return try bind(index, toDevice: value) }
    if option == CInt(BERKELEY_DEVICE_NUMBER) { return try bind(index, toNumber: value) }
    try set(index, Int(option), value)
    apply(index)
    // As on Linux, TCP_NODELAY sends what waits, each time it is set and whatever holds it back.
    guard let handle = records[index].handle else { return }
    switch Int(option) {
    case BERKELEY_NO_DELAY where value != 0: stack.flush(handle, at: now)
    case BERKELEY_QUICK_ACKNOWLEDGMENT:
      try? stack.setQuickAcknowledgment(handle, value != 0, at: now)
    default: break
    }
  }

  /// `SO_BINDTODEVICE`.
  ///
  /// - Parameter number: the interface's; below zero for none.
  private mutating func bind(_ index: Int, toDevice number: Int64) throws(Errno) {
    let device = number < 0 ? nil : InterfaceIndex(rawValue: UInt8(clamping: number))
    guard let handle = records[index].handle else {
      records[index].options.device = device
      return
    }
    var options = records[index].options
    options.device = device
    // What has no way there stays as it is.
    try refusing { () throws(StackError) in try give(handle, options) }
    records[index].options.device = device
  }

  /// `SO_BINDTOIFINDEX`: the loopback interface is no choice here, for its number is zero.
  private mutating func bind(_ index: Int, toNumber number: Int64) throws(Errno) {
    guard number >= 0 else { throw .invalidArgument }
    if number > 0 { _ = try deviceName(Int(number)) }
    try bind(index, toDevice: number == 0 ? -1 : number)
  }

  /// The name of an interface.
  func deviceName(_ number: Int) throws(Errno) -> String {
    let name = stack.name(of: InterfaceIndex(rawValue: UInt8(clamping: number)))
    guard (0..<256).contains(number), !name.isEmpty else { throw .operationNotSupportedByDevice }
    return name
  }

  /// Tells the stack of the options.
  mutating func apply(_ index: Int) {
    guard let handle = records[index].handle else { return }
    try? give(handle, records[index].options)
  }

  private mutating func give(
    _ handle: SocketHandle, _ options: SocketOptions
  ) throws(StackError) {
    switch handle.kind {
    case .tcpConnection, .tcpListener: try stack.setOptions(handle, options.stream, at: now)
    case .raw: try stack.setOptions(handle, options.raw, at: now)
    case .udp, .echo, .packet: try stack.setOptions(handle, options.datagrams, at: now)
    }
  }

  private mutating func set(_ index: Int, _ option: Int, _ value: Int64) throws(Errno) {
    let isOn = value != 0
    switch option {
    case BERKELEY_REUSE_ADDRESS: records[index].options.reusesAddress = isOn
    case BERKELEY_REUSE_PORT: records[index].options.reusesPort = isOn
    case BERKELEY_KEEP_ALIVE: records[index].options.keepsAlive = isOn
    case BERKELEY_BROADCAST: records[index].options.allowsBroadcast = isOn
    case BERKELEY_SEND_BUFFER:
      records[index].options.sendBuffer = max(
        2 * min(clamped(value), Self.largestBuffer), Self.leastSendBuffer)
    case BERKELEY_SEND_BUFFER_FORCE:
      records[index].options.sendBuffer = max(2 * clamped(value), Self.leastSendBuffer)
    case BERKELEY_RECEIVE_BUFFER:
      records[index].options.receiveBuffer = max(
        2 * min(clamped(value), Self.largestBuffer), Self.leastReceiveBuffer)
    case BERKELEY_RECEIVE_BUFFER_FORCE:
      records[index].options.receiveBuffer = max(2 * clamped(value), Self.leastReceiveBuffer)
    case BERKELEY_LINGER: records[index].options.linger = value < 0 ? nil : value
    case BERKELEY_RECEIVE_TIMEOUT: records[index].options.receiveTimeout = value
    case BERKELEY_SEND_TIMEOUT: records[index].options.sendTimeout = value
    case BERKELEY_RECEIVE_LOW_WATER:
      records[index].options.receiveLowWater =
        value < 0 ? Self.mostLowWater : min(max(value, 1), Self.mostLowWater)
    case BERKELEY_OUT_OF_BAND_INLINE, BERKELEY_DO_NOT_ROUTE, BERKELEY_RECEIVE_ERRORS:
      records[index].options.kept[CInt(option)] = isOn ? 1 : 0
    case BERKELEY_PRIORITY, BERKELEY_MARK: records[index].options.kept[CInt(option)] = value
    case BERKELEY_NOT_SENT_LOW_WATER: records[index].options.notSentLowWater = value
    default: try setProtocolOption(index, option, value)
    }
  }

  private mutating func setProtocolOption(
    _ index: Int, _ option: Int, _ value: Int64
  ) throws(Errno) {
    switch option {
    case BERKELEY_NO_DELAY: records[index].options.noDelay = value != 0
    case BERKELEY_CORK: records[index].options.isCorked = value != 0
    case BERKELEY_MAXIMUM_SEGMENT:
      guard value == 0 || (88...32_767).contains(value) else { throw .invalidArgument }
      records[index].options.maximumSegment = value
    case BERKELEY_KEEP_IDLE:
      records[index].options.keepIdle = try checked(value, in: 1...32_767)
    case BERKELEY_KEEP_INTERVAL:
      records[index].options.keepInterval = try checked(value, in: 1...32_767)
    case BERKELEY_KEEP_COUNT: records[index].options.keepCount = try checked(value, in: 1...127)
    case BERKELEY_SYN_COUNT:
      records[index].options.kept[CInt(option)] = try checked(value, in: 1...127)
    case BERKELEY_LINGER_2:
      records[index].options.kept[CInt(option)] = value < 0 ? -1 : min(value, 120)
    case BERKELEY_DEFER_ACCEPT, BERKELEY_QUICK_ACKNOWLEDGMENT:
      records[index].options.kept[CInt(option)] = max(value, 0)
      if option == BERKELEY_QUICK_ACKNOWLEDGMENT, let handle = records[index].handle {
        try? stack.setQuickAcknowledgment(handle, value != 0, at: now)
      }
    case BERKELEY_WINDOW_CLAMP:
      guard value != 0 || records[index].phase == .idle else { throw .invalidArgument }
      records[index].options.kept[CInt(option)] =
        value == 0 ? 0 : max(value, Self.leastReceiveBuffer / 2)
    case BERKELEY_USER_TIMEOUT:
      records[index].options.userTimeout = try checked(value, in: 0...Int64(Int32.max))
    case BERKELEY_INQUIRE:
      records[index].options.inquires = try checked(value, in: 0...1) != 0
    case BERKELEY_CONGESTION: records[index].options.congestion = value
    case BERKELEY_TRAFFIC_CLASS:
      let isIPv4 = records[index].family == 4
      let wanted = isIPv4 ? value : max(try checked(value, in: -1...255), 0)
      // The bits of explicit congestion notification are TCP's own.
      records[index].options.trafficClass = wanted & (records[index].isStream ? 0xFC : 0xFF)
      if isIPv4 {
        records[index].options.kept[CInt(BERKELEY_PRIORITY)] = priority(ofService: wanted)
      }
    case BERKELEY_HOPS:
      let least: Int64 = records[index].family == 4 ? 1 : 0
      guard value == -1 || (least...255).contains(value) else { throw .invalidArgument }
      records[index].options.hops = value == -1 ? nil : value
    case BERKELEY_MULTICAST_HOPS:
      guard !records[index].isStream || records[index].family == 6 else { throw .invalidArgument }
      records[index].options.multicastHops = value == -1 ? 1 : try checked(value, in: 0...255)
    case BERKELEY_MULTICAST_LOOP: records[index].options.loopsMulticast = value != 0
    case BERKELEY_MULTICAST_INTERFACE:
      guard !records[index].isStream else { throw .protocolNotAvailable }
      records[index].options.multicastInterface = try checked(value, in: 0...255)
    case BERKELEY_PATH_DISCOVERY:
      records[index].options.kept[CInt(option)] = try checked(value, in: 0...5)
    case BERKELEY_HEADER_INCLUDED, BERKELEY_CHECKSUM: try setRawOption(index, option, value)
    case BERKELEY_RECEIVE_PACKET_INFO: records[index].options.tellsPacketInfo = value != 0
    case BERKELEY_RECEIVE_TRAFFIC_CLASS: records[index].options.tellsTrafficClass = value != 0
    case BERKELEY_IPV6_ONLY:
      guard !holdsPort(index) else { throw .invalidArgument }
      records[index].options.isIPv6Only = value != 0
    default: throw .protocolNotAvailable
    }
  }

  /// The priority that goes with a type of service (RFC 1349's, as Linux reads it).
  private func priority(ofService service: Int64) -> Int64 {
    switch (service & 0x1E) >> 1 {
    case 4..<8: 2
    case 8..<12: 6
    case 12..<16: 4
    default: 0
    }
  }

  private func checked(_ value: Int64, in range: ClosedRange<Int64>) throws(Errno) -> Int64 {
    guard range.contains(value) else { throw .invalidArgument }
    return value
  }

  /// As Linux reads a size: half the range at most, for it is doubled.
  private func clamped(_ value: Int64) -> Int64 {
    let unsigned = Int64(UInt32(truncatingIfNeeded: value))
    return min(unsigned, Int64(Int32.max) / 2)
  }

  // MARK: Reading

  mutating func option(_ index: Int, _ option: CInt) throws(Errno) -> Int64 {
    let record = records[index]
    let options = record.options
    switch Int(option) {
    case BERKELEY_REUSE_ADDRESS: return options.reusesAddress ? 1 : 0
    case BERKELEY_REUSE_PORT: return options.reusesPort ? 1 : 0
    case BERKELEY_KEEP_ALIVE: return options.keepsAlive ? 1 : 0
    case BERKELEY_BROADCAST: return options.allowsBroadcast ? 1 : 0
    case BERKELEY_SEND_BUFFER, BERKELEY_SEND_BUFFER_FORCE:
      return options.sendBuffer ?? (record.isStream ? 16_384 : Self.largestBuffer)
    case BERKELEY_RECEIVE_BUFFER, BERKELEY_RECEIVE_BUFFER_FORCE:
      return options.receiveBuffer ?? (record.isStream ? 131_072 : Self.largestBuffer)
    case BERKELEY_ERROR:
      if let error = records[index].takeError() { return Int64(error.rawValue) }
      guard let handle = record.handle, let failure = stack.takeFailure(handle) else { return 0 }
      return Int64(Errno(failure).rawValue)
    case BERKELEY_TYPE: return record.isStream ? 1 : record.rawProtocol == nil ? 2 : 3
    case BERKELEY_DOMAIN: return record.family == 4 ? 2 : 10
    case BERKELEY_PROTOCOL: return Int64(record.rawProtocol ?? (record.isStream ? 6 : 17))
    case BERKELEY_ACCEPTS_CONNECTIONS: return record.phase == .listening ? 1 : 0
    case BERKELEY_LINGER: return options.linger ?? -1
    case BERKELEY_RECEIVE_TIMEOUT: return options.receiveTimeout
    case BERKELEY_SEND_TIMEOUT: return options.sendTimeout
    case BERKELEY_RECEIVE_LOW_WATER: return options.receiveLowWater
    case BERKELEY_SEND_LOW_WATER: return 1
    case BERKELEY_SYN_COUNT: return options.kept[option] ?? 6
    case BERKELEY_LINGER_2: return options.kept[option] ?? 60
    case BERKELEY_QUICK_ACKNOWLEDGMENT, BERKELEY_PATH_DISCOVERY: return options.kept[option] ?? 1
    case BERKELEY_OUT_OF_BAND_INLINE, BERKELEY_DO_NOT_ROUTE, BERKELEY_RECEIVE_ERRORS,
      BERKELEY_PRIORITY, BERKELEY_MARK, BERKELEY_DEFER_ACCEPT, BERKELEY_WINDOW_CLAMP:
      return options.kept[option] ?? 0
    default: return try protocolOption(record, Int(option))
    }
  }

  private func protocolOption(_ record: SocketRecord, _ option: Int) throws(Errno) -> Int64 {
    let options = record.options
    switch option {
    case BERKELEY_NO_DELAY: return options.noDelay ? 1 : 0
    case BERKELEY_CORK: return options.isCorked ? 1 : 0
    case BERKELEY_MAXIMUM_SEGMENT:
      if let info = record.handle.flatMap({ stack.connectionInfo($0) }) {
        return Int64(info.payloadPerSegment)
      }
      return options.maximumSegment > 0 ? options.maximumSegment : 536
    case BERKELEY_KEEP_IDLE: return options.keepIdle
    case BERKELEY_KEEP_INTERVAL: return options.keepInterval
    case BERKELEY_KEEP_COUNT: return options.keepCount
    case BERKELEY_USER_TIMEOUT: return options.userTimeout
    case BERKELEY_INQUIRE: return options.inquires ? 1 : 0
    case BERKELEY_NOT_SENT_LOW_WATER: return options.notSentLowWater
    case BERKELEY_CONGESTION: return options.congestion
    case BERKELEY_TRAFFIC_CLASS: return options.trafficClass
    case BERKELEY_HOPS: return options.hops ?? 64
    case BERKELEY_MULTICAST_HOPS: return options.multicastHops
    case BERKELEY_MULTICAST_LOOP: return options.loopsMulticast ? 1 : 0
    case BERKELEY_MULTICAST_INTERFACE: return options.multicastInterface
    case BERKELEY_MULTICAST_ADDRESS:
      guard case .v4(let address)? = options.multicastAddress else { return 0 }
      return Int64(address.rawValue)
    case BERKELEY_RECEIVE_PACKET_INFO: return options.tellsPacketInfo ? 1 : 0
    case BERKELEY_RECEIVE_TRAFFIC_CLASS: return options.tellsTrafficClass ? 1 : 0
    case BERKELEY_IPV6_ONLY: return options.isIPv6Only ? 1 : 0
    case BERKELEY_DEVICE: return options.device.map { Int64($0.rawValue) } ?? -1
    case BERKELEY_HEADER_INCLUDED, BERKELEY_CHECKSUM: return rawOption(record, option)
    case BERKELEY_DEVICE_NUMBER: return options.device.map { Int64($0.rawValue) } ?? 0
    case BERKELEY_PATH_MTU:
      guard record.phase == .connected else { throw .socketNotConnected }
      let info = record.handle.flatMap { stack.connectionInfo($0) }
      return Int64(info?.pathMTU ?? 1_500)
    default: throw .protocolNotAvailable
    }
  }
}

extension TCPInfo {
  /// Payload of a full segment, options taken off.
  var payloadPerSegment: Int { max(maximumSegmentSize - (usesTimestamps ? 12 : 0), 0) }

  /// The largest packet that the path takes, as far as it is known.
  var pathMTU: Int { maximumSegmentSize + (local.address.isIPv4 ? 40 : 60) }
}

extension SocketOptions {
  /// What of them a connection of the stack obeys.
  var stream: TCPSocketOptions {
    var result = TCPSocketOptions()
    result.noDelay = noDelay
    result.device = device
    result.isCorked = isCorked
    result.keepAliveIdle = keepsAlive ? .seconds(keepIdle) : nil
    result.keepAliveInterval = .seconds(keepInterval)
    result.keepAliveProbes = Int(keepCount)
    result.userTimeout = userTimeout > 0 ? .milliseconds(userTimeout) : nil
    // Linux counts its own overhead in: half is for the bytes.
    result.sendBufferLimit = sendBuffer.map { Int($0 / 2) }
    result.receiveBufferLimit = receiveBuffer.map { Int($0 / 2) }
    // An unsigned number; zero is the stack's own.
    let lowWater = Int(UInt32(truncatingIfNeeded: notSentLowWater))
    result.notSentLowWater = lowWater == 0 ? nil : lowWater == Int(UInt32.max) ? .max : lowWater
    result.trafficClass = UInt8(truncatingIfNeeded: trafficClass)
    result.hopLimit = hops.map { UInt8(clamping: $0) }
    let deferral = kept[CInt(BERKELEY_DEFER_ACCEPT)] ?? 0
    result.deferAccept = deferral > 0 ? .seconds(deferral) : nil
    result.maximumSegmentSize = maximumSegment > 0 ? Int(maximumSegment) : nil
    result.congestionControl = congestion == 0 ? .newReno : .cubic
    return result
  }

  /// What of them a datagram socket of the stack obeys.
  var datagrams: UDPSocketOptions {
    var result: UDPSocketOptions = packets()
    result.reusesAddress = reusesAddress
    result.reusesPort = reusesPort
    result.multicastInterface = multicastDevice
    return result
  }

  /// What of them datagram and raw sockets of the stack both obey.
  func packets<Choices: PacketChoices>() -> Choices {
    var result = Choices()
    result.receiveBufferSize = Int(receiveBuffer ?? 212_992)
    result.allowsBroadcast = allowsBroadcast
    result.device = device
    result.hopLimit = hops.map { UInt8(clamping: $0) }
    result.multicastHopLimit = UInt8(clamping: multicastHops)
    result.loopsMulticast = loopsMulticast
    result.trafficClass = UInt8(truncatingIfNeeded: trafficClass)
    return result
  }
}
