public import Addresses

/// Tells a neighbour's link-layer address (RFC 4861 §4.4): 24 bytes and options.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |   Type 136    |    Code 0     |           Checksum            |
///   +-+-+-+---------+---------------+-------------------------------+
///   |R|S|O|                     Reserved                            |
///   +-+-+-+---------------------------------------------------------+
///   |                   Target Address (128 bits)                   |
///   +---------------------------------------------------------------+
///   |   Options ...
/// ```
public struct NeighborAdvertisement: Equatable, Sendable {
  public var target: IPv6Address
  public var isRouter: Bool
  /// Whether this answers a solicitation.
  public var isSolicited: Bool
  /// Whether the address is to replace one that is known.
  public var overrides: Bool
  public var targetLinkLayerAddress: EthernetAddress?

  @inline(__always)
  public init(
    target: IPv6Address, isRouter: Bool = false, isSolicited: Bool, overrides: Bool,
    targetLinkLayerAddress: EthernetAddress?
  ) {
    self.target = target
    self.isRouter = isRouter
    self.isSolicited = isSolicited
    self.overrides = overrides
    self.targetLinkLayerAddress = targetLinkLayerAddress
  }

  /// - Parameters:
  ///   - bytes: the ICMPv6 message.
  ///   - header: of the packet it came in.
  public init(
    parsing bytes: Span<UInt8>, in header: IPv6Header, verifyingChecksum: Bool = true
  ) throws(Malformed) {
    try NeighborDiscovery.check(
      bytes, type: 136, size: 24, header: header, verifyingChecksum: verifyingChecksum)
    let flags = bytes.uint8(at: 4)
    isRouter = flags & 0x80 != 0
    isSolicited = flags & 0x40 != 0
    overrides = flags & 0x20 != 0
    target = bytes.ipv6Address(at: 8)
    // RFC 4861 §7.1.2 MUST: no group has a neighbour's address, and none was answered.
    guard !target.isMulticast else { throw .badAddress }
    guard !(isSolicited && header.destination.isMulticast) else { throw .badValue }
    var options = try NeighborDiscoveryOptions(validating: bytes.slice(from: 24))
    while let option = options.next() {
      if case .targetLinkLayerAddress(let address) = option { targetLinkLayerAddress = address }
    }
  }

  /// The bytes that ``write(into:at:source:destination:)`` writes.
  public var size: Int { targetLinkLayerAddress == nil ? 24 : 32 }

  /// Writes ``size`` bytes, with the checksum of everything from `offset` to the end of `bytes`.
  public func write(
    into bytes: inout MutableSpan<UInt8>, at offset: Int = 0, source: IPv6Address,
    destination: IPv6Address
  ) {
    let flags: UInt64 = (isRouter ? 0x80 : 0) | (isSolicited ? 0x40 : 0) | (overrides ? 0x20 : 0)
    bytes.store(136 &<< 56 | flags &<< 24, at: offset)
    bytes.store(target, at: offset &+ 8)
    if let address = targetLinkLayerAddress {
      NeighborDiscovery.write(option: 2, address.rawValue, into: &bytes, at: offset &+ 24)
    }
    ICMPv6Message.fillChecksum(in: &bytes, at: offset, source: source, destination: destination)
  }
}
