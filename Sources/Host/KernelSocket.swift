public import Addresses
internal import CLinux
public import SystemPackage

/// The system calls on an Internet socket of the kernel's: one each, with their errors typed. What
/// would block is an answer, not an error; an interrupted call is repeated.
///
/// It does not own the descriptor: whoever makes calls sees to it that it stays open. Every call is
/// safe from any thread.
public struct KernelSocket: Sendable {
  public let descriptor: FileDescriptor
  /// It speaks IPv6, and IPv4 too unless it was told not to.
  public let isIPv6: Bool

  var number: Int32 { descriptor.rawValue }

  public init(_ descriptor: FileDescriptor, isIPv6: Bool) {
    self.descriptor = descriptor
    self.isIPv6 = isIPv6
  }

  // MARK: Life

  public enum Kind: Sendable {
    case stream, datagram
    /// ICMP echo requests and their answers, with the kernel keeping the identifiers.
    case echo
  }

  /// A new socket, non-blocking.
  public static func open(_ kind: Kind, ipv6: Bool) throws(Errno) -> KernelSocket {
    let kind =
      switch kind {
      case .stream: CLINUX_STREAM
      case .datagram: CLINUX_DATAGRAM
      case .echo: CLINUX_ECHO
      }
    return KernelSocket(try .opened(clinux_socket(ipv6 ? 6 : 4, Int32(kind))), isIPv6: ipv6)
  }

  /// Ends both directions now, though io_uring still holds the socket; closing it follows.
  ///
  /// - Parameter resets: whether with a reset; without, it is one where bytes are unread.
  public func end(resets: Bool) { clinux_end(number, resets ? 1 : 0) }

  /// The descriptor is another's from then on.
  public func close() { try? descriptor.close() }

  public func bind(to local: SocketAddress) throws(Errno) {
    var address = clinux_address(local, asIPv6: isIPv6)
    try Errno.check(unsafe clinux_bind(number, &address))
  }

  public func listen(backlog: Int) throws(Errno) {
    try Errno.check(clinux_listen(number, Int32(clamping: backlog)))
  }

  /// - Returns: false where the handshake has begun: the socket becomes writable at its end, and
  ///   ``takeError()`` tells how it went.
  public func connect(to remote: SocketAddress) throws(Errno) -> Bool {
    var address = clinux_address(remote, asIPv6: isIPv6)
    if unsafe clinux_connect(number, &address) == 0 { return true }
    let reason = Errno.last
    // An interrupted connect goes on by itself.
    if reason == .nowInProgress || reason == .interrupted { return false }
    throw reason
  }

  /// - Returns: nil when no connection waits.
  public func accept() throws(Errno) -> (socket: KernelSocket, remote: SocketAddress)? {
    var address = clinux_address()
    while true {
      let result = unsafe clinux_accept(number, &address)
      if result >= 0 {
        return (
          KernelSocket(FileDescriptor(rawValue: result), isIPv6: isIPv6),
          SocketAddress(address) ?? SocketAddress(.v4(.any), port: .any)
        )
      }
      switch Errno.last {
      case .wouldBlock: return nil
      // The connection was gone before it was accepted, or an error of the network's is reported
      // here: both are news about one connection, not about the listener (accept(2)).
      case .interrupted, .connectionAbort, .networkDown, .networkUnreachable, .hostIsDown,
        .noRouteToHost, .protocolError, .protocolNotAvailable, .notSupportedOnSocket:
        continue
      case let reason: throw reason
      }
    }
  }

  public func localAddress() throws(Errno) -> SocketAddress {
    var address = clinux_address()
    try Errno.check(unsafe clinux_local_address(number, &address))
    guard let local = SocketAddress(address) else { throw .addressFamilyNotSupported }
    return local
  }

  public func remoteAddress() throws(Errno) -> SocketAddress {
    var address = clinux_address()
    try Errno.check(unsafe clinux_remote_address(number, &address))
    guard let remote = SocketAddress(address) else { throw .addressFamilyNotSupported }
    return remote
  }

  // MARK: Streams

  /// - Returns: bytes read, zero at the end of the stream; nil when nothing is there.
  public func read(into bytes: inout MutableSpan<UInt8>) throws(Errno) -> Int? {
    try unsafe Errno.attempt(filling: &bytes) { unsafe clinux_receive(number, $0, $1) }
  }

  /// - Returns: bytes taken; nil when there is no room for any.
  public func write(_ bytes: Span<UInt8>) throws(Errno) -> Int? {
    try unsafe Errno.attempt(sending: bytes) { unsafe clinux_send(number, $0, $1) }
  }

  public func shutdownSend() throws(Errno) { try Errno.check(clinux_shutdown_send(number)) }

  // MARK: Groups

  /// What a socket wants of a group.
  public enum MembershipChange: Int32, Sendable {
    case leave, join, unblock, block
  }

  /// Joins or leaves a multicast group, for one source or all, or blocks a source in it.
  ///
  /// - Parameter interfaceIndex: zero leaves the choice to the kernel.
  public func changeMembership(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?, interfaceIndex: UInt32
  ) throws(Errno) {
    var group = clinux_address(SocketAddress(group, port: .any), asIPv6: false)
    guard let source else {
      return try Errno.check(
        unsafe clinux_change_membership(number, change.rawValue, &group, nil, interfaceIndex))
    }
    var address = clinux_address(SocketAddress(source, port: .any), asIPv6: false)
    try Errno.check(
      unsafe clinux_change_membership(number, change.rawValue, &group, &address, interfaceIndex))
  }

  /// The interface that multicast datagrams leave by.
  public func setMulticastInterface(_ index: UInt32) throws(Errno) {
    try Errno.check(clinux_set_multicast_interface_4(number, index))
    if isIPv6 {
      try Errno.check(
        clinux_set_option(
          number, Int32(CLINUX_MULTICAST_INTERFACE_6), Int32(truncatingIfNeeded: index)))
    }
  }

  /// The index of the interface of that name; nil where there is none.
  public static func interfaceIndex(named name: String) -> UInt32? {
    let index = unsafe clinux_interface_index(name)
    return index == 0 ? nil : index
  }

  // MARK: Options

  /// Options whose value is a number, by the names of socket(7), tcp(7), ip(7) and ipv6(7).
  public enum Option: Sendable {
    case reuseAddress, keepAlive, broadcast, sendBuffer, receiveBuffer
    case noDelay, maximumSegment, keepIdle, keepInterval, keepCount, userTimeout
    case ipv6Only
    case hopLimit(ipv6: Bool)
    case multicastHopLimit(ipv6: Bool)
    case packetInformation(ipv6: Bool)
    case receiveHopLimit(ipv6: Bool)
    case multicastLoop(ipv6: Bool)
    /// Hear groups that other sockets have joined, too.
    case multicastAll(ipv6: Bool)
    case trafficClass(ipv6: Bool)
    case receiveTrafficClass(ipv6: Bool)
    /// Let the kernel put datagrams together (`UDP_GRO`).
    case coalesce
    case reusePort, mark, priority, cork, quickAck
    case notSentLowWater, deferAccept, fastOpen
    /// Keep what is said about packets of the socket's in its queue of errors.
    case receiveErrors(ipv6: Bool)
    /// What is sent begins with its IP header.
    case headerIncluded(ipv6: Bool)
    /// Where the kernel keeps a checksum in what a raw IPv6 socket sends and receives.
    case checksumOffset

    fileprivate var number: Int32 {
      let number =
        switch self {
        case .multicastAll(let ipv6): ipv6 ? CLINUX_MULTICAST_ALL_6 : CLINUX_MULTICAST_ALL_4
        case .trafficClass(let ipv6): ipv6 ? CLINUX_TRAFFIC_CLASS_6 : CLINUX_TRAFFIC_CLASS_4
        case .receiveTrafficClass(let ipv6):
          ipv6 ? CLINUX_RECEIVE_TRAFFIC_CLASS_6 : CLINUX_RECEIVE_TRAFFIC_CLASS_4
        case .coalesce: CLINUX_COALESCE
        case .reusePort: CLINUX_REUSE_PORT
        case .mark: CLINUX_MARK
        case .priority: CLINUX_PRIORITY
        case .cork: CLINUX_CORK
        case .quickAck: CLINUX_QUICK_ACK
        case .notSentLowWater: CLINUX_NOT_SENT_LOW_WATER
        case .deferAccept: CLINUX_DEFER_ACCEPT
        case .fastOpen: CLINUX_FAST_OPEN
        case .receiveErrors(let ipv6): ipv6 ? CLINUX_RECEIVE_ERRORS_6 : CLINUX_RECEIVE_ERRORS_4
        case .headerIncluded(let ipv6): ipv6 ? CLINUX_HEADER_INCLUDED_6 : CLINUX_HEADER_INCLUDED_4
        case .checksumOffset: CLINUX_CHECKSUM_OFFSET_6
        case .reuseAddress: CLINUX_REUSE_ADDRESS
        case .keepAlive: CLINUX_KEEP_ALIVE
        case .broadcast: CLINUX_BROADCAST
        case .sendBuffer: CLINUX_SEND_BUFFER
        case .receiveBuffer: CLINUX_RECEIVE_BUFFER
        case .noDelay: CLINUX_NO_DELAY
        case .maximumSegment: CLINUX_MAXIMUM_SEGMENT
        case .keepIdle: CLINUX_KEEP_IDLE
        case .keepInterval: CLINUX_KEEP_INTERVAL
        case .keepCount: CLINUX_KEEP_COUNT
        case .userTimeout: CLINUX_USER_TIMEOUT
        case .ipv6Only: CLINUX_IPV6_ONLY
        case .hopLimit(let ipv6): ipv6 ? CLINUX_HOPS_6 : CLINUX_HOPS_4
        case .multicastHopLimit(let ipv6):
          ipv6 ? CLINUX_MULTICAST_HOPS_6 : CLINUX_MULTICAST_HOPS_4
        case .packetInformation(let ipv6): ipv6 ? CLINUX_PACKET_INFO_6 : CLINUX_PACKET_INFO_4
        case .multicastLoop(let ipv6): ipv6 ? CLINUX_MULTICAST_LOOP_6 : CLINUX_MULTICAST_LOOP_4
        case .receiveHopLimit(let ipv6): ipv6 ? CLINUX_RECEIVE_HOPS_6 : CLINUX_RECEIVE_HOPS_4
        }
      return Int32(number)
    }
  }

  public func set(_ option: Option, to value: Int) throws(Errno) {
    try Errno.check(clinux_set_option(number, option.number, Int32(clamping: value)))
  }

  public func get(_ option: Option) throws(Errno) -> Int {
    var value: Int32 = 0
    try Errno.check(unsafe clinux_get_option(number, option.number, &value))
    return Int(value)
  }

  /// What has gone wrong since it was last asked (`SO_ERROR`).
  public func takeError() throws(Errno) {
    var value: Int32 = 0
    try Errno.check(unsafe clinux_get_option(number, Int32(CLINUX_ERROR), &value))
    if value != 0 { throw Errno(rawValue: value) }
  }
}

extension clinux_address {
  /// An IPv4 address for an IPv6 socket is mapped (RFC 4291 §2.5.5.2).
  init(_ address: SocketAddress, asIPv6: Bool) {
    self.init()
    port = address.port.rawValue
    zone = address.zone
    let ip = asIPv6 ? .v6(address.address.mapped) : address.address
    switch ip {
    case .v4(let v4):
      family = 4
      low = UInt64(v4.rawValue)
    case .v6(let v6):
      family = 6
      high = v6.high
      low = v6.low
    }
  }
}

extension SocketAddress {
  /// nil where there is none. A mapped IPv4 address becomes that address.
  init?(_ address: clinux_address) {
    switch address.family {
    case 4:
      self.init(
        .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address.low))),
        port: PortNumber(rawValue: address.port))
    case 6:
      self.init(
        IPAddress(unmapping: IPv6Address(high: address.high, low: address.low)),
        port: PortNumber(rawValue: address.port), zone: address.zone)
    default: return nil
    }
  }
}
