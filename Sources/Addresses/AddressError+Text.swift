extension AddressError: CustomStringConvertible {
  /// A sentence without a full stop: `"10.0.0.256" is not an IPv4 address: …`. Whatever could
  /// steer a terminal is escaped.
  public var description: String {
    "\"" + text.printable + "\" is not " + subject.description + ": " + reason.description
  }
}

extension AddressError.Subject: CustomStringConvertible {
  /// With its article.
  public var description: String {
    switch self {
    case .ipv4Address: "an IPv4 address"
    case .ipv6Address: "an IPv6 address"
    case .ipAddress: "an IP address"
    case .ethernetAddress: "an Ethernet address"
    case .port: "a port number"
    case .prefix: "an address prefix"
    case .socketAddress: "a socket address"
    case .endpoint: "an endpoint"
    }
  }
}

extension AddressError.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .empty: "it is empty"
    case .tooLong: "it is longer than 255 characters"
    case .unexpected(let scalar): "unexpected '" + String(scalar).printable + "'"
    case .unexpectedEnd: "it ends too early"
    case .octetCount: "an IPv4 address has four numbers"
    case .octetTooLarge: "a number in an IPv4 address is at most 255"
    case .leadingZero: "a decimal number may not begin with zero"
    case .groupCount: "an IPv6 address has eight groups, or fewer and one '::'"
    case .groupTooLong: "a group has at most four hexadecimal digits"
    case .secondCompression: "'::' may stand only once"
    case .missingLength: "the prefix length is missing, as in '/24'"
    case .lengthTooLarge(let maximum): "the prefix length is at most " + String(maximum)
    case .missingPort: "the port is missing, as in ':80'"
    case .portTooLarge: "a port is at most 65535"
    case .portNotAllowed: "plain IP has no ports"
    case .missingBrackets: "an IPv6 address before a port needs brackets, as in '[::1]:80'"
    case .zoneNotAllowed: "only IPv6 addresses have zones"
    case .zoneTooLarge: "a zone number is at most 4294967295"
    case .unknownZone(let name): "there is no interface '" + name.printable + "'"
    case .missingTransport: "the transport is missing, as in 'tcp://'"
    case .unknownTransport(let name):
      "the transport is 'tcp', 'udp' or 'ip', not '" + name.printable + "'"
    }
  }
}

extension String {
  /// The text with all but visible ASCII written as `\u{…}`.
  var printable: String {
    var result = ""
    for scalar in unicodeScalars {
      if scalar.value >= 0x20, scalar.value < 0x7F {
        result.unicodeScalars.append(scalar)
      } else {
        result += "\\u{"
        result.appendHexadecimal(scalar.value)
        result += "}"
      }
    }
    return result
  }
}
