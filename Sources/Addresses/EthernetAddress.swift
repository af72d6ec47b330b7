/// A 48-bit link-layer address (IEEE 802, "MAC address").
public struct EthernetAddress: Hashable, Sendable {
  /// The six octets in the low 48 bits, the first on the wire the most significant.
  public var rawValue: UInt64

  /// Bits above the 48th are dropped.
  public init(rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF_FFFF }

  /// `ff:ff:ff:ff:ff:ff`, every station on the link.
  public static var broadcast: Self { Self(rawValue: 0xFFFF_FFFF_FFFF) }
}
