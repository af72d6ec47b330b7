public import Addresses

/// One option of a neighbor discovery message that this stack makes use of.
public enum NeighborDiscoveryOption: Equatable, Sendable {
  case sourceLinkLayerAddress(EthernetAddress)
  case targetLinkLayerAddress(EthernetAddress)
  case prefixInformation(PrefixInformation)
  /// The packet that a redirect is about.
  case redirectedHeader(QuotedFlow)
  /// The link's MTU as a router announces it, of any value.
  case mtu(UInt32)
  /// Six octets by which a sender knows its own solicitation again (RFC 3971 §5.3.2, RFC 7527).
  case nonce(UInt64)
  /// One of the resolvers that a router recommends (RFC 8106 §5.1), with its lifetime in seconds.
  case recursiveNameServer(IPv6Address, lifetime: UInt32)
}

/// A prefix that a router announces (RFC 4861 §4.6.2).
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+---------------+-+-+-----------+
///   |    Type 3     |   Length 4    | Prefix Length |L|A| Reserved  |
///   +---------------+---------------+---------------+-+-+-----------+
///   |                  Valid Lifetime (seconds)                     |
///   +---------------------------------------------------------------+
///   |                Preferred Lifetime (seconds)                   |
///   +---------------------------------------------------------------+
///   |                           Reserved                            |
///   +---------------------------------------------------------------+
///   |                       Prefix (128 bits)                       |
///   +---------------------------------------------------------------+
/// ```
public struct PrefixInformation: Equatable, Sendable {
  /// Bytes on the wire.
  public static var size: Int { 32 }

  public var prefix: IPv6Address
  /// Network bits, at most 128.
  public var prefixLength: UInt8
  /// Whether addresses of the prefix are neighbours on this link.
  public var isOnLink: Bool
  /// Whether hosts may make themselves an address of it (RFC 4862).
  public var isAutonomous: Bool
  /// Seconds; all ones is for ever.
  public var validLifetime: UInt32
  /// Seconds, at most ``validLifetime``; all ones is for ever.
  public var preferredLifetime: UInt32

  @inline(__always)
  public init(
    prefix: IPv6Address, prefixLength: UInt8, isOnLink: Bool = true, isAutonomous: Bool = true,
    validLifetime: UInt32, preferredLifetime: UInt32
  ) {
    self.prefix = prefix
    self.prefixLength = prefixLength
    self.isOnLink = isOnLink
    self.isAutonomous = isAutonomous
    self.validLifetime = validLifetime
    self.preferredLifetime = preferredLifetime
  }

  /// - Parameter bytes: the option with its type and length.
  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count == Self.size, bytes.uint8(at: 0) == 3 else { throw .badLength }
    prefixLength = bytes.uint8(at: 2)
    guard prefixLength <= 128 else { throw .badValue }
    let flags = bytes.uint8(at: 3)
    isOnLink = flags & 0x80 != 0
    isAutonomous = flags & 0x40 != 0
    validLifetime = bytes.uint32(at: 4)
    preferredLifetime = bytes.uint32(at: 8)
    guard preferredLifetime <= validLifetime else { throw .badValue }
    prefix = bytes.ipv6Address(at: 16)
  }

  /// Writes ``size`` bytes, type and length included.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    bytes.store(0x0304 as UInt16, at: offset)
    bytes.store(prefixLength, at: offset &+ 2)
    bytes.store((isOnLink ? 0x80 : 0) | (isAutonomous ? 0x40 : 0) as UInt8, at: offset &+ 3)
    bytes.store(validLifetime, at: offset &+ 4)
    bytes.store(preferredLifetime, at: offset &+ 8)
    bytes.store(0 as UInt32, at: offset &+ 12)
    bytes.store(prefix, at: offset &+ 16)
  }
}

/// Walks the options of a neighbor discovery message (RFC 4861 §4.6), passing over those that
/// are not known or contradict themselves.
///
/// The whole walk is checked before its first step: an option of length zero, one that reaches
/// past the end, or more than ``maximumCount`` of them make the message worthless.
public struct NeighborDiscoveryOptions: ~Escapable {
  public static var maximumCount: Int { 64 }

  private let bytes: Span<UInt8>
  private var offset = 0
  private var nextServer = 0

  /// - Parameter bytes: from the first option to the end of the message.
  @_lifetime(copy bytes)
  public init(validating bytes: Span<UInt8>) throws(Malformed) {
    var position = 0
    var count = 0
    while position < bytes.count {
      // RFC 4861 §4.6 MUST: a message with an option of length zero is discarded.
      let length = Int(bytes.uint8(at: position &+ 1)) &* 8
      guard length > 0, length <= bytes.count &- position else { throw .badOption }
      position &+= length
      count &+= 1
      guard count <= Self.maximumCount else { throw .tooMany }
    }
    self.bytes = bytes
  }

  /// The next option that is of use; nothing at the end.
  @_lifetime(self: copy self)
  public mutating func next() -> NeighborDiscoveryOption? {
    while offset < bytes.count {
      let length = Int(bytes.uint8(at: offset &+ 1)) &* 8
      guard length > 0 else { return nil }
      let option = bytes.slice(from: offset, length: length)
      if option.uint8(at: 0) == 25, let server = nextNameServer(option) { return server }
      offset &+= length
      if let found = Self.parse(option) { return found }
    }
    return nil
  }

  private static func parse(_ option: Span<UInt8>) -> NeighborDiscoveryOption? {
    // RFC 2464 §6: on Ethernet a link-layer address option is exactly eight bytes long.
    switch (option.uint8(at: 0), option.count) {
    case (1, 8): .sourceLinkLayerAddress(option.ethernetAddress(at: 2))
    case (2, 8): .targetLinkLayerAddress(option.ethernetAddress(at: 2))
    case (3, 32): (try? PrefixInformation(parsing: option)).map { .prefixInformation($0) }
    case (4, 56...):
      (try? QuotedFlow(parsingIPv6: option.slice(from: 8))).map { .redirectedHeader($0) }
    case (5, 8): .mtu(option.uint32(at: 4))
    case (14, 8): .nonce(option.uint64(at: 0) & 0xFFFF_FFFF_FFFF)
    default: nil
    }
  }

  /// RFC 8106 §5.1: eight bytes and then whole addresses, so that the length in units of eight is
  /// odd; one that is not is passed over.
  @_lifetime(self: copy self)
  private mutating func nextNameServer(_ option: Span<UInt8>) -> NeighborDiscoveryOption? {
    let at = 8 &+ nextServer &* 16
    guard option.count & 15 == 8, at &+ 16 <= option.count else {
      nextServer = 0
      return nil
    }
    nextServer &+= 1
    return .recursiveNameServer(option.ipv6Address(at: at), lifetime: option.uint32(at: 4))
  }
}
