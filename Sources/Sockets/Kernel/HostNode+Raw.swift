import Addresses
import Host
import Packets
import SystemPackage

// Raw and packet sockets of this machine's.
extension HostNode {
  public func openRaw(
    _ version: RawSocket.Version, protocol: UInt8, options: RawOptions
  ) async throws(SocketError) -> RawSocket {
    let isIPv6 = version == .v6
    do throws(SocketError.Reason) {
      guard `protocol` != 0 else { throw .invalidOperation }
      try KernelSocket.mustExist(options.device)
      let handle = try Self.open("raw sockets", running()) { () throws(Errno) in
        try KernelSocket.openRaw(ipv6: isIPv6, protocol: `protocol`)
      }
      try handle.use { socket throws(Errno) in
        try socket.set(.packetInformation(ipv6: isIPv6), to: 1)
        try socket.set(.receiveHopLimit(ipv6: isIPv6), to: 1)
        try socket.set(.receiveTrafficClass(ipv6: isIPv6), to: 1)
        try socket.set(options, protocol: `protocol`, isNew: true)
      }
      try handle.register()
      return RawSocket(
        version: version, protocol: `protocol`,
        implementation: KernelRaw(handle, isIPv6: isIPv6, protocol: `protocol`))
    } catch {
      throw SocketError(.open, reason: error)
    }
  }

  public func openPackets(_ options: PacketOptions) async throws(SocketError) -> PacketSocket {
    do throws(SocketError.Reason) {
      let interface = try KernelSocket.index(of: options.interface)
      let handle = try Self.open("packet sockets", running()) { () throws(Errno) in
        try KernelSocket.openPackets(
          isCooked: options.isCooked, etherType: options.etherType ?? 0, interfaceIndex: interface)
      }
      if let limit = options.receiveBufferLimit {
        try handle.use { socket throws(Errno) in try socket.set(.receiveBuffer, to: limit / 2) }
      }
      try handle.register()
      return PacketSocket(
        implementation: KernelPackets(
          handle, interfaceIndex: interface, etherType: options.etherType ?? 0))
    } catch {
      throw SocketError(.open, reason: error)
    }
  }

  /// - Parameter kind: what needs the privilege that the program may not have.
  private static func open(
    _ kind: String, _ lease: KernelLease, _ open: () throws(Errno) -> KernelSocket
  ) throws(SocketError.Reason) -> KernelHandle {
    do throws(Errno) {
      return KernelHandle(try open(), lease)
    } catch {
      guard error == .notPermitted || error == .permissionDenied else {
        throw SocketError.Reason(error)
      }
      throw .system(
        errno: error.rawValue,
        "\(kind) need root or CAP_NET_RAW: run it as root, or setcap cap_net_raw+ep PROGRAM")
    }
  }
}

extension KernelSocket {
  fileprivate func set(
    _ options: RawOptions, protocol: UInt8, isNew: Bool
  ) throws(Errno) {
    if let limit = options.receiveBufferLimit { try set(.receiveBuffer, to: limit / 2) }
    if !isNew || options.device != nil { try setDevice(options.device ?? "") }
    try set(.broadcast, to: options.allowsBroadcast ? 1 : 0)
    // What only ever sends whole packets is set so already.
    if `protocol` != 255 {
      try set(.headerIncluded(ipv6: isIPv6), to: options.includesHeader ? 1 : 0)
    }
    // IPv6: minus one leaves it to the kernel; IPv4: zero is refused, so that it is set only once.
    if let hopLimit = options.hopLimit {
      try set(.hopLimit(ipv6: isIPv6), to: Int(hopLimit))
    } else if isIPv6 {
      try set(.hopLimit(ipv6: true), to: -1)
    }
    try set(.trafficClass(ipv6: isIPv6), to: Int(options.trafficClass.rawValue))
    guard isIPv6 else { return }
    if `protocol` == 58 {
      try block(messages: options.blockedMessages)
    } else if let offset = options.checksumOffset {
      try set(.checksumOffset, to: offset)
    } else if !isNew {
      try set(.checksumOffset, to: -1)
    }
  }
}

/// A raw socket of the kernel's: datagrams without ports.
final class KernelRaw: RawImplementation, KernelImplementation {
  let handle: KernelHandle
  private let packets: KernelDatagrams
  private let number: UInt8

  init(_ handle: KernelHandle, isIPv6: Bool, protocol: UInt8) {
    self.handle = handle
    number = `protocol`
    let wildcard: IPAddress = isIPv6 ? .v6(.any) : .v4(.any)
    packets = KernelDatagrams(handle, local: SocketAddress(wildcard, port: .any), .ip)
  }

  func bind(to local: Endpoint) async throws(SocketError.Reason) {
    guard local.address.isIPv6 == handle.socket.isIPv6 else { throw .addressFamilyNotSupported }
    try handle.use { socket throws(Errno) in try socket.bind(to: local.socketAddress) }
  }

  func connect(to remote: Endpoint) async throws(SocketError.Reason) {
    guard remote.address.isIPv6 == handle.socket.isIPv6 else { throw .addressFamilyNotSupported }
    guard !remote.address.isUnspecified else { throw .invalidOperation }
    try await packets.connect(to: remote)
  }

  func setOptions(_ options: RawOptions) async throws(SocketError.Reason) {
    try KernelSocket.mustExist(options.device)
    try handle.use { socket throws(Errno) in
      try socket.set(options, protocol: number, isNew: false)
    }
  }

  func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions
  ) throws(SocketError.Reason) -> Attempt<Void> {
    if let remote {
      guard remote.address.isIPv6 == handle.socket.isIPv6 else { throw .addressFamilyNotSupported }
      guard !remote.address.isUnspecified else { throw .invalidOperation }
    }
    return try packets.trySend(bytes, to: remote, with: options)
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader> {
    try packets.tryReceive(into: &bytes)
  }

  func changeMembership(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?,
    on interface: String?
  ) async throws(SocketError.Reason) {
    guard group.isIPv6 == handle.socket.isIPv6 else { throw .addressNotAvailable }
    try await packets.changeMembership(change, group, from: source, on: interface)
  }
}

/// A packet socket of the kernel's.
final class KernelPackets: PacketImplementation, KernelImplementation {
  let handle: KernelHandle
  private let interfaceIndex: UInt32
  private let etherType: UInt16

  init(_ handle: KernelHandle, interfaceIndex: UInt32, etherType: UInt16) {
    self.handle = handle
    self.interfaceIndex = interfaceIndex
    self.etherType = etherType
  }

  func trySend(
    _ bytes: Span<UInt8>, to place: PacketSocket.Place
  ) throws(SocketError.Reason) -> Attempt<Void> {
    let frame = KernelSocket.Frame(
      interfaceIndex: place.interfaceIndex == 0 ? interfaceIndex : place.interfaceIndex,
      etherType: place.etherType ?? etherType, station: place.station)
    guard frame.interfaceIndex != 0 else { throw .networkDown }
    return try handle.tryWriting { socket throws(Errno) in
      try socket.send(bytes, frame) ? ((), true) : nil
    }
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<FrameHeader> {
    let room = bytes.count
    return try handle.tryReading { socket throws(Errno) in
      guard let frame = try socket.receiveFrame(into: &bytes) else { return nil }
      let header = FrameHeader(
        count: min(frame.length, room), length: frame.length,
        interfaceIndex: frame.interfaceIndex, etherType: frame.etherType,
        direction: FrameHeader.Direction(rawValue: frame.direction) ?? .otherStation,
        source: frame.station)
      return (header, true)
    }
  }

  func takeCounts() async throws(SocketError.Reason) -> (seen: UInt64, dropped: UInt64) {
    let counts = try handle.use { socket throws(Errno) in try socket.takeFrameCounts() }
    return (UInt64(counts.seen), UInt64(counts.dropped))
  }
}
