/// A point on the stack's own time line: nanoseconds since an origin that only its driver knows.
///
/// The core never reads a clock; whoever drives it passes the present in. Arithmetic saturates.
public struct Instant: Hashable, Comparable, Sendable, BitwiseCopyable {
  public var nanoseconds: Int64

  @inline(__always)
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  /// The origin.
  public static var zero: Self { Self(nanoseconds: 0) }
  /// Later than every deadline.
  public static var distantFuture: Self { Self(nanoseconds: .max) }

  @inline(__always)
  public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

  @inline(__always)
  public static func + (instant: Self, interval: Interval) -> Self {
    let (sum, overflow) = instant.nanoseconds.addingReportingOverflow(interval.nanoseconds)
    return Self(nanoseconds: overflow ? (interval.nanoseconds < 0 ? .min : .max) : sum)
  }

  /// The time from `earlier` to here.
  @inline(__always)
  public func since(_ earlier: Self) -> Interval {
    let (difference, overflow) = nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
    return Interval(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : difference)
  }
}

/// A length of time in nanoseconds. Arithmetic saturates at about 292 years and never traps.
public struct Interval: Hashable, Comparable, Sendable {
  public var nanoseconds: Int64

  @inline(__always)
  public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

  public static var zero: Self { Self(nanoseconds: 0) }
  public static func microseconds(_ count: Int64) -> Self { Self(nanoseconds: 1_000) * count }
  public static func milliseconds(_ count: Int64) -> Self { Self(nanoseconds: 1_000_000) * count }
  public static func seconds(_ count: Int64) -> Self { Self(nanoseconds: 1_000_000_000) * count }

  /// Whole milliseconds, rounded down.
  public var milliseconds: Int64 { nanoseconds / 1_000_000 }

  @inline(__always)
  public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

  @inline(__always)
  public static func + (a: Self, b: Self) -> Self {
    let (sum, overflow) = a.nanoseconds.addingReportingOverflow(b.nanoseconds)
    return Self(nanoseconds: overflow ? (b.nanoseconds < 0 ? .min : .max) : sum)
  }

  @inline(__always)
  public static func - (a: Self, b: Self) -> Self {
    let (difference, overflow) = a.nanoseconds.subtractingReportingOverflow(b.nanoseconds)
    return Self(nanoseconds: overflow ? (a.nanoseconds < 0 ? .min : .max) : difference)
  }

  @inline(__always)
  public static func * (a: Self, factor: Int64) -> Self {
    let (product, overflow) = a.nanoseconds.multipliedReportingOverflow(by: factor)
    return Self(
      nanoseconds: overflow ? ((a.nanoseconds < 0) != (factor < 0) ? .min : .max) : product)
  }

  /// The interval divided by `divisor`, rounded towards zero; by zero: unchanged.
  @inline(__always)
  public static func / (a: Self, divisor: Int64) -> Self {
    guard divisor != 0, divisor != -1 else { return divisor == 0 ? a : .zero - a }
    return Self(nanoseconds: a.nanoseconds / divisor)
  }
}
