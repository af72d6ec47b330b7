import Addresses
import Packets
import Sockets

extension NamedEndpoint {
  /// Reads what the person at the keyboard gave.
  static func given(
    _ text: String, usual: TransportProtocol? = nil
  ) throws(Complaint) -> NamedEndpoint {
    do throws(AddressError) {
      return try NamedEndpoint(parsing: text, usual: usual)
    } catch {
      throw Complaint("\(error); write it like tcp://192.0.2.1:80 or udp://name:53")
    }
  }

  /// Whether `text` can be an address, with its zone or not, or a name.
  static func isHost(_ text: String) -> Bool {
    (try? SocketAddress(parsingAddress: text, zones: { _ in 0 })) != nil || DomainName(text) != nil
  }

  /// The endpoint to use first, its name resolved as the node does.
  func endpoint(on node: any NetworkNode) async throws -> Endpoint {
    if let numeric { return numeric }
    let address = try await node.address(of: host, suits: { _ in true })
    return Endpoint(transport, SocketAddress(address.address, port: port, zone: address.zone))
  }
}

extension NetworkNode {
  /// The first address of a name or a number that suits.
  func address(
    of host: String, suits: (IPAddress) -> Bool
  ) async throws -> SocketAddress {
    let addresses = try await resolver.addresses(of: host)
    guard let address = addresses.first(where: { suits($0.address) }) else {
      throw Complaint("\"\(host)\" has no address of that IP version")
    }
    return address
  }
}
