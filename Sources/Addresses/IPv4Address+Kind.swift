// What an IPv4 address is for, by the registry of special-purpose addresses (RFC 6890).

extension IPv4Address {
  /// `0.0.0.0`.
  public var isUnspecified: Bool { rawValue == 0 }

  /// In `0.0.0.0/8`: a host on this network, valid only as a source while it learns its address
  /// (RFC 1122 §3.2.1.3).
  public var isThisNetwork: Bool { rawValue >> 24 == 0 }

  /// In `127.0.0.0/8`: never seen on a wire (RFC 1122 §3.2.1.3).
  public var isLoopback: Bool { rawValue >> 24 == 127 }

  /// In `224.0.0.0/4` (RFC 5771).
  public var isMulticast: Bool { rawValue >> 28 == 0xE }

  /// In `169.254.0.0/16` (RFC 3927).
  public var isLinkLocal: Bool { rawValue >> 16 == 0xA9FE }

  /// `255.255.255.255`: every host on this link (RFC 919 §7).
  public var isLimitedBroadcast: Bool { rawValue == .max }

  /// In `240.0.0.0/4`, the former class E (RFC 1112 §4). The limited broadcast lies in it.
  public var isReserved: Bool { rawValue >> 28 == 0xF }

  /// In one of the three blocks for private networks (RFC 1918 §3).
  public var isPrivate: Bool {
    rawValue >> 24 == 10 || rawValue >> 20 == 0xAC1 || rawValue >> 16 == 0xC0A8
  }

  /// In `100.64.0.0/10`, between a provider's translator and its customers (RFC 6598 §7).
  public var isShared: Bool { rawValue >> 22 == 0x191 }

  /// In a block for examples in documents (RFC 5737 §3).
  public var isDocumentation: Bool {
    let block = rawValue >> 8
    return block == 0xC0_0002 || block == 0xC6_3364 || block == 0xCB_0071
  }
}
