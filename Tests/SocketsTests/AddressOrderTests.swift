import Addresses
import Sockets
import Testing

@Suite("The addresses of a name")
struct AddressOrderTests {
  @Test(
    "RFC 6724 §6: stand in the order to try them",
    arguments: [
      // Native IPv6 before IPv4, IPv4 before 6to4, Teredo and unique local last.
      (
        ["fd00::1", "2001::1", "2002::1", "192.0.2.1", "2001:db8::1"],
        ["2001:db8::1", "192.0.2.1", "2002::1", "2001::1", "fd00::1"]
      ),
      // What is nearer, where nothing else tells.
      (["2001:db8::1", "fe80::1%1"], ["fe80::1", "2001:db8::1"]),
      // Equals as they came.
      (["192.0.2.2", "192.0.2.1", "192.0.2.3"], ["192.0.2.2", "192.0.2.1", "192.0.2.3"]),
      (["::ffff:192.0.2.1", "::1"], ["::1", "::ffff:192.0.2.1"]),
    ])
  func order(given: [String], expected: [String]) async throws {
    let (node, _) = try await StackNode.pair()
    let lines = given.map { "\($0) name" }.joined(separator: "\n")
    let resolver = Resolver(
      on: node, configuration: ResolverConfiguration(servers: []), hosts: HostsTable(text: lines))
    #expect(try await resolver.addresses(of: "name").map(\.address.description) == expected)
  }
}
