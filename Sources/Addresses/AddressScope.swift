/// How far an address reaches (RFC 4007 §5), on the scale of IPv6 multicast scopes so that source
/// selection can compare an address of any kind with one of any other (RFC 6724 §3.1).
public struct AddressScope: RawRepresentable, Hashable, Comparable, Sendable {
  /// 0 to 15; the greater reaches farther.
  public var rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

  public static var interfaceLocal: Self { Self(rawValue: 0x1) }
  public static var linkLocal: Self { Self(rawValue: 0x2) }
  public static var realmLocal: Self { Self(rawValue: 0x3) }
  public static var adminLocal: Self { Self(rawValue: 0x4) }
  public static var siteLocal: Self { Self(rawValue: 0x5) }
  public static var organizationLocal: Self { Self(rawValue: 0x8) }
  public static var global: Self { Self(rawValue: 0xE) }
}

extension IPv4Address {
  /// Loopback and link-local addresses reach over the link, all other unicast ones everywhere,
  /// private ones included (RFC 6724 §3.2); groups as RFC 2365 §8 maps them.
  public var scope: AddressScope {
    if isLoopback || isLinkLocal || isLimitedBroadcast { return .linkLocal }
    if rawValue >> 8 == 0xE0_0000 { return .linkLocal }
    if rawValue >> 16 == 0xEFFF { return .realmLocal }
    if rawValue >> 18 == 0x3BF0 { return .organizationLocal }
    return .global
  }
}

extension IPv6Address {
  /// A group's own scope field; for unicast link, site or global (RFC 6724 §3.1). Unique local
  /// addresses are global, a mapped address has the scope of the IPv4 one inside.
  public var scope: AddressScope {
    if isMulticast { return AddressScope(rawValue: octet(1) & 0xF) }
    if let ipv4 { return ipv4.scope }
    if isLinkLocal || isLoopback { return .linkLocal }
    return isSiteLocal ? .siteLocal : .global
  }
}

extension IPAddress {
  /// How far the address reaches (RFC 6724 §3.1).
  public var scope: AddressScope { mapped.scope }
}
