import Addresses
import Testing

@Suite struct EndpointTests {
  @Test(
    "Endpoints are read and printed",
    arguments: [
      ("tcp://192.0.2.1:80", "tcp://192.0.2.1:80"),
      ("udp://[2001:DB8::1]:53", "udp://[2001:db8::1]:53"),
      ("tcp://[fe80::1%3]:7", "tcp://[fe80::1%3]:7"), ("ip://192.0.2.1", "ip://192.0.2.1"),
      ("ip://2001:db8::1", "ip://[2001:db8::1]"), ("ip://[fe80::1%3]", "ip://[fe80::1%3]"),
      ("ip://fe80::1%3", "ip://[fe80::1%3]"), ("tcp://0.0.0.0:0", "tcp://0.0.0.0:0"),
    ])
  func text(text: String, canonical: String) throws {
    let endpoint = try Endpoint(parsing: text)
    #expect(endpoint.description == canonical)
    #expect(Endpoint(canonical) == endpoint)
  }

  @Test(
    "What is no endpoint is refused, with the reason",
    arguments: [
      ("", .empty), ("192.0.2.1:80", .missingTransport), ("tcp:192.0.2.1:80", .missingTransport),
      ("tcp:/192.0.2.1:80", .missingTransport), ("://192.0.2.1:80", .unknownTransport("")),
      ("http://192.0.2.1:80", .unknownTransport("http")),
      ("TCP://192.0.2.1:80", .unknownTransport("TCP")), ("tcp://", .unexpectedEnd),
      ("tcp://192.0.2.1", .missingPort), ("tcp://192.0.2.1:80/", .unexpected("/")),
      ("tcp://::1:80", .missingBrackets), ("tcp://example.com:80", .unexpected("e")),
      ("ip://192.0.2.1:80", .portNotAllowed), ("ip://[::1]:80", .portNotAllowed),
      ("ip://", .unexpectedEnd), ("ip://192.0.2.1%3", .zoneNotAllowed),
      ("ip://fe80::1%eth0", .unknownZone("eth0")), ("[::1]:80", .missingTransport),
    ] as [(String, AddressError.Reason)])
  func refusals(text: String, reason: AddressError.Reason) {
    #expect(throws: AddressError(.endpoint, text: text, reason: reason)) {
      try Endpoint(parsing: text)
    }
    #expect(Endpoint(text) == nil)
  }

  @Test("Transports tell endpoints apart, and plain IP has no port")
  func identity() {
    let address = SocketAddress(.v4(.loopback), port: 53)
    #expect(Endpoint(.tcp, address) != Endpoint(.udp, address))
    #expect(Endpoint(.tcp, address) == .tcp(.v4(.loopback), port: 53))
    #expect(Endpoint(.udp, address) == .udp(.v4(.loopback), port: 53))
    #expect(Endpoint(.ip, address) == .ip(.v4(.loopback)))
    #expect(Endpoint(.ip, address).port == .any && Endpoint(.tcp, address).port == 53)
    #expect(Endpoint.ip(.v6(.loopback), zone: 4).zone == 4)
    #expect(Endpoint(.udp, address).address == .v4(.loopback))
  }

  @Test("Zones have names where somebody knows them")
  func zoneNames() throws {
    let endpoint = try Endpoint(parsing: "ip://fe80::1%eth0") { $0 == "eth0" ? 3 : nil }
    #expect(endpoint.zone == 3)
    #expect(endpoint.text { _ in "eth0" } == "ip://[fe80::1%eth0]")
    #expect(
      Endpoint.tcp(endpoint.address, port: 1, zone: 3).text { _ in "eth0" }
        == "tcp://[fe80::1%eth0]:1")
  }
}
