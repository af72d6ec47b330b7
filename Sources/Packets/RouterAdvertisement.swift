public import Addresses

/// What a router says about a link and itself (RFC 4861 §4.2): 16 bytes, and options to be walked
/// with ``options(in:)``.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |   Type 134    |    Code 0     |           Checksum            |
///   +---------------+-+-+-----------+-------------------------------+
///   | Cur Hop Limit |M|O| Reserved  |        Router Lifetime        |
///   +---------------+-+-+-----------+-------------------------------+
///   |                        Reachable Time                         |
///   +---------------------------------------------------------------+
///   |                        Retransmit Timer                       |
///   +---------------------------------------------------------------+
///   |   Options ...
/// ```
public struct RouterAdvertisement: Equatable, Sendable {
  /// Bytes on the wire without options.
  public static var size: Int { 16 }

  /// The hop limit to send with; zero where the router has no opinion.
  public var currentHopLimit: UInt8
  /// Whether DHCPv6 gives out addresses.
  public var isManaged: Bool
  /// Whether DHCPv6 gives out other settings.
  public var hasOtherConfiguration: Bool
  /// Seconds as a default router; zero for none at all.
  public var routerLifetime: UInt16
  /// Milliseconds that a neighbour counts as reachable; zero where the router has no opinion.
  public var reachableTime: UInt32
  /// Milliseconds between solicitations; zero where the router has no opinion.
  public var retransmitTimer: UInt32

  @inline(__always)
  public init(
    currentHopLimit: UInt8 = 64, isManaged: Bool = false, hasOtherConfiguration: Bool = false,
    routerLifetime: UInt16, reachableTime: UInt32 = 0, retransmitTimer: UInt32 = 0
  ) {
    self.currentHopLimit = currentHopLimit
    self.isManaged = isManaged
    self.hasOtherConfiguration = hasOtherConfiguration
    self.routerLifetime = routerLifetime
    self.reachableTime = reachableTime
    self.retransmitTimer = retransmitTimer
  }

  /// - Parameters:
  ///   - bytes: the ICMPv6 message.
  ///   - header: of the packet it came in.
  public init(
    parsing bytes: Span<UInt8>, in header: IPv6Header, verifyingChecksum: Bool = true
  ) throws(Malformed) {
    try NeighborDiscovery.check(
      bytes, type: 134, size: Self.size, header: header, verifyingChecksum: verifyingChecksum)
    // RFC 4861 §6.1.2 MUST: routers are known by their link-local address.
    guard header.source.isLinkLocal else { throw .badAddress }
    _ = try NeighborDiscoveryOptions(validating: bytes.slice(from: Self.size))
    currentHopLimit = bytes.uint8(at: 4)
    let flags = bytes.uint8(at: 5)
    isManaged = flags & 0x80 != 0
    hasOtherConfiguration = flags & 0x40 != 0
    routerLifetime = bytes.uint16(at: 6)
    reachableTime = bytes.uint32(at: 8)
    retransmitTimer = bytes.uint32(at: 12)
  }

  /// The options of the message that an advertisement was parsed from.
  @_lifetime(copy bytes)
  public static func options(
    in bytes: Span<UInt8>
  ) throws(Malformed) -> NeighborDiscoveryOptions {
    try NeighborDiscoveryOptions(validating: bytes.slice(from: size))
  }

  /// Writes ``size`` bytes without a checksum: options follow, and then
  /// ``ICMPv6Message/fillChecksum(in:at:source:destination:)`` over everything.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    bytes.store(134 &<< 24 as UInt32, at: offset)
    bytes.store(currentHopLimit, at: offset &+ 4)
    bytes.store(
      (isManaged ? 0x80 : 0) | (hasOtherConfiguration ? 0x40 : 0) as UInt8, at: offset &+ 5)
    bytes.store(routerLifetime, at: offset &+ 6)
    bytes.store(reachableTime, at: offset &+ 8)
    bytes.store(retransmitTimer, at: offset &+ 12)
  }

  /// Writes the option that says which link-layer address sent the message, 8 bytes.
  public static func write(
    sourceLinkLayerAddress address: EthernetAddress, into bytes: inout MutableSpan<UInt8>,
    at offset: Int
  ) {
    NeighborDiscovery.write(option: 1, address.rawValue, into: &bytes, at: offset)
  }

  /// Writes the option that says the link's MTU, 8 bytes.
  public static func write(mtu: UInt32, into bytes: inout MutableSpan<UInt8>, at offset: Int) {
    bytes.store(0x0501_0000 as UInt32, at: offset)
    bytes.store(mtu, at: offset &+ 4)
  }
}
