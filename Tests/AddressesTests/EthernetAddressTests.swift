import Addresses
import Testing

@Suite struct EthernetAddressTests {
  @Test("Both separators and both cases are read, colons and lower case printed")
  func text() throws {
    let address = EthernetAddress(0x02, 0x00, 0x5E, 0x10, 0xAB, 0x0F)
    #expect(address.description == "02:00:5e:10:ab:0f")
    #expect(try EthernetAddress(parsing: "02:00:5e:10:ab:0f") == address)
    #expect(EthernetAddress("02-00-5E-10-AB-0F") == address)
    #expect(EthernetAddress("ff:ff:ff:ff:ff:ff") == .broadcast)
    #expect(address.rawValue == 0x0200_5E10_AB0F)
  }

  @Test(
    "What is no Ethernet address is refused, with the reason",
    arguments: [
      ("", .empty), ("02:00:5e:10:ab", .unexpectedEnd), ("02:00:5e:10:ab:", .unexpectedEnd),
      ("02:00:5e:10:ab:0", .unexpectedEnd), ("02:00:5e:10:ab:0f:01", .unexpected(":")),
      ("02:00-5e:10:ab:0f", .unexpected("-")), ("02-00:5e-10-ab-0f", .unexpected(":")),
      ("2:0:5e:10:ab:f", .unexpected(":")), ("02:00:5e:10:ab:0g", .unexpected("g")),
      ("02005e10ab0f", .unexpected("0")), ("0200.5e10.ab0f", .unexpected("0")),
    ] as [(String, AddressError.Reason)])
  func refusals(text: String, reason: AddressError.Reason) {
    let expected = AddressError(.ethernetAddress, text: text, reason: reason)
    #expect(throws: expected) { try EthernetAddress(parsing: text) }
    #expect(EthernetAddress(text) == nil)
  }

  @Test("Printing and reading give the same address back")
  func roundTrip() {
    var random = SplitMix64(seed: 48)
    for _ in 0..<1_000 {
      let address = EthernetAddress(rawValue: random.next())
      #expect(EthernetAddress(address.description) == address)
      let o = (0..<6).map(address.octet)
      #expect(EthernetAddress(o[0], o[1], o[2], o[3], o[4], o[5]) == address)
    }
    #expect(EthernetAddress.broadcast.octet(-1) == 0 && EthernetAddress.broadcast.octet(6) == 0)
  }

  @Test("The first octet tells groups from stations and local from universal")
  func kinds() {
    #expect(EthernetAddress.broadcast.isBroadcast && EthernetAddress.broadcast.isMulticast)
    let station = EthernetAddress(0x02, 0, 0, 0, 0, 1)
    #expect(!station.isMulticast && !station.isBroadcast && station.isLocallyAdministered)
    let vendor = EthernetAddress(0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE)
    #expect(!vendor.isLocallyAdministered && !vendor.isUnspecified)
    #expect(EthernetAddress(rawValue: 0).isUnspecified)
    #expect(EthernetAddress(0x01, 0, 0, 0, 0, 0).isMulticast)
  }

  @Test("Groups map to the frames of their block")
  func multicast() {
    // RFC 1112 §6.4: the upper nine bits of the group are lost.
    #expect(EthernetAddress(multicast: .allSystems).description == "01:00:5e:00:00:01")
    #expect(
      EthernetAddress(multicast: IPv4Address(239, 255, 1, 2)).description == "01:00:5e:7f:01:02")
    #expect(
      EthernetAddress(multicast: IPv4Address(239, 127, 1, 2)).description == "01:00:5e:7f:01:02")
    // RFC 2464 §7.
    let asked = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0x12AB, 0xCDEF).solicitedNode
    #expect(EthernetAddress(multicast: asked).description == "33:33:ff:ab:cd:ef")
  }

  @Test("The interface identifier is the example of RFC 2464 §4")
  func interfaceIdentifier() {
    let address = EthernetAddress(0x34, 0x56, 0x78, 0x9A, 0xBC, 0xDE)
    #expect(address.interfaceIdentifier == 0x3656_78FF_FE9A_BCDE)
    #expect(IPv6Address(linkLocal: address).description == "fe80::3656:78ff:fe9a:bcde")
  }
}
