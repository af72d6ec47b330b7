import Addresses
import Testing

@Suite struct AddressErrorTests {
  private func sentence(_ body: () throws(AddressError) -> Void) -> String {
    do throws(AddressError) {
      try body()
      return "no error"
    } catch {
      return error.description
    }
  }

  @Test("An error names the text, what it should be, and what is wrong with it")
  func sentences() {
    #expect(
      sentence { () throws(AddressError) in _ = try IPv4Address(parsing: "10.0.0.256") }
        == #""10.0.0.256" is not an IPv4 address: a number in an IPv4 address is at most 255"#)
    #expect(
      sentence { () throws(AddressError) in _ = try Endpoint(parsing: "tcp://192.0.2.1") }
        == #""tcp://192.0.2.1" is not an endpoint: the port is missing, as in ':80'"#
    )
    #expect(
      sentence { () throws(AddressError) in _ = try Prefix(parsing: "10.0.0.0/33") }
        == #""10.0.0.0/33" is not an address prefix: the prefix length is at most 32"#)
    #expect(
      sentence { () throws(AddressError) in _ = try EthernetAddress(parsing: "") }
        == #""" is not an Ethernet address: it is empty"#)
  }

  @Test("Whatever could steer a terminal is escaped, whatever is long is cut")
  func escapes() {
    #expect(
      sentence { () throws(AddressError) in _ = try IPAddress(parsing: "\u{1B}[2J\u{202E}") }
        == #""\u{1b}[2J\u{202e}" is not an IP address: unexpected '\u{1b}'"#)
    let long = sentence { () throws(AddressError) in
      _ = try IPv6Address(parsing: String(repeating: "a", count: 1_000_000))
    }
    #expect(long.utf8.count < 400 && long.hasSuffix("it is longer than 255 characters"))
  }

  @Test("No two reasons and no two subjects print the same")
  func distinct() {
    let reasons: [AddressError.Reason] = [
      .empty, .tooLong, .unexpected("x"), .unexpectedEnd, .octetCount, .octetTooLarge,
      .leadingZero, .groupCount, .groupTooLong, .secondCompression, .missingLength,
      .lengthTooLarge(maximum: 32), .lengthTooLarge(maximum: 128), .missingPort, .portTooLarge,
      .portNotAllowed, .missingBrackets, .zoneNotAllowed, .zoneTooLarge, .unknownZone("eth0"),
      .missingTransport, .unknownTransport("http"),
    ]
    #expect(Set(reasons.map(\.description)).count == reasons.count)
    let subjects: [AddressError.Subject] = [
      .ipv4Address, .ipv6Address, .ipAddress, .ethernetAddress, .port, .prefix, .socketAddress,
      .endpoint,
    ]
    #expect(Set(subjects.map(\.description)).count == subjects.count)
  }

  @Test("No text makes a reader trap")
  func noise() {
    var random = SplitMix64(seed: 0x5EED)
    let alphabet = Array("0123456789abcdefg:.[]%/-tcpudi\u{0}é")
    var accepted = 0
    for _ in 0..<20_000 {
      let length = Int(random.next() % 24)
      let prefix = random.next() % 3 == 0 ? "tcp://" : random.next() % 3 == 0 ? "[" : ""
      let text =
        prefix
        + String((0..<length).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
      if IPv4Address(text) != nil || IPv6Address(text) != nil || EthernetAddress(text) != nil
        || Prefix(text) != nil || SocketAddress(text) != nil || Endpoint(text) != nil
      {
        accepted += 1
      }
    }
    // Noise seldom says anything; a reader that takes all of it would.
    #expect(accepted < 400)
  }
}
