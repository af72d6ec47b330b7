import Addresses
import CBerkeley
import Packets
import ProtocolStack
import SystemPackage

/// Raw sockets, as `raw_sendmsg`, `rawv6_sendmsg` and their neighbours have them (raw(7), RFC 3542
/// §3). The stack's socket is there from the beginning.
extension NodeState {
  /// - Throws: `ENOBUFS` at the limit of raw sockets.
  mutating func openRaw(_ index: Int, _ number: UInt8) throws(Errno) {
    let record = records[index]
    let handle = try refusing { () throws(StackError) in
      try stack.openRaw(
        record.family == 4 ? .v4 : .v6, protocol: IPProtocol(rawValue: number),
        options: record.options.raw, at: now)
    }
    setHandle(handle, of: index)
  }

  /// A raw socket may be bound any number of times, until it is connected.
  mutating func bindRaw(
    _ index: Int, _ handle: SocketHandle, to local: SocketAddress
  ) throws(Errno) {
    guard records[index].phase == .idle else { throw .invalidArgument }
    if case .v6(let address) = local.address {
      guard !address.isIPv4Mapped else { throw .addressNotAvailable }
    }
    try refusing { () throws(StackError) in
      try stack.bindRaw(handle, to: local.address, zone: local.zone, at: now)
    }
  }

  mutating func connectRaw(
    _ index: Int, _ handle: SocketHandle, to remote: SocketAddress
  ) throws(Errno) {
    try refusing { () throws(StackError) in
      try stack.connectRaw(handle, to: remote, at: now)
    }
    // Not a port, but it is kept and told; without one the peer has no name.
    records[index].rawPort = remote.port
  }

  /// - Parameter remote: of IPv6 the port is the protocol's number, where it is not zero.
  /// - Returns: nil where the node's queue is full.
  mutating func sendRaw(
    _ index: Int, _ bytes: Span<UInt8>, to remote: SocketAddress?
  ) throws(Errno) -> Int? {
    guard bytes.count <= 65_535 else { throw .messageTooLong }
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    if let remote, records[index].family == 6, remote.port != .any {
      guard Int(remote.port.rawValue) == Int(records[index].rawProtocol ?? 0) else {
        throw .invalidArgument
      }
    }
    if remote == nil, records[index].phase != .connected { throw .addressRequired }
    // On Linux only what brings its header meets the end of writing, and only where it is one.
    if records[index].isWriteShut, records[index].options.includesHeader {
      let header = records[index].family == 4 ? IPv4Header.size : IPv6Header.size
      guard bytes.count < header else { throw .brokenPipe }
    }
    if let error = records[index].takeError() { throw error }
    let target = (remote ?? stack.remoteAddress(handle))?.orLoopback
    var choices = DatagramChoices()
    if let target, target.address.isMulticast, target.zone == 0 {
      choices.interface = records[index].options.multicastDevice
    }
    do throws(StackError) {
      return try stack.sendRaw(handle, bytes, to: target, with: choices, at: now)
        ? bytes.count : nil
    } catch {
      throw error == .notConnected ? .addressRequired : Errno(error)
    }
  }

  // MARK: Options

  /// `IP_HDRINCL`, `IPV6_HDRINCL` and `IPV6_CHECKSUM`.
  mutating func setRawOption(_ index: Int, _ option: Int, _ value: Int64) throws(Errno) {
    guard let number = records[index].rawProtocol else { throw .protocolNotAvailable }
    switch option {
    case BERKELEY_HEADER_INCLUDED:
      // The stack has no other use for this protocol.
      guard value != 0 || number != 255 else { throw .invalidArgument }
      records[index].options.includesHeader = value != 0
    default:
      guard number != IPProtocol.icmpv6.rawValue else { throw .invalidArgument }
      guard value <= 0 || value & 1 == 0 else { throw .invalidArgument }
      records[index].options.checksumOffset = value < 0 ? nil : value
    }
  }

  func rawOption(_ record: SocketRecord, _ option: Int) -> Int64 {
    if option == BERKELEY_HEADER_INCLUDED {
      return record.options.includesHeader || record.rawProtocol == 255 ? 1 : 0
    }
    if record.rawProtocol == IPProtocol.icmpv6.rawValue { return 2 }
    return record.options.checksumOffset ?? -1
  }

  /// `ICMP6_FILTER`.
  ///
  /// - Throws: `EOPNOTSUPP` on sockets of another protocol.
  mutating func setFilter(_ index: Int, blocked: [UInt32]) throws(Errno) {
    try mustHaveFilter(index)
    for (place, word) in blocked.prefix(8).enumerated() {
      for bit in 0..<32 {
        records[index].options.filter[UInt8(place * 32 + bit)] = word >> UInt32(bit) & 1 == 0
      }
    }
    apply(index)
  }

  /// The types that are not heard, one bit each.
  func filter(_ index: Int) throws(Errno) -> [UInt32] {
    try mustHaveFilter(index)
    let filter = records[index].options.filter
    return (0..<8).map { place in
      (0..<32).reduce(into: 0) { word, bit in
        if !filter[UInt8(place * 32 + bit)] { word |= 1 << UInt32(bit) }
      }
    }
  }

  private func mustHaveFilter(_ index: Int) throws(Errno) {
    guard records[index].rawProtocol == IPProtocol.icmpv6.rawValue, records[index].family == 6
    else { throw .notSupportedOnSocket }
  }
}

extension SocketAddress {
  /// Linux takes the wildcard for this very host.
  var orLoopback: Self {
    var result = self
    if case .v4(.any) = address { result.address = .v4(.loopback) }
    if case .v6(.any) = address { result.address = .v6(.loopback) }
    return result
  }
}

extension SocketOptions {
  /// What of them a raw socket of the stack obeys.
  var raw: RawSocketOptions {
    var result: RawSocketOptions = packets()
    result.includesHeader = includesHeader
    result.checksumOffset = checksumOffset.map { Int($0) }
    result.filter = filter
    return result
  }

  /// Where what goes to groups leaves; nil where that is left to the stack.
  var multicastDevice: InterfaceIndex? {
    multicastInterface > 0 ? InterfaceIndex(rawValue: UInt8(clamping: multicastInterface)) : nil
  }
}
