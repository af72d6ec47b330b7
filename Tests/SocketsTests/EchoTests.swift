import Addresses
import Sockets
import Testing

@Suite("An echo socket", .timeLimit(.minutes(1)))
struct EchoTests {
  @Test("gets its payload back, whole", arguments: ["10.0.0.2", "fd00::2"], [0, 56, 60_000])
  func reply(address: String, size: Int) async throws {
    let pair = try await Pair()
    let remote = try IPAddress(parsing: address)
    let socket = try await pair.client.openEcho(remote.isIPv4 ? .v4 : .v6)
    let payload = noise(size)
    try await socket.send(payload.span, to: remote, sequence: 3)
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var span = bytes.mutableSpan
    let answer = try await socket.receive(into: &span, timeout: patience)
    #expect(answer.kind == .reply)
    #expect(answer.source == remote)
    #expect(answer.sequence == 3)
    #expect(answer.hopLimit == 64)
    #expect(answer.length == size)
    #expect(bytes.prefix(answer.count).elementsEqual(payload))
  }
}
