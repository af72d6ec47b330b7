import Addresses
import Testing

@Suite struct IPv4AddressTests {
  @Test("Dotted decimal is read and printed")
  func text() throws {
    #expect(try IPv4Address(parsing: "192.0.2.1") == IPv4Address(192, 0, 2, 1))
    #expect(IPv4Address("0.0.0.0") == .any)
    #expect(IPv4Address("255.255.255.255") == .broadcast)
    #expect(IPv4Address("127.0.0.1") == .loopback)
    #expect(IPv4Address(10, 200, 30, 4).description == "10.200.30.4")
    #expect(IPv4Address("x10.0.0.1".dropFirst()) == IPv4Address(10, 0, 0, 1))
  }

  @Test(
    "What is not strict dotted decimal is refused, with the reason",
    arguments: [
      ("", .empty), (" 1.2.3.4", .unexpected(" ")), ("1.2.3.4 ", .unexpected(" ")),
      ("1", .octetCount), ("1.2.3", .octetCount), ("1.2.3.", .unexpectedEnd),
      ("1.2.3.4.", .octetCount), ("1.2.3.4.5", .octetCount), (".1.2.3", .unexpected(".")),
      ("1..2.3", .unexpected(".")), ("256.0.0.1", .octetTooLarge),
      ("1.2.3.99999999999999999999999", .octetTooLarge), ("01.2.3.4", .leadingZero),
      ("1.2.3.00", .leadingZero), ("0x7f.0.0.1", .unexpected("x")), ("2130706433", .octetTooLarge),
      ("1.2.3.-4", .unexpected("-")), ("1.2.3.4\n", .unexpected("\n")),
      ("1.2.3.4\0", .unexpected("\0")), ("١.2.3.4", .unexpected("١")),
      ("a.b.c.d", .unexpected("a")),
      ("1.2.3x", .unexpected("x")),
      ("::1", .unexpected(":")), (String(repeating: "1", count: 256), .tooLong),
    ] as [(String, AddressError.Reason)])
  func refusals(text: String, reason: AddressError.Reason) {
    let expected = AddressError(.ipv4Address, text: String(text.prefix(255)), reason: reason)
    #expect(throws: expected) { try IPv4Address(parsing: text) }
    #expect(IPv4Address(text) == nil)
  }

  @Test("Printing and reading give the same address back")
  func roundTrip() {
    var random = SplitMix64(seed: 4)
    for _ in 0..<2_000 {
      let address = IPv4Address(rawValue: UInt32(truncatingIfNeeded: random.next()))
      #expect(IPv4Address(address.description) == address)
    }
  }

  @Test("Octets come in the order of the wire, none beyond the fourth")
  func octets() {
    let address = IPv4Address(1, 2, 3, 4)
    #expect((-1...4).map(address.octet) == [0, 1, 2, 3, 4, 0])
    #expect(address.octet(.min) == 0 && address.octet(.max) == 0)
  }

  @Test("Addresses are ordered by number, not by text")
  func order() throws {
    #expect(IPv4Address(9, 0, 0, 0) < IPv4Address(10, 0, 0, 0))
    #expect(IPv4Address(10, 0, 0, 0) < IPv4Address(10, 0, 0, 1))
  }

  @Test(
    "Each kind begins and ends where its block does",
    arguments: [
      Kind("this network", { $0.isThisNetwork }, ["0.0.0.0", "0.255.255.255"], not: ["1.0.0.0"]),
      Kind("unspecified", { $0.isUnspecified }, ["0.0.0.0"], not: ["0.0.0.1"]),
      Kind(
        "loopback", { $0.isLoopback }, ["127.0.0.0", "127.255.255.255"],
        not: ["126.255.255.255", "128.0.0.0"]),
      Kind(
        "multicast", { $0.isMulticast }, ["224.0.0.0", "239.255.255.255"],
        not: ["223.255.255.255", "240.0.0.0"]),
      Kind(
        "link-local", { $0.isLinkLocal }, ["169.254.0.0", "169.254.255.255"],
        not: ["169.253.255.255", "169.255.0.0"]),
      Kind(
        "limited broadcast", { $0.isLimitedBroadcast }, ["255.255.255.255"],
        not: ["255.255.255.254"]),
      Kind(
        "reserved", { $0.isReserved }, ["240.0.0.0", "255.255.255.254", "255.255.255.255"],
        not: ["239.255.255.255"]),
      Kind(
        "private", { $0.isPrivate },
        [
          "10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0",
          "192.168.255.255",
        ],
        not: [
          "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255",
          "192.169.0.0",
        ]),
      Kind(
        "shared", { $0.isShared }, ["100.64.0.0", "100.127.255.255"],
        not: ["100.63.255.255", "100.128.0.0"]),
      Kind(
        "documentation", { $0.isDocumentation },
        ["192.0.2.0", "192.0.2.255", "198.51.100.7", "203.0.113.7"],
        not: ["192.0.1.255", "192.0.3.0", "198.51.101.0", "203.0.112.255"]),
    ] as [Kind<IPv4Address>])
  func kinds(kind: Kind<IPv4Address>) throws {
    try kind.check { try IPv4Address(parsing: $0) }
  }
}
