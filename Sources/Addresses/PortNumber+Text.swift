extension PortNumber: CustomStringConvertible {
  /// In decimal.
  public var description: String { String(rawValue) }

  /// Reads a decimal number up to 65,535 without leading zeros.
  public init(parsing text: some StringProtocol) throws(AddressError) {
    self = try AddressError.read(text, as: .port) { (reader) throws(AddressError.Reason) in
      try reader.port()
    }
  }

  /// - Returns: nothing where ``init(parsing:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let port = try? Self(parsing: text) else { return nil }
    self = port
  }
}

extension AddressReader {
  mutating func port() throws(AddressError.Reason) -> PortNumber {
    let number = try decimal(upTo: 65_535, orThrow: .portTooLarge)
    return PortNumber(rawValue: UInt16(truncatingIfNeeded: number))
  }
}
