import Addresses
import Testing

@Suite struct PrefixTests {
  @Test("Prefixes are read and printed with their host bits")
  func text() throws {
    let prefix = try Prefix(parsing: "10.7.0.2/24")
    #expect(prefix.address == .v4(IPv4Address(10, 7, 0, 2)) && prefix.length == 24)
    #expect(prefix.description == "10.7.0.2/24")
    #expect(Prefix("2001:DB8::1/64")?.description == "2001:db8::1/64")
    #expect(Prefix("0.0.0.0/0")?.length == 0)
    #expect(Prefix("::/128")?.length == 128)
    #expect(Prefix(host: .v6(.loopback)).description == "::1/128")
    #expect(Prefix(.v4(.any), length: 33) == nil && Prefix(.v6(.any), length: 129) == nil)
  }

  @Test(
    "What is no prefix is refused, with the reason",
    arguments: [
      ("", .empty), ("10.7.0.2", .missingLength), ("::1", .missingLength),
      ("10.7.0.2/", .unexpectedEnd), ("10.7.0.2/33", .lengthTooLarge(maximum: 32)),
      ("::/129", .lengthTooLarge(maximum: 128)), ("10.7.0.2/024", .leadingZero),
      ("10.7.0.2/-1", .unexpected("-")), ("10.7.0.2/24x", .unexpected("x")),
      ("10.7/16", .octetCount), ("2001:db8/32", .groupCount), ("fe80::1%3/64", .unexpected("%")),
      ("10.7.0.2/255.255.255.0", .lengthTooLarge(maximum: 32)), ("10.7.0.2 /24", .unexpected(" ")),
    ] as [(String, AddressError.Reason)])
  func refusals(text: String, reason: AddressError.Reason) {
    #expect(throws: AddressError(.prefix, text: text, reason: reason)) {
      try Prefix(parsing: text)
    }
    #expect(Prefix(text) == nil)
  }

  @Test("IPv4 masks, networks and broadcasts are right for every length", arguments: 0...32)
  func everyIPv4Length(length: UInt8) throws {
    let address = IPv4Address(rawValue: 0xA5C3_965A)
    let prefix = try #require(Prefix(.v4(address), length: length))
    var mask: UInt32 = 0
    for bit in 0..<length { mask |= 1 << (31 - UInt32(bit)) }
    #expect(prefix.mask == .v4(IPv4Address(rawValue: mask)))
    #expect(prefix.networkAddress == .v4(IPv4Address(rawValue: address.rawValue & mask)))
    #expect(prefix.network.length == length && prefix.network.address == prefix.networkAddress)
    let last = IPv4Address(rawValue: address.rawValue | ~mask)
    #expect(prefix.broadcastAddress == (length < 31 ? last : nil))
    #expect(prefix.contains(.v4(last)) && prefix.contains(prefix.networkAddress))
    // The neighbours below and above are outside, unless everything is inside.
    if length > 0 {
      #expect(!prefix.contains(.v4(IPv4Address(rawValue: last.rawValue &+ 1))))
      #expect(!prefix.contains(.v4(IPv4Address(rawValue: (address.rawValue & mask) &- 1))))
    }
    #expect(!prefix.contains(.v6(.loopback)) && !prefix.contains(.v6(IPv6Address(mapping: last))))
    #expect(Prefix(prefix.description) == prefix)
    let flipped = IPv4Address(
      rawValue: address.rawValue ^ (length < 32 ? 1 << (31 - UInt32(length)) : 0))
    #expect(Prefix.commonLength(.v4(address), .v4(flipped)) == length)
  }

  @Test("IPv6 masks and networks are right for every length", arguments: 0...128)
  func everyIPv6Length(length: UInt8) throws {
    let address = IPv6Address(high: 0xA5C3_965A_0FF0_1234, low: 0xC3A5_5A96_F00F_4321)
    let prefix = try #require(Prefix(.v6(address), length: length))
    var high: UInt64 = 0
    var low: UInt64 = 0
    for bit in 0..<UInt64(length) {
      if bit < 64 { high |= 1 << (63 - bit) } else { low |= 1 << (127 - bit) }
    }
    #expect(prefix.mask == .v6(IPv6Address(high: high, low: low)))
    let network = IPv6Address(high: address.high & high, low: address.low & low)
    #expect(prefix.networkAddress == .v6(network))
    let last = IPv6Address(high: address.high | ~high, low: address.low | ~low)
    #expect(prefix.contains(.v6(last)) && prefix.contains(.v6(network)))
    #expect(prefix.broadcastAddress == nil && !prefix.contains(.v4(.any)))
    #expect(Prefix(prefix.description) == prefix)
    var flipped = address
    if length < 64 { flipped.high ^= 1 << (63 - UInt64(length)) }
    if length >= 64, length < 128 { flipped.low ^= 1 << (127 - UInt64(length)) }
    #expect(Prefix.commonLength(.v6(address), .v6(flipped)) == length)
    #expect(prefix.contains(.v6(flipped)) == true)
    if length > 0 { #expect(!prefix.contains(.v6(flippingBit(length - 1, of: address)))) }
  }

  private func flippingBit(_ bit: UInt8, of address: IPv6Address) -> IPv6Address {
    var flipped = address
    if bit < 64 {
      flipped.high ^= 1 << (63 - UInt64(bit))
    } else {
      flipped.low ^= 1 << (127 - UInt64(bit))
    }
    return flipped
  }

  @Test("A prefix contains the longer ones inside it")
  func containment() throws {
    let wide = try Prefix(parsing: "10.0.0.0/8")
    let narrow = try Prefix(parsing: "10.7.0.2/24")
    #expect(wide.contains(narrow) && !narrow.contains(wide) && narrow.contains(narrow))
    #expect(try !wide.contains(Prefix(parsing: "11.0.0.0/24")))
    #expect(try !wide.contains(Prefix(parsing: "::/0")))
    #expect(try Prefix(parsing: "::/0").contains(Prefix(parsing: "ff02::/16")))
  }

  @Test("Addresses of two versions share nothing")
  func commonLength() {
    #expect(Prefix.commonLength(.v4(.any), .v6(.any)) == 0)
    #expect(Prefix.commonLength(.v4(.any), .v4(.any)) == 32)
    #expect(Prefix.commonLength(.v6(.any), .v6(.loopback)) == 127)
  }

  @Test(
    "The first free host is found, or none",
    arguments: [
      ("10.7.0.2/24", [], "10.7.0.1"), ("10.7.0.1/24", ["10.7.0.1"], "10.7.0.2"),
      ("10.7.0.1/30", ["10.7.0.1", "10.7.0.2"], nil), ("10.7.0.2/30", ["10.7.0.2"], "10.7.0.1"),
      ("10.7.0.0/31", [], "10.7.0.0"), ("10.7.0.0/31", ["10.7.0.0"], "10.7.0.1"),
      ("10.7.0.0/31", ["10.7.0.0", "10.7.0.1"], nil), ("10.7.0.9/32", [], "10.7.0.9"),
      ("10.7.0.9/32", ["10.7.0.9"], nil), ("0.0.0.0/0", [], "0.0.0.1"),
      ("255.255.255.255/32", ["255.255.255.255"], nil), ("2001:db8::7/64", [], "2001:db8::1"),
      ("2001:db8::/64", ["2001:db8::1", "2001:db8::2", "::3"], "2001:db8::3"),
      ("2001:db8::/127", ["2001:db8::"], "2001:db8::1"), ("2001:db8::5/128", [], "2001:db8::5"),
      (
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
        ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], nil
      ),
    ] as [(String, [String], String?)])
  func firstHost(prefix: String, taken: [String], expected: String?) throws {
    let taken = try taken.map { try IPAddress(parsing: $0) }
    let host = try Prefix(parsing: prefix).firstHost(excluding: taken)
    #expect(host?.description == expected)
  }

  @Test("Swapping the address for one of the other version leaves every answer defined")
  func foreignLength() throws {
    var prefix = try Prefix(parsing: "2001:db8::1/100")
    prefix.address = .v4(IPv4Address(10, 0, 0, 1))
    #expect(prefix.mask == .v4(.broadcast) && prefix.networkAddress == prefix.address)
    #expect(prefix.broadcastAddress == nil && !prefix.contains(prefix.address))
    #expect(prefix.firstHost() == nil)
  }
}
