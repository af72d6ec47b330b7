/// An address with the length of its network part: `192.0.2.1/24`, `2001:db8::1/64` (RFC 4632,
/// RFC 4291 §2.3). The host bits are kept, so that one value names an interface's address too.
public struct Prefix: Hashable, Sendable {
  public var address: IPAddress
  /// Network bits: 0 to 32 for IPv4, 0 to 128 for IPv6.
  public let length: UInt8

  /// - Returns: nothing when `length` is beyond the address's width.
  public init?(_ address: IPAddress, length: UInt8) {
    guard length <= address.bitWidth else { return nil }
    self.address = address
    self.length = length
  }

  /// The prefix that holds one address only: `/32` or `/128`.
  public init(host address: IPAddress) {
    self.address = address
    length = address.bitWidth
  }
}

extension Prefix {
  /// Ones for the network bits, zeros for the host bits: `255.255.255.0` for `/24`.
  public var mask: IPAddress {
    switch address {
    case .v4: .v4(IPv4Address(rawValue: ~(UInt32.max >> UInt32(length))))
    case .v6: .v6(Self.mask(length))
    }
  }

  /// The address with all host bits zero.
  public var networkAddress: IPAddress {
    switch (address, mask) {
    case (.v4(let address), .v4(let mask)):
      .v4(IPv4Address(rawValue: address.rawValue & mask.rawValue))
    default:
      .v6(address.mapped.masked(by: mask.mapped))
    }
  }

  /// The same prefix with all host bits zero, as routing tables write it.
  public var network: Prefix {
    var network = self
    network.address = networkAddress
    return network
  }

  /// The address with all host bits one, which every host of the subnet hears (RFC 919 §7). IPv6
  /// has none, and neither has a link of two (RFC 3021 §2.1) or a single host.
  public var broadcastAddress: IPv4Address? {
    guard case .v4(let address) = address, length < 31 else { return nil }
    return IPv4Address(rawValue: address.rawValue | UInt32.max >> UInt32(length))
  }

  /// Whether the address is of this version and lies inside.
  public func contains(_ candidate: IPAddress) -> Bool {
    candidate.isIPv4 == address.isIPv4 && Self.commonLength(candidate, address) >= length
  }

  /// Whether every address of `other` lies inside.
  public func contains(_ other: Prefix) -> Bool {
    other.length >= length && contains(other.address)
  }

  /// How many leading bits two addresses share: 0 to 32 for IPv4, 0 to 128 for IPv6, and none
  /// between one and the other (RFC 6724 §2.2 asks this of source selection).
  public static func commonLength(_ a: IPAddress, _ b: IPAddress) -> UInt8 {
    switch (a, b) {
    case (.v4(let a), .v4(let b)):
      return UInt8(clamping: (a.rawValue ^ b.rawValue).leadingZeroBitCount)
    case (.v6(let a), .v6(let b)):
      let first = (a.high ^ b.high).leadingZeroBitCount
      guard first == 64 else { return UInt8(clamping: first) }
      return UInt8(clamping: 64 &+ (a.low ^ b.low).leadingZeroBitCount)
    default:
      return 0
    }
  }
}

extension Prefix {
  /// The lowest address a host may have here that is not among `taken`, if any.
  ///
  /// Neither the network's own address (in IPv6 the routers' anycast address, RFC 4291 §2.6.1) nor
  /// its broadcast address is one, except on links of two (RFC 3021, RFC 6164) and for single
  /// hosts. Quadratic in the number of taken addresses.
  public func firstHost(excluding taken: [IPAddress] = []) -> IPAddress? {
    let isWide = length < address.bitWidth &- 1
    var candidate: IPAddress? = isWide ? networkAddress.successor : networkAddress
    while let host = candidate, contains(host) {
      if case .v4(let ipv4) = host, ipv4 == broadcastAddress { return nil }
      if !taken.contains(host) { return host }
      candidate = host.successor
    }
    return nil
  }

  /// Ones in the first `length` bits; lengths beyond 128 are all ones.
  static func mask(_ length: UInt8) -> IPv6Address {
    let low = length > 64 ? length &- 64 : 0
    return IPv6Address(high: ~(UInt64.max >> UInt64(length)), low: ~(UInt64.max >> UInt64(low)))
  }
}

extension IPAddress {
  /// The next higher address of the same version; nothing after the last.
  var successor: IPAddress? {
    switch self {
    case .v4(let address):
      let next = address.rawValue &+ 1
      return next == 0 ? nil : .v4(IPv4Address(rawValue: next))
    case .v6(let address):
      let low = address.low &+ 1
      let high = low == 0 ? address.high &+ 1 : address.high
      return low == 0 && high == 0 ? nil : .v6(IPv6Address(high: high, low: low))
    }
  }
}

extension IPv6Address {
  func masked(by mask: IPv6Address) -> IPv6Address {
    IPv6Address(high: high & mask.high, low: low & mask.low)
  }
}
