import Addresses
import Testing

@Suite struct IPv6AddressTests {
  /// RFC 4291 §2.2 and RFC 5952 §1, §2 and §4: forms that are read, and the one that is printed.
  @Test(
    "Every form is read and the canonical one printed",
    arguments: [
      ("ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
      ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
      ("FF01:0:0:0:0:0:0:101", "ff01::101"), ("FF01::101", "ff01::101"),
      ("0:0:0:0:0:0:0:1", "::1"), ("::1", "::1"), ("0:0:0:0:0:0:0:0", "::"), ("::", "::"),
      ("0::0", "::"), ("::0:0", "::"),
      ("::13.1.68.3", "::d01:4403"), ("0:0:0:0:0:0:13.1.68.3", "::d01:4403"),
      ("::FFFF:129.144.52.38", "::ffff:129.144.52.38"),
      ("0:0:0:0:0:FFFF:8190:3426", "::ffff:129.144.52.38"),
      ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:0db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8::0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("2001:0db8::1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8:0:0:1::1", "2001:db8::1:0:0:1"),
      ("2001:db8:aaaa:bbbb:cccc:dddd::1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"),
      ("2001:db8:aaaa:bbbb:cccc:dddd:0:1", "2001:db8:aaaa:bbbb:cccc:dddd:0:1"),
      ("2001:db8:0:0:0::1", "2001:db8::1"), ("2001:db8:0:0::1", "2001:db8::1"),
      ("2001:db8::aaaa:0:0:1", "2001:db8::aaaa:0:0:1"),
      ("2001:db8:0:0:aaaa::1", "2001:db8::aaaa:0:0:1"),
      ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
      ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
      ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
      ("1:0:0:0:0:0:0:0", "1::"), ("1::", "1::"), ("0:1:0:1:0:1:0:1", "0:1:0:1:0:1:0:1"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
      ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
      ("::ffff:0:0", "::ffff:0.0.0.0"), ("0:0:0:0:ffff:0:0:0", "::ffff:0:0:0"),
    ])
  func canonicalForm(text: String, canonical: String) throws {
    let address = try IPv6Address(parsing: text)
    #expect(address.description == canonical)
    #expect(try IPv6Address(parsing: canonical) == address)
  }

  @Test(
    "What is no IPv6 address is refused, with the reason",
    arguments: [
      ("", .empty), (":", .unexpectedEnd), (":1", .unexpected("1")), (":::", .unexpected(":")),
      ("1:::2", .unexpected(":")), ("1::2::3", .secondCompression), ("1:2:3:4:5:6:7", .groupCount),
      ("1:2:3:4:5:6:7:8:9", .groupCount), ("1:2:3:4:5:6:7:8:", .unexpectedEnd),
      ("1:2:3:4:5:6:7:8::", .groupCount), ("::1:2:3:4:5:6:7:8", .groupCount),
      ("1:2:3:4::5:6:7:8", .groupCount), ("12345::", .groupTooLong), ("::00000", .groupTooLong),
      ("g::", .unexpected("g")), ("1:g::", .unexpected("g")), ("::g", .unexpected("g")),
      ("1:2:3g", .unexpected("g")), ("192.0.2.1", .groupCount), ("::1.2.3", .octetCount),
      ("::1.2.3.4.5", .octetCount), ("::256.2.3.4", .octetTooLarge), ("::01.2.3.4", .leadingZero),
      ("::a.2.3.4", .unexpected("a")), ("::1.2.3.4:5", .unexpected(":")),
      ("1:2:3:4:5:6:7:1.2.3.4", .groupCount), ("::1:.", .unexpected(".")),
      ("fe80::1%3", .unexpected("%")), ("[::1]", .unexpected("[")), ("::1/64", .unexpected("/")),
      ("::1 ", .unexpected(" ")), ("1:", .unexpectedEnd), ("1", .groupCount),
      (String(repeating: "1:", count: 200), .tooLong),
    ] as [(String, AddressError.Reason)])
  func refusals(text: String, reason: AddressError.Reason) {
    let expected = AddressError(.ipv6Address, text: String(text.prefix(255)), reason: reason)
    #expect(throws: expected) { try IPv6Address(parsing: text) }
    #expect(IPv6Address(text) == nil)
  }

  @Test("Printing and reading give the same address back, in lower case and without waste")
  func roundTrip() {
    var random = SplitMix64(seed: 6)
    for _ in 0..<4_000 {
      let address = IPv6Address(
        random.group(), random.shortGroup(), random.group(), random.shortGroup(),
        random.group(), random.shortGroup(), random.group(), random.shortGroup())
      let text = address.description
      #expect(IPv6Address(text) == address)
      #expect(IPv6Address(text.uppercased()) == address)
      #expect(text == text.lowercased())
      let full = (0..<8).map { String(address.group($0), radix: 16) }.joined(separator: ":")
      #expect(IPv6Address(full) == address)
      #expect(address.isIPv4Mapped || text.utf8.count <= full.utf8.count)
    }
  }

  @Test("Groups and octets come in the order of the wire, none beyond the last")
  func parts() {
    let address = IPv6Address(0x0102, 0x0304, 0x0506, 0x0708, 0x090A, 0x0B0C, 0x0D0E, 0x0F10)
    #expect(address.high == 0x0102_0304_0506_0708 && address.low == 0x090A_0B0C_0D0E_0F10)
    #expect((0..<16).map(address.octet) == Array(1...16))
    #expect((0..<8).map(address.group).first == 0x0102 && address.group(7) == 0x0F10)
    for index in [Int.min, -1, 16, .max] { #expect(address.octet(index) == 0) }
    for index in [Int.min, -1, 8, .max] { #expect(address.group(index) == 0) }
  }

  @Test("Addresses are ordered by number")
  func order() {
    #expect(IPv6Address(high: 1, low: .max) < IPv6Address(high: 2, low: 0))
    #expect(IPv6Address(high: 2, low: 0) < IPv6Address(high: 2, low: 1))
  }

  @Test(
    "Each kind begins and ends where its block does",
    arguments: [
      Kind("unspecified", { $0.isUnspecified }, ["::"], not: ["::1", "1::"]),
      Kind("loopback", { $0.isLoopback }, ["::1"], not: ["::", "::2", "1::1"]),
      Kind(
        "multicast", { $0.isMulticast }, ["ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        not: ["feff:ffff::"]),
      Kind(
        "link-local", { $0.isLinkLocal }, ["fe80::", "febf:ffff::1"],
        not: ["fe7f:ffff::", "fec0::"]),
      Kind(
        "site-local", { $0.isSiteLocal }, ["fec0::", "feff:ffff::1"],
        not: ["febf:ffff::", "ff00::"]),
      Kind(
        "unique local", { $0.isUniqueLocal }, ["fc00::", "fdff:ffff::1"],
        not: ["fbff:ffff::", "fe00::"]),
      Kind(
        "mapped", { $0.isIPv4Mapped }, ["::ffff:0.0.0.0", "::ffff:255.255.255.255"],
        not: ["::fffe:ffff:ffff", "::1:0:0:0", "1::ffff:1.2.3.4"]),
      Kind(
        "documentation", { $0.isDocumentation },
        ["2001:db8::", "2001:db8:ffff::", "3fff::", "3fff:fff:ffff::"],
        not: ["2001:db7:ffff::", "2001:db9::", "3ffe:ffff::", "3fff:1000::"]),
      Kind(
        "solicited-node", { $0.isSolicitedNode }, ["ff02::1:ff00:0", "ff02::1:ffff:ffff"],
        not: ["ff02::1:fe00:0", "ff02::2:ff00:0", "ff05::1:ff00:0"]),
    ] as [Kind<IPv6Address>])
  func kinds(kind: Kind<IPv6Address>) throws {
    try kind.check { try IPv6Address(parsing: $0) }
  }

  @Test("The solicited-node address keeps the last 24 bits")
  func solicitedNode() {
    let address = IPv6Address(0x4037, 0, 0, 0, 1, 0x0800, 0x200E, 0x8C6C)
    #expect(address.solicitedNode.description == "ff02::1:ff0e:8c6c")
    #expect(address.solicitedNode.isSolicitedNode && address.solicitedNode.isMulticast)
  }

  @Test("The well-known groups are those of the registry")
  func groups() {
    #expect(IPv6Address.allNodes.description == "ff02::1")
    #expect(IPv6Address.allRouters.description == "ff02::2")
    #expect(IPv6Address.listenerReportRouters.description == "ff02::16")
    #expect(IPv4Address.allSystems.description == "224.0.0.1")
    #expect(IPv4Address.allRouters.description == "224.0.0.2")
    #expect(IPv4Address.membershipReportRouters.description == "224.0.0.22")
  }
}
