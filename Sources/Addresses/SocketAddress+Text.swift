extension SocketAddress: CustomStringConvertible {
  /// `192.0.2.1:80`, `[2001:db8::1]:80`, `[fe80::1%3]:80` (RFC 5952 §6, RFC 4007 §11).
  public var description: String { text { _ in nil } }

  /// As ``description``, with zones called by name where `zoneName` knows one.
  public func text(zoneName: (UInt32) -> String?) -> String {
    host(zoneName: zoneName) + ":" + port.description
  }

  /// The address and its zone without the port, an IPv6 address in brackets.
  func host(zoneName: (UInt32) -> String?) -> String {
    guard case .v6(let address) = address else { return address.description }
    guard zone != 0 else { return "[" + address.description + "]" }
    return "[" + address.description + "%" + (zoneName(zone) ?? String(zone)) + "]"
  }

  /// Reads `address:port`, an IPv6 address in brackets and, if it has one, with its zone.
  ///
  /// - Parameter zones: the interface index of a zone given by name, as in `%eth0`. Zones given by
  ///   number need no answer; where nobody is asked, names are refused.
  public init(
    parsing text: some StringProtocol, zones: (String) -> UInt32? = { _ in nil }
  ) throws(AddressError) {
    self = try AddressError.read(text, as: .socketAddress) {
      (reader) throws(AddressError.Reason) in
      try reader.socketAddress(zones)
    }
  }

  /// - Returns: nothing where ``init(parsing:zones:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let address = try? Self(parsing: text) else { return nil }
    self = address
  }

  /// Reads an address alone, with or without brackets and zone, for those who have the port from
  /// elsewhere or need none: `fe80::1%eth0`.
  public init(
    parsingAddress text: some StringProtocol, port: PortNumber = .any,
    zones: (String) -> UInt32? = { _ in nil }
  ) throws(AddressError) {
    self = try AddressError.read(text, as: .ipAddress) { (reader) throws(AddressError.Reason) in
      try reader.scopedAddress(zones)
    }
    self.port = port
  }
}

extension AddressReader {
  mutating func socketAddress(
    _ zones: (String) -> UInt32?
  ) throws(AddressError.Reason) -> SocketAddress {
    var result: SocketAddress
    if next == "[" {
      result = try bracketedAddress(zones)
    } else {
      if holdsSeveralColons { throw .missingBrackets }
      result = SocketAddress(.v4(try ipv4Address()), port: .any)
      if next == "%" { throw .zoneNotAllowed }
    }
    guard next != nil else { throw .missingPort }
    try expect(":")
    guard next != nil else { throw .missingPort }
    result.port = try port()
    return result
  }

  /// An address with its zone and without a port, brackets optional.
  mutating func scopedAddress(
    _ zones: (String) -> UInt32?
  ) throws(AddressError.Reason) -> SocketAddress {
    if next == "[" { return try bracketedAddress(zones) }
    return try unbracketedAddress(zones)
  }

  private mutating func bracketedAddress(
    _ zones: (String) -> UInt32?
  ) throws(AddressError.Reason) -> SocketAddress {
    try expect("[")
    let address = IPAddress.v6(try ipv6Address())
    let zone = take("%") ? try zone(zones) : 0
    try expect("]")
    return SocketAddress(address, port: .any, zone: zone)
  }

  private mutating func unbracketedAddress(
    _ zones: (String) -> UInt32?
  ) throws(AddressError.Reason) -> SocketAddress {
    let address = try ipAddress()
    guard take("%") else { return SocketAddress(address, port: .any) }
    guard address.isIPv6 else { throw .zoneNotAllowed }
    return SocketAddress(address, port: .any, zone: try zone(zones))
  }

  /// RFC 4007 §11.2: a number of 32 bits, or a name that this node knows an interface by.
  private mutating func zone(
    _ zones: (String) -> UInt32?
  ) throws(AddressError.Reason) -> UInt32 {
    let start = position
    let name = takeAll(before: "]", "/", "%")
    if name.isEmpty { throw surprise }
    if name.unicodeScalars.contains(where: { $0.decimalDigit == nil }) {
      guard let index = zones(name) else { throw .unknownZone(name) }
      return index
    }
    rewind(to: start)
    let number = try decimal(upTo: UInt64(UInt32.max), orThrow: .zoneTooLarge)
    return UInt32(truncatingIfNeeded: number)
  }
}
