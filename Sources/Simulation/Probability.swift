/// How likely something is, as a count out of 2^32, so that a draw compares integers.
public struct Probability: Hashable, Comparable, Sendable {
  /// 0 to 2^32.
  let threshold: UInt64

  private init(threshold: UInt64) { self.threshold = threshold }

  /// The fraction, cut to 0...1; what is not a number counts as 0.
  public init(_ fraction: Double) {
    guard fraction > 0 else {
      self = .never
      return
    }
    guard fraction < 1 else {
      self = .always
      return
    }
    threshold = UInt64(fraction * 4_294_967_296)
  }

  /// So many out of a hundred.
  public static func percent(_ percent: Double) -> Self { Self(percent / 100) }

  public static var never: Self { Self(threshold: 0) }
  public static var always: Self { Self(threshold: 1 &<< 32) }

  /// As a fraction, 0 to 1.
  public var fraction: Double { Double(threshold) / 4_294_967_296 }

  public static func < (a: Self, b: Self) -> Bool { a.threshold < b.threshold }
}
