/// A TCP sequence number: a point on a circle of 2^32 (RFC 9293 §3.4).
///
/// Not `Comparable` on purpose: the order of three points on a circle is not total. Ask
/// ``precedes(_:)`` about two points less than 2^31 apart, or measure with ``distance(to:)``.
public struct SequenceNumber: Hashable, Sendable, BitwiseCopyable {
  public var rawValue: UInt32

  @inline(__always)
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Whether this point lies before `other`, going the shorter way round.
  @inline(__always)
  public func precedes(_ other: Self) -> Bool {
    Int32(bitPattern: rawValue &- other.rawValue) < 0
  }

  /// Whether this point lies before `other` or is it.
  @inline(__always)
  public func precedesOrEquals(_ other: Self) -> Bool {
    Int32(bitPattern: rawValue &- other.rawValue) <= 0
  }

  /// The point `length` octets further on; negative lengths go back.
  @inline(__always)
  public func advanced(by length: Int) -> Self {
    Self(rawValue: rawValue &+ UInt32(truncatingIfNeeded: length))
  }

  /// Octets from here to `other`, going the shorter way round: -2^31 to 2^31 - 1.
  @inline(__always)
  public func distance(to other: Self) -> Int {
    Int(Int32(bitPattern: other.rawValue &- rawValue))
  }

  /// The later of two points less than 2^31 apart.
  @inline(__always)
  public static func later(_ a: Self, _ b: Self) -> Self { a.precedes(b) ? b : a }
}
