/// A 48-bit link-layer address (IEEE 802, "MAC address").
public struct EthernetAddress: Hashable, Sendable {
  /// The six octets in the low 48 bits, the first on the wire the most significant.
  public var rawValue: UInt64

  /// Bits above the 48th are dropped.
  public init(rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF_FFFF }

  /// From six octets in the order of the wire.
  public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8, _ e: UInt8, _ f: UInt8) {
    rawValue =
      UInt64(a) << 40 | UInt64(b) << 32 | UInt64(c) << 24
      | UInt64(d) << 16 | UInt64(e) << 8 | UInt64(f)
  }

  /// The address that frames for an IPv4 group go to: `01:00:5e` and the group's last 23 bits
  /// (RFC 1112 §6.4). Only meaningful for multicast addresses.
  public init(multicast group: IPv4Address) {
    rawValue = 0x0100_5E00_0000 | UInt64(group.rawValue & 0x7F_FFFF)
  }

  /// The address that frames for an IPv6 group go to: `33:33` and the group's last 32 bits
  /// (RFC 2464 §7). Only meaningful for multicast addresses.
  public init(multicast group: IPv6Address) {
    rawValue = 0x3333_0000_0000 | group.low & 0xFFFF_FFFF
  }

  /// The octet at `index`, 0 to 5 in the order of the wire; zero beyond.
  public func octet(_ index: Int) -> UInt8 {
    guard index >= 0, index < 6 else { return 0 }
    return UInt8(truncatingIfNeeded: rawValue >> (40 &- 8 &* index))
  }

  /// `00:00:00:00:00:00`: no station; what an ARP request has for the address it asks for.
  public var isUnspecified: Bool { rawValue & 0xFFFF_FFFF_FFFF == 0 }

  /// Meant for a group: the lowest bit of the first octet is set. The broadcast address is one.
  public var isMulticast: Bool { octet(0) & 1 != 0 }

  /// `ff:ff:ff:ff:ff:ff`.
  public var isBroadcast: Bool { self == .broadcast }

  /// Given by an administrator or at random rather than by a manufacturer.
  public var isLocallyAdministered: Bool { octet(0) & 2 != 0 }

  /// The modified EUI-64 interface identifier: `ff:fe` in the middle, the universal/local bit
  /// turned (RFC 4291 appendix A).
  public var interfaceIdentifier: UInt64 {
    let vendor = (rawValue >> 24) & 0xFF_FFFF
    let serial = rawValue & 0xFF_FFFF
    return (vendor << 40 | 0xFFFE << 24 | serial) ^ 0x0200_0000_0000_0000
  }

  /// `ff:ff:ff:ff:ff:ff`, every station on the link.
  public static var broadcast: Self { Self(rawValue: 0xFFFF_FFFF_FFFF) }
}
