extension IPAddress: CustomStringConvertible {
  /// As either version writes it.
  public var description: String {
    switch self {
    case .v4(let address): address.description
    case .v6(let address): address.description
    }
  }

  /// Reads an IPv6 address where a colon comes before any dot, else an IPv4 address.
  public init(parsing text: some StringProtocol) throws(AddressError) {
    self = try AddressError.read(text, as: .ipAddress) { (reader) throws(AddressError.Reason) in
      try reader.ipAddress()
    }
  }

  /// - Returns: nothing where ``init(parsing:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let address = try? Self(parsing: text) else { return nil }
    self = address
  }
}

extension AddressReader {
  mutating func ipAddress() throws(AddressError.Reason) -> IPAddress {
    hasColonFirst ? .v6(try ipv6Address()) : .v4(try ipv4Address())
  }
}
