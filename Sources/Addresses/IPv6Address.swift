/// An IPv6 address (RFC 4291), 128 bits as two halves in host byte order.
public struct IPv6Address: Hashable, Sendable, BitwiseCopyable {
  /// The first 64 bits: the network's half in most addresses.
  public var high: UInt64
  /// The last 64 bits: the interface identifier in most addresses.
  public var low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// From the eight groups of the written form: `2001:db8::1` is
  /// `IPv6Address(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1)`.
  public init(
    _ a: UInt16, _ b: UInt16, _ c: UInt16, _ d: UInt16,
    _ e: UInt16, _ f: UInt16, _ g: UInt16, _ h: UInt16
  ) {
    high = UInt64(a) << 48 | UInt64(b) << 32 | UInt64(c) << 16 | UInt64(d)
    low = UInt64(e) << 48 | UInt64(f) << 32 | UInt64(g) << 16 | UInt64(h)
  }

  /// The 16 bits at `index`, 0 to 7 in the order they are written; zero beyond.
  public func group(_ index: Int) -> UInt16 {
    guard index >= 0, index < 8 else { return 0 }
    let half = index < 4 ? high : low
    return UInt16(truncatingIfNeeded: half >> (48 &- 16 &* (index & 3)))
  }

  /// The octet at `index`, 0 to 15 in the order of the wire; zero beyond.
  public func octet(_ index: Int) -> UInt8 {
    guard index >= 0, index < 16 else { return 0 }
    let half = index < 8 ? high : low
    return UInt8(truncatingIfNeeded: half >> (56 &- 8 &* (index & 7)))
  }

  /// `::`: no address, or on binding every address (RFC 4291 §2.5.2).
  public static var any: Self { Self(high: 0, low: 0) }
  /// `::1` (RFC 4291 §2.5.3).
  public static var loopback: Self { Self(high: 0, low: 1) }
  /// `ff02::1`, every node on this link (RFC 4291 §2.7.1).
  public static var allNodes: Self { Self(high: 0xFF02 << 48, low: 1) }
  /// `ff02::2`, every router on this link (RFC 4291 §2.7.1).
  public static var allRouters: Self { Self(high: 0xFF02 << 48, low: 2) }
  /// `ff02::16`, where version 2 listener reports go (RFC 9777 §5.2.14).
  public static var listenerReportRouters: Self { Self(high: 0xFF02 << 48, low: 0x16) }
}

/// By number, the first group first.
extension IPv6Address: Comparable {
  public static func < (a: Self, b: Self) -> Bool {
    a.high == b.high ? a.low < b.low : a.high < b.high
  }
}
