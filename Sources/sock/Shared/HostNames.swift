package import Addresses
import Foundation

/// The names of `/etc/hosts`, in the order of the file: the only names known here.
package struct HostNames: Sendable {
  /// A wish for one version of the Internet Protocol.
  package enum Version: Hashable, Sendable { case v4, v6 }

  private var addresses: [String: [IPAddress]] = [:]

  /// - Parameter text: as in `hosts(5)`: an address, names, a comment behind `#`.
  package init(text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let fields = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
      guard let first = fields.first, let address = IPAddress(first) else { continue }
      for name in fields.dropFirst() { addresses[name.lowercased(), default: []].append(address) }
    }
  }

  /// This machine's; none where there is no such file.
  package static var system: HostNames {
    HostNames(text: (try? String(contentsOfFile: "/etc/hosts", encoding: .utf8)) ?? "")
  }

  /// The first address of `host`, a name or a numeric address with or without brackets and zone.
  ///
  /// - Parameter version: the IP version it must be of; nil for either.
  /// - Returns: the address, its zone, and the port given.
  package func find(
    _ host: some StringProtocol, port: PortNumber = .any, version: Version? = nil
  ) throws(Complaint) -> SocketAddress {
    func suits(_ address: IPAddress) -> Bool {
      version.map { ($0 == .v4) == address.isIPv4 } ?? true
    }
    if let numeric = try? SocketAddress(parsingAddress: host, port: port) {
      if suits(numeric.address) { return numeric }
      throw Complaint("\(host) is an address of the other IP version")
    }
    guard let candidates = addresses[host.lowercased()] else {
      throw Complaint(
        "no address is known for \"\(host)\": give a numeric one, or a name from /etc/hosts")
    }
    guard let address = candidates.first(where: suits) else {
      throw Complaint("\"\(host)\" has no address of that IP version in /etc/hosts")
    }
    return SocketAddress(address, port: port)
  }

  /// The endpoint that `text` means: `tcp://192.0.2.1:80`, `tcp://name:80`, or without a transport
  /// in front where there is a `usual` one.
  package func endpoint(
    _ text: String, usual: TransportProtocol? = nil
  ) throws(Complaint) -> Endpoint {
    var transport = usual
    var rest = text[...]
    for candidate in TransportProtocol.allCases where rest.hasPrefix("\(candidate)://") {
      transport = candidate
      rest = rest.dropFirst("\(candidate)://".count)
    }
    guard let transport else { throw Self.complaint(about: text) }
    if transport == .ip { return Endpoint(.ip, try find(rest)) }
    if let numeric = try? SocketAddress(parsing: rest) { return Endpoint(transport, numeric) }
    guard let colon = rest.lastIndex(of: ":"), !rest[..<colon].contains(":"),
      let port = PortNumber(rest[rest.index(after: colon)...])
    else { throw Self.complaint(about: "\(transport)://\(rest)") }
    return Endpoint(transport, try find(rest[..<colon], port: port))
  }

  private static func complaint(about text: String) -> Complaint {
    do {
      return Complaint("\(try Endpoint(parsing: text)) does not suit")
    } catch {
      return Complaint("\(error); write it like tcp://192.0.2.1:80 or udp://[2001:db8::1]:53")
    }
  }
}
