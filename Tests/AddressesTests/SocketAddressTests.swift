import Addresses
import Testing

@Suite struct SocketAddressTests {
  private static let interfaces: @Sendable (String) -> UInt32? = { $0 == "eth0" ? 3 : nil }

  @Test(
    "Socket addresses are read and printed",
    arguments: [
      ("192.0.2.1:80", "192.0.2.1:80"), ("0.0.0.0:0", "0.0.0.0:0"), ("[::]:0", "[::]:0"),
      ("[2001:DB8::1%3]:53", "[2001:db8::1%3]:53"), ("[fe80::1%eth0]:53", "[fe80::1%3]:53"),
      ("[fe80::1%0]:65535", "[fe80::1]:65535"),
      ("[fe80::1%4294967295]:1", "[fe80::1%4294967295]:1"),
      ("[::ffff:1.2.3.4]:1", "[::ffff:1.2.3.4]:1"),
    ])
  func text(text: String, canonical: String) throws {
    let address = try SocketAddress(parsing: text, zones: Self.interfaces)
    #expect(address.description == canonical)
    #expect(SocketAddress(canonical) == address)
  }

  @Test(
    "What is no socket address is refused, with the reason",
    arguments: [
      ("", .empty), ("192.0.2.1", .missingPort), ("192.0.2.1:", .missingPort),
      ("[::1]", .missingPort), ("[::1]:", .missingPort), ("192.0.2.1:65536", .portTooLarge),
      ("192.0.2.1:99999999999999999999", .portTooLarge), ("192.0.2.1:080", .leadingZero),
      ("192.0.2.1:http", .unexpected("h")), ("192.0.2.1:80 ", .unexpected(" ")),
      ("192.0.2:80", .octetCount), (":80", .unexpected(":")), ("::1:80", .missingBrackets),
      ("2001:db8::1", .missingBrackets), ("[::1", .unexpectedEnd), ("[::1:80", .unexpectedEnd),
      ("[::1]80", .unexpected("8")), ("[192.0.2.1]:80", .groupCount), ("[]:80", .unexpected("]")),
      ("192.0.2.1%3:80", .zoneNotAllowed), ("[fe80::1%]:80", .unexpected("]")),
      ("[fe80::1%", .unexpectedEnd), ("[fe80::1%03]:80", .leadingZero),
      ("[fe80::1%4294967296]:80", .zoneTooLarge), ("[fe80::1%eth1]:80", .unknownZone("eth1")),
      ("[fe80::1%3%4]:80", .unexpected("%")), ("example.com:80", .unexpected("e")),
    ] as [(String, AddressError.Reason)])
  func refusals(text: String, reason: AddressError.Reason) {
    #expect(throws: AddressError(.socketAddress, text: text, reason: reason)) {
      try SocketAddress(parsing: text, zones: Self.interfaces)
    }
    #expect(SocketAddress(text) == nil)
  }

  @Test("Zone names are refused where nobody knows them, and printed where somebody does")
  func zoneNames() throws {
    #expect(SocketAddress("[fe80::1%eth0]:80") == nil)
    let address = SocketAddress(.v6(IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 1)), port: 80, zone: 3)
    #expect(address.text { $0 == 3 ? "eth0" : nil } == "[fe80::1%eth0]:80")
    #expect(address.text { _ in nil } == "[fe80::1%3]:80")
  }

  @Test("An address alone is read with its zone, in brackets or not")
  func addressAlone() throws {
    let expected = SocketAddress(.v6(IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 1)), port: 7, zone: 3)
    for text in ["fe80::1%eth0", "fe80::1%3", "[fe80::1%3]"] {
      #expect(
        try SocketAddress(parsingAddress: text, port: 7, zones: Self.interfaces) == expected)
    }
    #expect(try SocketAddress(parsingAddress: "192.0.2.1").port == .any)
    #expect(throws: AddressError(.ipAddress, text: "192.0.2.1%3", reason: .zoneNotAllowed)) {
      try SocketAddress(parsingAddress: "192.0.2.1%3")
    }
    #expect(throws: AddressError(.ipAddress, text: "192.0.2.1:80", reason: .unexpected(":"))) {
      try SocketAddress(parsingAddress: "192.0.2.1:80")
    }
  }

  @Test("Printing and reading give the same socket address back")
  func roundTrip() {
    var random = SplitMix64(seed: 64)
    for round in 0..<1_000 {
      let port = PortNumber(rawValue: UInt16(truncatingIfNeeded: random.next()))
      let six = IPv6Address(high: random.next(), low: random.next())
      let four = IPv4Address(rawValue: UInt32(truncatingIfNeeded: random.next()))
      let zone = UInt32(truncatingIfNeeded: random.next())
      let address =
        round % 2 == 0
        ? SocketAddress(.v4(four), port: port) : SocketAddress(.v6(six), port: port, zone: zone)
      #expect(SocketAddress(address.description) == address)
      for transport in TransportProtocol.allCases {
        let endpoint = Endpoint(transport, address)
        #expect(Endpoint(endpoint.description) == endpoint)
      }
    }
  }

  @Test("Ports are decimal and 16 bits wide")
  func ports() throws {
    #expect(try PortNumber(parsing: "65535") == 65_535)
    #expect(PortNumber("0") == .any && PortNumber("80")?.description == "80")
    #expect(PortNumber(rawValue: 80) < 443)
    let wrong: [(String, AddressError.Reason)] = [
      ("65536", .portTooLarge), ("", .empty), ("+80", .unexpected("+")), ("00", .leadingZero),
      ("80x", .unexpected("x")),
    ]
    for (text, reason) in wrong {
      #expect(throws: AddressError(.port, text: text, reason: reason)) {
        try PortNumber(parsing: text)
      }
    }
  }
}
