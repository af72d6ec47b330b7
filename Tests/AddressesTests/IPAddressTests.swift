import Addresses
import Testing

@Suite struct IPAddressTests {
  @Test("What comes first, a colon or a dot, decides the version")
  func text() throws {
    #expect(try IPAddress(parsing: "192.0.2.1") == .v4(IPv4Address(192, 0, 2, 1)))
    #expect(try IPAddress(parsing: "::1") == .v6(.loopback))
    #expect(IPAddress("::ffff:1.2.3.4")?.description == "::ffff:1.2.3.4")
    #expect(IPAddress("example.com") == nil)
    #expect(throws: AddressError(.ipAddress, text: "1.2.3", reason: .octetCount)) {
      try IPAddress(parsing: "1.2.3")
    }
  }

  @Test("Mapping to IPv6 and back loses nothing")
  func mapping() {
    let address = IPv4Address(192, 0, 2, 1)
    #expect(IPAddress.v4(address).mapped.description == "::ffff:192.0.2.1")
    #expect(IPAddress(unmapping: IPv6Address(mapping: address)) == .v4(address))
    #expect(IPAddress(unmapping: .loopback) == .v6(.loopback))
    #expect(IPv6Address.loopback.ipv4 == nil)
    var random = SplitMix64(seed: 128)
    for _ in 0..<1_000 {
      let four = IPAddress.v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: random.next())))
      #expect(IPAddress(unmapping: four.mapped) == four)
      let six = IPAddress.v6(IPv6Address(high: random.next() | 1, low: random.next()))
      #expect(six.mapped == IPv6Address(six.description))
      #expect(IPAddress(unmapping: six.mapped) == six)
    }
  }

  @Test(
    "The kinds of either version are asked in one place",
    arguments: [
      Kind(
        "unspecified", { $0.isUnspecified }, ["0.0.0.0", "::"], not: ["::ffff:0.0.0.0", "1.0.0.0"]),
      Kind("loopback", { $0.isLoopback }, ["127.9.9.9", "::1"], not: ["::2", "128.0.0.1"]),
      Kind(
        "multicast", { $0.isMulticast }, ["224.0.0.1", "ff02::1"],
        not: ["192.0.2.1", "2001:db8::1"]),
      Kind(
        "link-local", { $0.isLinkLocal }, ["169.254.1.1", "fe80::1"], not: ["10.0.0.1", "fec0::1"]),
      Kind("limited broadcast", { $0.isLimitedBroadcast }, ["255.255.255.255"], not: ["ff02::1"]),
      Kind(
        "private", { $0.isPrivate }, ["10.0.0.1", "fd00::1"], not: ["192.0.2.1", "2001:db8::1"]),
      Kind("IPv4", { $0.isIPv4 && $0.bitWidth == 32 }, ["1.2.3.4"], not: ["::ffff:1.2.3.4"]),
      Kind("IPv6", { $0.isIPv6 && $0.bitWidth == 128 }, ["::ffff:1.2.3.4"], not: ["1.2.3.4"]),
    ] as [Kind<IPAddress>])
  func kinds(kind: Kind<IPAddress>) throws {
    try kind.check { try IPAddress(parsing: $0) }
  }

  @Test("IPv4 sorts before IPv6, each by number")
  func order() throws {
    let texts = ["9.0.0.1", "10.0.0.1", "255.255.255.255", "::", "::1", "2001:db8::", "ff02::1"]
    let addresses = try texts.map { try IPAddress(parsing: $0) }
    #expect(addresses.reversed().sorted() == addresses)
  }

  /// RFC 6724 §3.1 and §3.2, RFC 4291 §2.7, RFC 2365 §8.
  @Test(
    "An address reaches as far as its kind",
    arguments: [
      ("127.0.0.1", .linkLocal), ("169.254.1.1", .linkLocal), ("10.0.0.1", .global),
      ("100.64.0.1", .global), ("192.0.2.1", .global), ("255.255.255.255", .linkLocal),
      ("224.0.0.251", .linkLocal), ("224.0.1.1", .global), ("239.255.0.1", .realmLocal),
      ("239.192.0.1", .organizationLocal), ("239.195.255.255", .organizationLocal),
      ("239.196.0.0", .global), ("::1", .linkLocal), ("fe80::1", .linkLocal),
      ("fec0::1", .siteLocal), ("fd00::1", .global), ("2001:db8::1", .global),
      ("::ffff:169.254.1.1", .linkLocal), ("::ffff:10.0.0.1", .global), ("::", .global),
      ("ff01::1", .interfaceLocal), ("ff02::1", .linkLocal), ("ff12::1", .linkLocal),
      ("ff04::1", .adminLocal), ("ff05::2", .siteLocal), ("ff08::1", .organizationLocal),
      ("ff0e::101", .global), ("ff0f::1", AddressScope(rawValue: 15)),
    ] as [(String, AddressScope)])
  func scope(text: String, scope: AddressScope) throws {
    #expect(try IPAddress(parsing: text).scope == scope)
  }

  @Test("Scopes compare by reach")
  func scopeOrder() {
    let scopes: [AddressScope] = [
      .interfaceLocal, .linkLocal, .realmLocal, .adminLocal, .siteLocal, .organizationLocal,
      .global,
    ]
    #expect(scopes.reversed().sorted() == scopes)
  }
}
