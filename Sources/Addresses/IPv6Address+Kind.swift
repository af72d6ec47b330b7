// What an IPv6 address is for (RFC 4291 §2.4), and the addresses derived from it.

extension IPv6Address {
  /// `::`.
  public var isUnspecified: Bool { high == 0 && low == 0 }

  /// `::1`: never seen on a wire (RFC 4291 §2.5.3).
  public var isLoopback: Bool { high == 0 && low == 1 }

  /// In `ff00::/8` (RFC 4291 §2.7).
  public var isMulticast: Bool { high >> 56 == 0xFF }

  /// In `fe80::/10` (RFC 4291 §2.5.6).
  public var isLinkLocal: Bool { high >> 54 == 0x3FA }

  /// In `fec0::/10`, deprecated (RFC 3879) and known only to address selection.
  public var isSiteLocal: Bool { high >> 54 == 0x3FB }

  /// In `fc00::/7` (RFC 4193 §3.1).
  public var isUniqueLocal: Bool { high >> 57 == 0x7E }

  /// In `::ffff:0:0/96`: an IPv4 address in IPv6 clothes (RFC 4291 §2.5.5.2).
  public var isIPv4Mapped: Bool { high == 0 && low >> 32 == 0xFFFF }

  /// In a block for examples in documents (RFC 3849 §2, RFC 9637 §2).
  public var isDocumentation: Bool { high >> 32 == 0x2001_0DB8 || high >> 44 == 0x3FFF0 }

  /// In `ff02::1:ff00:0/104` (RFC 4291 §2.7.1).
  public var isSolicitedNode: Bool { high == 0xFF02 << 48 && low >> 24 == 0x1FF }

  /// The IPv4 address inside a mapped one (RFC 4291 §2.5.5.2), else nothing.
  public var ipv4: IPv4Address? {
    isIPv4Mapped ? IPv4Address(rawValue: UInt32(truncatingIfNeeded: low)) : nil
  }

  /// The multicast address on which the owner of this one is asked for: `ff02::1:ffXX:XXXX` with
  /// this one's last 24 bits (RFC 4291 §2.7.1).
  public var solicitedNode: Self {
    Self(high: 0xFF02 << 48, low: 0x1_FF00_0000 | low & 0xFF_FFFF)
  }

  /// `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2).
  public init(mapping address: IPv4Address) {
    self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(address.rawValue))
  }

  /// `fe80::` and the interface identifier of a link-layer address (RFC 2464 §5).
  public init(linkLocal address: EthernetAddress) {
    self.init(high: 0xFE80 << 48, low: address.interfaceIdentifier)
  }
}
