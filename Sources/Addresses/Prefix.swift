/// An address with the length of its network part: `192.0.2.1/24`, `2001:db8::1/64` (RFC 4632,
/// RFC 4291 §2.3). The host bits are kept, so that one value names an interface's address too.
public struct Prefix: Hashable, Sendable {
  public var address: IPAddress
  /// Network bits: 0 to 32 for IPv4, 0 to 128 for IPv6.
  public let length: UInt8

  /// - Returns: nothing when `length` is beyond the address's width.
  public init?(_ address: IPAddress, length: UInt8) {
    guard length <= (address.isIPv4 ? 32 : 128) else { return nil }
    self.address = address
    self.length = length
  }
}
