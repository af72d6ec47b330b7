/// A transport port, 0 to 65,535 (RFC 6335). Zero asks for an ephemeral port where one is bound,
/// and is not a valid port on the wire.
public struct PortNumber: RawRepresentable, Hashable, Sendable, ExpressibleByIntegerLiteral {
  public var rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }
  public init(integerLiteral value: UInt16) { rawValue = value }

  /// The port that asks for an ephemeral one.
  public static var any: Self { 0 }
}

extension PortNumber: Comparable {
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
