/// An address of either version of the Internet Protocol.
public enum IPAddress: Hashable, Sendable {
  case v4(IPv4Address)
  case v6(IPv6Address)

  public var isIPv4: Bool { if case .v4 = self { true } else { false } }
  public var isIPv6: Bool { !isIPv4 }

  /// Bits in an address of this version: 32 or 128.
  public var bitWidth: UInt8 { isIPv4 ? 32 : 128 }

  /// As an IPv6 address: an IPv4 one becomes `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2).
  public var mapped: IPv6Address {
    switch self {
    case .v4(let address): IPv6Address(mapping: address)
    case .v6(let address): address
    }
  }

  /// The other way: an IPv4-mapped address becomes an IPv4 one, every other stays.
  public init(unmapping address: IPv6Address) {
    self = if let ipv4 = address.ipv4 { .v4(ipv4) } else { .v6(address) }
  }
}

extension IPAddress {
  /// `0.0.0.0` or `::`.
  public var isUnspecified: Bool {
    switch self {
    case .v4(let address): address.isUnspecified
    case .v6(let address): address.isUnspecified
    }
  }

  /// `127.0.0.0/8` or `::1`.
  public var isLoopback: Bool {
    switch self {
    case .v4(let address): address.isLoopback
    case .v6(let address): address.isLoopback
    }
  }

  /// `224.0.0.0/4` or `ff00::/8`.
  public var isMulticast: Bool {
    switch self {
    case .v4(let address): address.isMulticast
    case .v6(let address): address.isMulticast
    }
  }

  /// `169.254.0.0/16` or `fe80::/10`.
  public var isLinkLocal: Bool {
    switch self {
    case .v4(let address): address.isLinkLocal
    case .v6(let address): address.isLinkLocal
    }
  }

  /// `255.255.255.255`; IPv6 has no broadcast.
  public var isLimitedBroadcast: Bool { self == .v4(.broadcast) }

  /// A private IPv4 address (RFC 1918) or a unique local IPv6 address (RFC 4193).
  public var isPrivate: Bool {
    switch self {
    case .v4(let address): address.isPrivate
    case .v6(let address): address.isUniqueLocal
    }
  }
}

/// IPv4 before IPv6, each by number.
extension IPAddress: Comparable {
  public static func < (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.v4(let a), .v4(let b)): a < b
    case (.v6(let a), .v6(let b)): a < b
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }
}
