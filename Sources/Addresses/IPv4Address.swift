/// An IPv4 address (RFC 791), 32 bits in host byte order.
public struct IPv4Address: Hashable, Sendable, BitwiseCopyable {
  /// The address as a number: 192.0.2.1 is `0xC000_0201`.
  public var rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
  }

  /// The octet at `index`, 0 to 3 in the order of the wire; zero beyond.
  public func octet(_ index: Int) -> UInt8 {
    guard index >= 0, index < 4 else { return 0 }
    return UInt8(truncatingIfNeeded: rawValue >> (24 &- 8 &* index))
  }

  /// `0.0.0.0`: no address, or on binding every address (RFC 1122 §3.2.1.3).
  public static var any: Self { Self(rawValue: 0) }
  /// `255.255.255.255`, every host on this link (RFC 919).
  public static var broadcast: Self { Self(rawValue: .max) }
  /// `127.0.0.1`.
  public static var loopback: Self { Self(rawValue: 0x7F00_0001) }
  /// `224.0.0.1`, every host on this link that takes multicast (RFC 1112 §4).
  public static var allSystems: Self { Self(rawValue: 0xE000_0001) }
  /// `224.0.0.2`, every router on this link.
  public static var allRouters: Self { Self(rawValue: 0xE000_0002) }
  /// `224.0.0.22`, where version 3 membership reports go (RFC 9776 §4.2.14).
  public static var membershipReportRouters: Self { Self(rawValue: 0xE000_0016) }
}

/// By number: `9.0.0.0` comes before `10.0.0.0`.
extension IPv4Address: Comparable {
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
