public import Addresses

/// Asks the routers of a link to advertise themselves (RFC 4861 §4.1): 8 bytes and options.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |   Type 133    |    Code 0     |           Checksum            |
///   +---------------+---------------+-------------------------------+
///   |                           Reserved                            |
///   +---------------------------------------------------------------+
///   |   Options ...
/// ```
public struct RouterSolicitation: Equatable, Sendable {
  /// The sender's; absent while it has no address.
  public var sourceLinkLayerAddress: EthernetAddress?

  @inline(__always)
  public init(sourceLinkLayerAddress: EthernetAddress?) {
    self.sourceLinkLayerAddress = sourceLinkLayerAddress
  }

  /// - Parameters:
  ///   - bytes: the ICMPv6 message.
  ///   - header: of the packet it came in.
  public init(
    parsing bytes: Span<UInt8>, in header: IPv6Header, verifyingChecksum: Bool = true
  ) throws(Malformed) {
    try NeighborDiscovery.check(
      bytes, type: 133, size: 8, header: header, verifyingChecksum: verifyingChecksum)
    var options = try NeighborDiscoveryOptions(validating: bytes.slice(from: 8))
    while let option = options.next() {
      if case .sourceLinkLayerAddress(let address) = option { sourceLinkLayerAddress = address }
    }
    // RFC 4861 §6.1.1 MUST: who has no address yet says nothing about itself.
    guard !header.source.isUnspecified || sourceLinkLayerAddress == nil else { throw .badOption }
  }

  /// The bytes that ``write(into:at:source:destination:)`` writes.
  public var size: Int { sourceLinkLayerAddress == nil ? 8 : 16 }

  /// Writes ``size`` bytes, with the checksum of everything from `offset` to the end of `bytes`.
  public func write(
    into bytes: inout MutableSpan<UInt8>, at offset: Int = 0, source: IPv6Address,
    destination: IPv6Address
  ) {
    bytes.store(133 &<< 56 as UInt64, at: offset)
    if let address = sourceLinkLayerAddress {
      NeighborDiscovery.write(option: 1, address.rawValue, into: &bytes, at: offset &+ 8)
    }
    ICMPv6Message.fillChecksum(in: &bytes, at: offset, source: source, destination: destination)
  }
}
