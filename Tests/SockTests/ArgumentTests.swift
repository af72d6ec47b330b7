import Addresses
import Sockets
import Testing
import sock

@Suite("The command line")
struct ArgumentTests {
  @Test("names a device and our addresses on it")
  func network() throws {
    let tun = try #require(
      try NetworkChoice(parsing: "tun:sock0=10.7.0.2/24,fd07::2/64").attachment)
    #expect(tun.kind == .tun)
    #expect(tun.name == "sock0")
    #expect(tun.addresses == [Prefix("10.7.0.2/24"), Prefix("fd07::2/64")])
    let tap = try NetworkChoice(parsing: "tap:a=10.7.0.2/24").attachment
    #expect(tap?.kind == .tap(nil))
    #expect(try NetworkChoice(parsing: "host").attachment == nil)
  }

  @Test(
    "says what is wrong with a network",
    arguments: [
      ("", "names no network"), ("tun", "names no network"), ("host:a=1", "no network of the kind"),
      ("tun:a", "gives no address"), ("tun:=10.0.0.1/8", "cannot be a device's name"),
      ("tun:a b=10.0.0.1/8", "cannot be a device's name"),
      ("tun:aaaaaaaaaaaaaaaa=10.0.0.1/8", "cannot be a device's name"),
      ("tun:a=", "is not an address prefix"), ("tun:a=10.0.0.1", "prefix length is missing"),
      ("tun:a=10.0.0.1/33", "at most 32"), ("tun:a=10.0.0.1/8,", "is not an address prefix"),
    ])
  func badNetwork(text: String, part: String) {
    let complaint = #expect(throws: Complaint.self) { try NetworkChoice(parsing: text) }
    #expect(complaint?.description.contains(part) == true, "\(complaint?.description ?? "")")
  }

  private let names = HostNames(
    text: """
      127.0.0.1 localhost   # this machine
      ::1 localhost ip6-localhost
      10.7.0.1\tServer server.example
      nonsense name
      """)

  @Test(
    "names endpoints by number or by name",
    arguments: [
      ("tcp://192.0.2.1:80", "tcp://192.0.2.1:80"),
      ("udp://[2001:db8::1]:53", "udp://[2001:db8::1]:53"),
      ("tcp://localhost:80", "tcp://127.0.0.1:80"), ("udp://SERVER:53", "udp://10.7.0.1:53"),
      ("ip://localhost", "ip://127.0.0.1"),
    ])
  func endpoints(text: String, endpoint: String) throws {
    #expect(try names.endpoint(text) == Endpoint(endpoint))
  }

  @Test("takes the usual transport where none is given")
  func usual() throws {
    #expect(try names.endpoint("server:80", usual: .tcp) == Endpoint("tcp://10.7.0.1:80"))
    #expect(try names.endpoint("[::1]:80", usual: .udp) == Endpoint("udp://[::1]:80"))
    #expect(throws: Complaint.self) { try names.endpoint("server:80") }
  }

  @Test(
    "says what is wrong with an endpoint",
    arguments: [
      "tcp://unknown:80", "tcp://localhost", "tcp://localhost:99999", "tcp://name:80",
      "sctp://1.2.3.4:5", "tcp://", "tcp://::1:80", "",
    ])
  func badEndpoints(text: String) {
    #expect(throws: Complaint.self) { try names.endpoint(text) }
  }

  @Test("finds an address of the IP version asked for")
  func versions() throws {
    #expect(try names.find("localhost").address == IPAddress("127.0.0.1"))
    #expect(try names.find("localhost", version: .v6).address == IPAddress("::1"))
    #expect(try names.find("fe80::1%3").zone == 3)
    #expect(throws: Complaint.self) { try names.find("server", version: .v6) }
    #expect(throws: Complaint.self) { try names.find("10.0.0.1", version: .v6) }
  }
}
