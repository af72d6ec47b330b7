extension Prefix: CustomStringConvertible {
  /// The address with its host bits, a slash and the length: `10.7.0.2/24`.
  public var description: String { address.description + "/" + String(length) }

  /// Reads an address of either version, `/` and the length in decimal.
  public init(parsing text: some StringProtocol) throws(AddressError) {
    self = try AddressError.read(text, as: .prefix) { (reader) throws(AddressError.Reason) in
      try reader.prefix()
    }
  }

  /// - Returns: nothing where ``init(parsing:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let prefix = try? Self(parsing: text) else { return nil }
    self = prefix
  }
}

extension AddressReader {
  mutating func prefix() throws(AddressError.Reason) -> Prefix {
    let address = try ipAddress()
    guard next != nil else { throw .missingLength }
    try expect("/")
    let excess = AddressError.Reason.lengthTooLarge(maximum: address.bitWidth)
    let length = try decimal(upTo: UInt64(address.bitWidth), orThrow: excess)
    guard let prefix = Prefix(address, length: UInt8(truncatingIfNeeded: length)) else {
      throw excess
    }
    return prefix
  }
}
