extension EthernetAddress: CustomStringConvertible {
  /// Six octets in lower case hexadecimal: `02:00:5e:10:00:01`.
  public var description: String {
    var text = ""
    for index in 0..<6 {
      if index > 0 { text += ":" }
      text.appendHexadecimal(UInt32(octet(index)), width: 2)
    }
    return text
  }

  /// Reads six pairs of hexadecimal digits, all parted by `:` or all by `-`.
  public init(parsing text: some StringProtocol) throws(AddressError) {
    self = try AddressError.read(text, as: .ethernetAddress) {
      (reader) throws(AddressError.Reason) in
      try reader.ethernetAddress()
    }
  }

  /// - Returns: nothing where ``init(parsing:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let address = try? Self(parsing: text) else { return nil }
    self = address
  }
}

extension AddressReader {
  mutating func ethernetAddress() throws(AddressError.Reason) -> EthernetAddress {
    var value: UInt64 = 0
    var separator: Unicode.Scalar = ":"
    for index in 0..<6 {
      if index == 1, next == "-" { separator = "-" }
      if index > 0 { try expect(separator) }
      guard let first = hexadecimalDigit() else { throw surprise }
      guard let second = hexadecimalDigit() else { throw surprise }
      value = value << 8 | UInt64(first << 4 | second)
    }
    return EthernetAddress(rawValue: value)
  }
}
