public import Addresses
internal import CLinux
public import SystemPackage

// The system calls on raw and packet sockets, and on the queue of errors.
extension KernelSocket {
  /// A new raw socket, non-blocking.
  public static func openRaw(ipv6: Bool, protocol: UInt8) throws(Errno) -> KernelSocket {
    let descriptor = try FileDescriptor.opened(
      clinux_raw_socket(ipv6 ? 6 : 4, Int32(`protocol`)))
    return KernelSocket(descriptor, isIPv6: ipv6)
  }

  /// Keeps ICMPv6 messages of these types from a raw socket, and lets the others through.
  public func block(messages: Set<UInt8>) throws(Errno) {
    var words = InlineArray<8, UInt32>(repeating: 0)
    for type in messages { words[Int(type >> 5)] |= 1 << UInt32(type & 31) }
    let span = words.span
    try Errno.check(
      unsafe span.withUnsafeBufferPointer { unsafe clinux_block_messages(number, $0.baseAddress) })
  }

  // MARK: Errors

  /// What a router or a host said about a packet of ours.
  public struct ReportedError: Sendable {
    /// Who said it, where that is known.
    public let offender: IPAddress?
    public let reason: Errno
    /// Of the largest packet the way takes, where one was too large.
    public let mtu: UInt32
    /// By an ICMP message; otherwise this machine said it.
    public let isICMP: Bool
    public let type: UInt8
    public let code: UInt8
    public let hopLimit: UInt8
  }

  /// Takes the oldest error out of the socket's queue, which has one where
  /// ``Option/receiveErrors(ipv6:)`` is on.
  ///
  /// - Parameter bytes: gets the beginning of the packet it is about, from the transport's header
  ///   on.
  /// - Returns: nil when none waits.
  public func receiveError(
    into bytes: inout MutableSpan<UInt8>
  ) throws(Errno) -> (error: ReportedError, count: Int)? {
    var facts = clinux_reported_error()
    let count = try unsafe Errno.attempt(filling: &bytes) {
      unsafe clinux_receive_error(number, $0, $1, &facts)
    }
    guard let count else { return nil }
    let error = ReportedError(
      offender: SocketAddress(facts.offender)?.address, reason: Errno(rawValue: facts.number),
      mtu: facts.information, isICMP: facts.is_icmp != 0, type: facts.type, code: facts.code,
      hopLimit: facts.hop_limit)
    return (error, count)
  }

  // MARK: Packets

  /// A frame's facts, or where one is to go.
  public struct Frame: Sendable {
    /// All of its bytes, also those there was no room for.
    public var length = 0
    public var interfaceIndex: UInt32
    public var etherType: UInt16
    /// As linux/if_packet.h counts them.
    public var direction: UInt8 = 0
    /// Who sent it, or who is to get it.
    public var station: EthernetAddress?

    public init(interfaceIndex: UInt32, etherType: UInt16, station: EthernetAddress?) {
      self.interfaceIndex = interfaceIndex
      self.etherType = etherType
      self.station = station
    }
  }

  /// A new packet socket, non-blocking.
  ///
  /// - Parameters:
  ///   - isCooked: without the link's header.
  ///   - etherType: zero: every one.
  ///   - interfaceIndex: zero: every one.
  public static func openPackets(
    isCooked: Bool, etherType: UInt16, interfaceIndex: UInt32
  ) throws(Errno) -> KernelSocket {
    let descriptor = try FileDescriptor.opened(
      clinux_packet_socket(isCooked ? 1 : 0, etherType, interfaceIndex))
    return KernelSocket(descriptor, isIPv6: false)
  }

  /// - Returns: nil when none waits.
  public func receiveFrame(into bytes: inout MutableSpan<UInt8>) throws(Errno) -> Frame? {
    var facts = clinux_frame()
    let count = try unsafe Errno.attempt(filling: &bytes) {
      unsafe clinux_packet_receive(number, $0, $1, &facts)
    }
    guard count != nil else { return nil }
    var frame = Frame(
      interfaceIndex: facts.interface_index, etherType: facts.ether_type,
      station: facts.has_station != 0 ? EthernetAddress(rawValue: facts.station) : nil)
    frame.length = facts.length
    frame.direction = facts.direction
    return frame
  }

  /// - Returns: false when there is no room for it now.
  public func send(_ bytes: Span<UInt8>, _ frame: Frame) throws(Errno) -> Bool {
    var facts = clinux_frame()
    facts.interface_index = frame.interfaceIndex
    facts.ether_type = frame.etherType
    if let station = frame.station {
      facts.station = station.rawValue
      facts.has_station = 1
    }
    let count = try unsafe Errno.attempt(sending: bytes) {
      unsafe clinux_packet_send(number, $0, $1, &facts)
    }
    return count != nil
  }

  /// Frames seen, and of these dropped for want of room, since it was last asked.
  public func takeFrameCounts() throws(Errno) -> (seen: UInt32, dropped: UInt32) {
    var counts: (seen: UInt32, dropped: UInt32) = (0, 0)
    try Errno.check(unsafe clinux_packet_statistics(number, &counts.seen, &counts.dropped))
    return counts
  }
}
