/// An IPv4 address (RFC 791), 32 bits in host byte order.
public struct IPv4Address: Hashable, Sendable {
  /// The address as a number: 192.0.2.1 is `0xC000_0201`.
  public var rawValue: UInt32

  public init(rawValue: UInt32) { self.rawValue = rawValue }

  public init(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
    rawValue = UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)
  }

  /// `0.0.0.0`: no address, or on binding every address (RFC 1122 §3.2.1.3).
  public static var any: Self { Self(rawValue: 0) }
  /// `255.255.255.255`, every host on this link (RFC 919).
  public static var broadcast: Self { Self(rawValue: .max) }
  /// `127.0.0.1`.
  public static var loopback: Self { Self(rawValue: 0x7F00_0001) }
}
