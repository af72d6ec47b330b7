import Addresses
import Packets
import Sockets
import Testing
import sock

@Suite("A trace", .timeLimit(.minutes(1)))
struct TraceTests {
  @Test("ends at a neighbour with the first hop", arguments: ["10.0.0.2", "fd00::2"])
  func neighbour(address: String) async throws {
    let (node, other) = try await StackNode.pair()
    let course = TraceCourse(
      destination: try SocketAddress(parsingAddress: address), most: 30, queries: 3,
      patience: .seconds(30))
    var hops: [TraceCourse.Hop] = []
    #expect(try await course.run(on: node) { hops.append($0) })
    #expect(hops.map(\.limit) == [1])
    #expect(hops.first?.answers.map { $0?.source.description } == [address, address, address])
    #expect(hops.first?.answers.allSatisfy { $0?.kind == .reply } == true)
    withExtendedLifetime(other) {}
  }

  @Test("goes on to the last hop it may where nothing comes back")
  func silence() async throws {
    let (node, other) = try await StackNode.pair()
    await other.shutdown(within: .zero)
    let course = TraceCourse(
      destination: try SocketAddress(parsingAddress: "10.0.0.2"), most: 3, queries: 2,
      patience: .milliseconds(10))
    var hops: [TraceCourse.Hop] = []
    #expect(try await !course.run(on: node) { hops.append($0) })
    #expect(hops.map(\.line) == [" 1  *  *", " 2  *  *", " 3  *  *"])
  }
}

@Suite("A record's text")
struct RecordTextTests {
  @Test("is as people write it, and steers no terminal")
  func lines() throws {
    let name = try #require(DomainName("www.example.org"))
    let records = [
      ResourceRecord(name, .a, timeToLive: 60, .address(.v4(IPv4Address(192, 0, 2, 1)))),
      ResourceRecord(name, .txt, timeToLive: 1, .text([Array("a\"\u{1B}[".utf8), []])),
      ResourceRecord(
        name, .srv, timeToLive: 2, .service(priority: 1, weight: 2, port: 80, target: name)),
      ResourceRecord(name, RecordType(rawValue: 999), timeToLive: 3, .other([0, 0xAB])),
    ]
    #expect(
      records.map(RecordText.line) == [
        "www.example.org 60 A 192.0.2.1", #"www.example.org 1 TXT "a\"\027[" """#,
        "www.example.org 2 SRV 1 2 80 www.example.org", "www.example.org 3 TYPE999 \\# 2 00ab",
      ])
    #expect(RecordText.type(named: "AAAA") == .aaaa)
    #expect(RecordText.type(named: "any") == nil)
  }
}
