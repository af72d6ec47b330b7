import Addresses
import Sockets
import Testing

@Suite("A UDP socket", .timeLimit(.minutes(1)))
struct DatagramTests {
  @Test("answers whoever sent, over either IP version", arguments: ["10.0.0.2", "[fd00::2]"])
  func unboundSender(address: String) async throws {
    let pair = try await Pair()
    let server = try await pair.server.bind("udp://[::]:7")
    let client = try await pair.client.bind()
    try await client.send(Array("hello".utf8), to: "udp://\(address):7")
    let question = try await server.receive(timeout: patience)
    #expect(question.bytes == Array("hello".utf8))
    #expect(question.destination == Endpoint("udp://\(address):7"))
    try await server.send(Array("to you".utf8), to: question.source)
    let answer = try await client.receive(timeout: patience)
    #expect(answer.bytes == Array("to you".utf8))
    #expect(answer.source == Endpoint("udp://\(address):7"))
  }

  @Test("that is connected hears its peer alone")
  func connected() async throws {
    let pair = try await Pair()
    let server = try await pair.server.bind("udp://10.0.0.2:7")
    let stranger = try await pair.server.bind("udp://10.0.0.2:8")
    let client = try await pair.client.bind("udp://10.0.0.1:9")
    try await client.connect(to: "udp://10.0.0.2:7")
    try await stranger.send([1], to: "udp://10.0.0.1:9")
    try await server.send([2], to: "udp://10.0.0.1:9")
    #expect(try await client.receive(timeout: patience).bytes == [2])
    try await client.send([3])
    #expect(try await server.receive(timeout: patience).bytes == [3])
  }

  @Test("that is connected to a port without a socket hears of it")
  func portUnreachable() async throws {
    let pair = try await Pair()
    let client = try await pair.client.bind()
    try await client.connect(to: "udp://10.0.0.2:7")
    try await client.send([1])
    #expect(await reason { try await client.receive(timeout: patience) } == .connectionRefused)
  }

  @Test("carries datagrams of every size, none included, and more than one packet holds")
  func sizes() async throws {
    let pair = try await Pair()
    let server = try await pair.server.bind("udp://0.0.0.0:7")
    let client = try await pair.client.bind()
    for size in [0, 1, 1_472, 1_473, 9_000, 65_507] {
      let bytes = noise(size)
      try await client.send(bytes, to: "udp://10.0.0.2:7")
      #expect(try await server.receive(timeout: patience).bytes == bytes)
    }
    #expect(
      await reason { try await client.send(noise(65_508), to: "udp://10.0.0.2:7") }
        == .messageTooLong)
  }

  @Test("says when a datagram was longer than the room for it")
  func truncation() async throws {
    let pair = try await Pair()
    let server = try await pair.server.bind("udp://0.0.0.0:7")
    let client = try await pair.client.bind()
    try await client.send(noise(100), to: "udp://10.0.0.2:7")
    var bytes = [UInt8](repeating: 0, count: 60)
    var span = bytes.mutableSpan
    let header = try await server.receive(into: &span, timeout: patience)
    #expect(header.count == 60)
    #expect(header.isTruncated)
    #expect(bytes == Array(noise(100).prefix(60)))
  }

  @Test("gives its datagrams as a sequence, which ends when it is closed")
  func sequence() async throws {
    let pair = try await Pair()
    let server = try await pair.server.bind("udp://0.0.0.0:7")
    let collecting = Task {
      var sum = 0
      for try await datagram in server.datagrams {
        sum += Int(datagram.bytes[0])
        if sum == 6 { server.close() }
      }
      return sum
    }
    let client = try await pair.client.bind()
    for byte in 1...3 { try await client.send([UInt8(byte)], to: "udp://10.0.0.2:7") }
    #expect(try await collecting.value == 6)
  }

  @Test("waits while the node has no room for another datagram")
  func backPressure() async throws {
    let pair = try await Pair(depth: 16)
    let server = try await pair.server.bind(
      "udp://0.0.0.0:7", options: UDPOptions(receiveBufferLimit: 64 << 20))
    let client = try await pair.client.bind()
    let count = 5_000
    let sending = Task {
      for number in 0..<count {
        try await client.send(
          [UInt8(truncatingIfNeeded: number)], to: "udp://10.0.0.2:7", timeout: patience)
      }
    }
    for number in 0..<count {
      let datagram = try await server.receive(timeout: patience)
      #expect(datagram.bytes == [UInt8(truncatingIfNeeded: number)])
    }
    try await sending.value
  }
}
