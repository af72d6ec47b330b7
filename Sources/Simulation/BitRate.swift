public import Packets

/// A transmission speed in bits per second, at least one.
public struct BitRate: Hashable, Comparable, Sendable {
  public var bitsPerSecond: Int64

  /// Zero and less count as one bit per second.
  public init(bitsPerSecond: Int64) { self.bitsPerSecond = max(1, bitsPerSecond) }

  public static func megabits(_ count: Int64) -> Self {
    Self(bitsPerSecond: count.multipliedReportingOverflow(by: 1_000_000).partialValue)
  }

  /// How long so many bytes take, rounded up to a whole nanosecond.
  public func time(for bytes: Int) -> Interval {
    let bits = UInt64(clamping: bytes) &* 8
    let product = bits.multipliedFullWidth(by: 1_000_000_000)
    let divisor = UInt64(bitsPerSecond)
    guard product.high < divisor else { return Interval(nanoseconds: .max) }
    let (quotient, remainder) = divisor.dividingFullWidth(product)
    return Interval(nanoseconds: Int64(clamping: remainder == 0 ? quotient : quotient &+ 1))
  }

  public static func < (a: Self, b: Self) -> Bool { a.bitsPerSecond < b.bitsPerSecond }
}
