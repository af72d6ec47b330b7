extension TransportProtocol: CustomStringConvertible {
  /// As before the `://` of an endpoint.
  public var description: String {
    switch self {
    case .tcp: "tcp"
    case .udp: "udp"
    case .ip: "ip"
    }
  }
}

extension Endpoint: CustomStringConvertible {
  /// `tcp://192.0.2.1:80`, `udp://[2001:db8::1]:53`, `ip://192.0.2.1`.
  public var description: String { text { _ in nil } }

  /// As ``description``, with zones called by name where `zoneName` knows one.
  public func text(zoneName: (UInt32) -> String?) -> String {
    let address =
      transport == .ip
      ? socketAddress.host(zoneName: zoneName) : socketAddress.text(zoneName: zoneName)
    return transport.description + "://" + address
  }

  /// Reads a transport protocol, `://`, and a socket address; after `ip://` an address alone, in
  /// brackets or not.
  ///
  /// - Parameter zones: the interface index of a zone given by name, as in `%eth0`.
  public init(
    parsing text: some StringProtocol, zones: (String) -> UInt32? = { _ in nil }
  ) throws(AddressError) {
    self = try AddressError.read(text, as: .endpoint) { (reader) throws(AddressError.Reason) in
      try reader.endpoint(zones)
    }
  }

  /// - Returns: nothing where ``init(parsing:zones:)`` throws.
  public init?(_ text: some StringProtocol) {
    guard let endpoint = try? Self(parsing: text) else { return nil }
    self = endpoint
  }
}

extension AddressReader {
  mutating func endpoint(_ zones: (String) -> UInt32?) throws(AddressError.Reason) -> Endpoint {
    let transport = try transport()
    guard transport == .ip else { return Endpoint(transport, try socketAddress(zones)) }
    let address = try scopedAddress(zones)
    if next == ":" { throw .portNotAllowed }
    return Endpoint(.ip, address)
  }

  private mutating func transport() throws(AddressError.Reason) -> TransportProtocol {
    guard next != nil else { throw .empty }
    let start = position
    let name = takeAll(before: ":")
    guard take(":"), take("/"), take("/") else {
      rewind(to: start)
      throw .missingTransport
    }
    switch name {
    case "tcp": return .tcp
    case "udp": return .udp
    case "ip": return .ip
    default: throw .unknownTransport(name)
    }
  }
}
