extension IPv4Address: CustomStringConvertible {
  /// Four decimal numbers: `192.0.2.1`.
  public var description: String {
    String(octet(0)) + "." + String(octet(1)) + "." + String(octet(2)) + "." + String(octet(3))
  }

  /// Reads exactly four decimal numbers. No octal, no hexadecimal and no short forms, which
  /// different readers take for different addresses.
  public init(parsing text: some StringProtocol) throws(AddressError) {
    self = try AddressError.read(text, as: .ipv4Address) { (reader) throws(AddressError.Reason) in
      try reader.ipv4Address()
    }
  }

  /// - Returns: nothing where ``init(parsing:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let address = try? Self(parsing: text) else { return nil }
    self = address
  }
}

extension AddressReader {
  mutating func ipv4Address() throws(AddressError.Reason) -> IPv4Address {
    var value: UInt32 = 0
    var count = 0
    repeat {
      guard count < 4 else { throw .octetCount }
      let octet = try decimal(upTo: 255, orThrow: .octetTooLarge)
      value = value << 8 | UInt32(truncatingIfNeeded: octet)
      count &+= 1
    } while take(".")
    guard count == 4 else { throw isAtBoundary ? .octetCount : surprise }
    return IPv4Address(rawValue: value)
  }
}
