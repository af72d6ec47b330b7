/// An IPv6 address (RFC 4291), 128 bits as two halves in host byte order.
public struct IPv6Address: Hashable, Sendable {
  /// The first 64 bits: the network's half in most addresses.
  public var high: UInt64
  /// The last 64 bits: the interface identifier in most addresses.
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// `::`: no address, or on binding every address (RFC 4291 §2.5.2).
  public static var any: Self { Self(high: 0, low: 0) }
  /// `::1` (RFC 4291 §2.5.3).
  public static var loopback: Self { Self(high: 0, low: 1) }
}
