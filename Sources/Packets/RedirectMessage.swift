public import Addresses

/// A router's word that a better first hop exists (RFC 4861 §4.5): 40 bytes and options.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |   Type 137    |    Code 0     |           Checksum            |
///   +---------------+---------------+-------------------------------+
///   |                           Reserved                            |
///   +---------------------------------------------------------------+
///   |                   Target Address (128 bits)                   |
///   +---------------------------------------------------------------+
///   |                 Destination Address (128 bits)                |
///   +---------------------------------------------------------------+
///   |   Options ...
/// ```
public struct RedirectMessage: Equatable, Sendable {
  /// The better first hop: a router's link-local address, or the destination itself.
  public var target: IPv6Address
  /// Whose packets should go there.
  public var destination: IPv6Address
  public var targetLinkLayerAddress: EthernetAddress?
  /// The packet that gave rise to the message, where enough of it was quoted.
  public var redirected: QuotedFlow?

  @inline(__always)
  public init(
    target: IPv6Address, destination: IPv6Address, targetLinkLayerAddress: EthernetAddress? = nil
  ) {
    self.target = target
    self.destination = destination
    self.targetLinkLayerAddress = targetLinkLayerAddress
  }

  /// - Parameters:
  ///   - bytes: the ICMPv6 message.
  ///   - header: of the packet it came in.
  public init(
    parsing bytes: Span<UInt8>, in header: IPv6Header, verifyingChecksum: Bool = true
  ) throws(Malformed) {
    try NeighborDiscovery.check(
      bytes, type: 137, size: 40, header: header, verifyingChecksum: verifyingChecksum)
    target = bytes.ipv6Address(at: 8)
    destination = bytes.ipv6Address(at: 24)
    // RFC 4861 §8.1 MUST: from a router, about one host, to a router or the host itself.
    guard header.source.isLinkLocal, !destination.isMulticast else { throw .badAddress }
    guard target.isLinkLocal || target == destination else { throw .badAddress }
    var options = try NeighborDiscoveryOptions(validating: bytes.slice(from: 40))
    while let option = options.next() {
      switch option {
      case .targetLinkLayerAddress(let address): targetLinkLayerAddress = address
      case .redirectedHeader(let flow): redirected = flow
      default: break
      }
    }
  }

  /// The bytes that ``write(into:at:source:destination:)`` writes.
  public var size: Int { targetLinkLayerAddress == nil ? 40 : 48 }

  /// Writes ``size`` bytes, without the redirected packet, with the checksum of everything from
  /// `offset` to the end of `bytes`.
  public func write(
    into bytes: inout MutableSpan<UInt8>, at offset: Int = 0, source: IPv6Address,
    destination receiver: IPv6Address
  ) {
    bytes.store(137 &<< 56 as UInt64, at: offset)
    bytes.store(target, at: offset &+ 8)
    bytes.store(destination, at: offset &+ 24)
    if let address = targetLinkLayerAddress {
      NeighborDiscovery.write(option: 2, address.rawValue, into: &bytes, at: offset &+ 40)
    }
    ICMPv6Message.fillChecksum(in: &bytes, at: offset, source: source, destination: receiver)
  }
}
