public import Addresses

/// A place to connect to that may be given by name: `tcp://www.example.org:80`. An ``Endpoint`` is
/// what it becomes when the name's addresses are known.
public struct NamedEndpoint: Hashable, Sendable {
  /// What carries the bytes.
  public let transport: TransportProtocol
  /// A name, or a numeric address with its zone and without brackets.
  public let host: String
  /// Zero where the transport is `ip`, which has none.
  public let port: PortNumber

  /// The host is taken as it stands.
  public init(_ transport: TransportProtocol, host: String, port: PortNumber) {
    self.transport = transport
    self.host = host
    self.port = transport == .ip ? .any : port
  }

  /// Reads a transport protocol, `://`, a name or an address, and a port; after `ip://` no port. A
  /// zone may be the name of one of this machine's interfaces.
  ///
  /// - Parameter usual: the transport where the text gives none; nil to insist on one.
  public init(
    parsing text: String, usual: TransportProtocol? = nil
  ) throws(AddressError) {
    try self.init(parsing: text, usual: usual, zones: SystemText.zone)
  }

  /// - Parameter zones: the number of the interface of that name.
  init(
    parsing text: String, usual: TransportProtocol?, zones: (String) -> UInt32?
  ) throws(AddressError) {
    var transport = usual
    var rest = text[...]
    for candidate in TransportProtocol.allCases where text.hasPrefix("\(candidate)://") {
      transport = candidate
      rest = text.dropFirst("\(candidate)://".count)
    }
    guard let transport else {
      throw AddressError(.endpoint, text: text, reason: .missingTransport)
    }
    if transport == .ip {
      self.init(transport, host: Self.withoutBrackets(rest), port: .any)
      return
    }
    // What has brackets, or would need them, is no name: read as an address, for its complaint.
    guard let colon = rest.lastIndex(of: ":"), !rest.contains("["),
      !rest[..<colon].contains(":"), !rest[..<colon].isEmpty
    else {
      let endpoint = try Endpoint(parsing: "\(transport)://\(rest)", zones: zones)
      let address = endpoint.address.description
      let zone = endpoint.zone == 0 ? "" : "%\(endpoint.zone)"
      self.init(transport, host: address + zone, port: endpoint.port)
      return
    }
    self.init(
      transport, host: String(rest[..<colon]),
      port: try PortNumber(parsing: rest[rest.index(after: colon)...]))
  }

  private static func withoutBrackets(_ host: Substring) -> String {
    host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : String(host)
  }

  /// The endpoint it is, where the host is numeric.
  public var numeric: Endpoint? {
    let address = try? SocketAddress(parsingAddress: host, port: port, zones: SystemText.zone)
    return address.map { Endpoint(transport, $0) }
  }
}

extension NamedEndpoint: CustomStringConvertible {
  /// `tcp://www.example.org:80`, `udp://[2001:db8::1]:53`.
  public var description: String {
    if let numeric { return numeric.description }
    return transport == .ip ? "ip://\(host)" : "\(transport)://\(host):\(port)"
  }
}
