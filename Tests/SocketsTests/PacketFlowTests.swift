import Addresses
import Sockets
import Testing

@Suite("A packet flow", .timeLimit(.minutes(1)))
struct PacketFlowTests {
  /// A node that takes anything, and a client behind it, joined by two flows.
  private struct Tunnel {
    let gatewayFlow = PacketFlow(mtu: 1_400, depth: 8)
    let clientFlow = PacketFlow(mtu: 1_400, depth: 8)
    let gateway: StackNode
    let client: StackNode
    private let pumps: [Task<Void, any Error>]

    init(takesAnyDestination: Bool = true) throws {
      let (a, b) = (gatewayFlow, clientFlow)
      gateway = try StackNode(
        a, "10.7.0.1/24", "fd07::1/64", takesAnyDestination: takesAnyDestination)
      client = try StackNode(b, "10.7.0.2/24", "fd07::2/64")
      pumps = [
        Task { while true { try await a.writePackets(b.readPackets()) } },
        Task { while true { try await b.writePackets(a.readPackets(upTo: 3)) } },
      ]
    }

    func end() async {
      for pump in pumps { pump.cancel() }
      gatewayFlow.close()
      clientFlow.close()
      for pump in pumps { _ = await pump.result }
    }
  }

  @Test(
    "brings connections to any address and port, which know where they were meant to go",
    arguments: ["tcp://198.51.100.7:80", "tcp://[2001:db8::7]:443", "tcp://10.7.0.1:65535"])
  func anywhere(text: String) async throws {
    let remote = try Endpoint(parsing: text)
    let tunnel = try Tunnel()
    let listener = try await tunnel.gateway.listenAnywhere()
    let client = try await tunnel.client.connect(to: remote, timeout: patience)
    let server = try await listener.accept(timeout: patience)
    #expect(server.local == remote)
    #expect(server.remote == client.local)
    let bytes = noise(500_000)
    async let sent: Void = client.write(bytes, timeout: patience)
    var received: [UInt8] = []
    while received.count < bytes.count { received += try await server.read(timeout: patience) }
    try await sent
    #expect(received == bytes)
    try await server.write("back", timeout: patience)
    #expect(try await client.read(timeout: patience) == Array("back".utf8))
    await tunnel.end()
  }

  @Test("leaves ports to listeners of their own, and connections out alone")
  func precedence() async throws {
    let tunnel = try Tunnel()
    let anywhere = try await tunnel.gateway.listenAnywhere()
    #expect(
      await reason { try await tunnel.gateway.listenAnywhere() } == .addressInUse)
    let own = try await tunnel.gateway.listen(on: "tcp://10.7.0.1:80")
    _ = try await tunnel.client.connect(to: "tcp://10.7.0.1:80", timeout: patience)
    #expect(try await own.accept(timeout: patience).local == own.local)
    let other = try await tunnel.client.listen(on: "tcp://10.7.0.2:80")
    _ = try await tunnel.gateway.connect(to: other.local, timeout: patience)
    _ = try await other.accept(timeout: patience)
    anywhere.close()
    #expect(
      await reason { try await tunnel.client.connect(to: "tcp://192.0.2.1:9", timeout: patience) }
        == .connectionRefused)
    await tunnel.end()
  }

  @Test("brings datagrams to any address and port, and answers from there")
  func datagrams() async throws {
    let tunnel = try Tunnel()
    let any = try await tunnel.gateway.bindAnywhere()
    #expect(await reason { try await tunnel.gateway.bindAnywhere() } == .addressInUse)
    for text in ["udp://198.51.100.53:53", "udp://[2001:db8::53]:53"] {
      let name = try Endpoint(parsing: text)
      let client = try await tunnel.client.bind()
      try await client.send([1, 2], to: name)
      let question = try await any.receive(timeout: patience)
      #expect(question.bytes == [1, 2])
      #expect(question.destination == name)
      let answerer = try await tunnel.gateway.bind(question.destination)
      try await answerer.send([3].span, to: question.source)
      let answer = try await client.receive(timeout: patience)
      #expect(answer.bytes == [3])
      #expect(answer.source == name)
      // What follows is that socket's.
      try await client.send([4], to: name)
      #expect(try await answerer.receive(timeout: patience).bytes == [4])
    }
    #expect(
      await reason { try await any.send([1].span, to: .udp(.v4(.loopback), port: 9)) }
        == .invalidOperation)
    await tunnel.end()
  }

  @Test("takes no packet for others unless it is asked to")
  func notForUs() async throws {
    let tunnel = try Tunnel(takesAnyDestination: false)
    let listener = try await tunnel.gateway.listenAnywhere()
    #expect(
      await reason {
        try await tunnel.client.connect(to: "tcp://198.51.100.7:80", timeout: .milliseconds(50))
      } == .deadlineExceeded)
    #expect(
      await reason { try await tunnel.gateway.bind("udp://198.51.100.7:80") }
        == .addressNotAvailable)
    // Its own address, any port.
    _ = try await tunnel.client.connect(to: "tcp://10.7.0.1:4711", timeout: patience)
    #expect(try await listener.accept(timeout: patience).local.port == 4_711)
    await tunnel.end()
  }

  @Test("holds back who writes, and who sends, until there is room")
  func backPressure() async throws {
    let flow = PacketFlow(mtu: 1_400, depth: 4)
    // Nobody takes packets yet: four fit.
    try await flow.writePackets([[UInt8]](repeating: [0x45], count: 4))
    let fifth = Task { try await flow.writePackets([[0x45]]) }
    let cancelled = Task { await reason { try await flow.writePackets([[0x45]]) } }
    cancelled.cancel()
    #expect(await cancelled.value == .cancelled)
    let node = try StackNode(flow, "10.7.0.1/24")
    try await fifth.value
    #expect(await reason { try StackNode(flow, "10.7.0.1/24") } == .invalidOperation)
    #expect(await reason { try await flow.writePackets([noise(1_401)]) } == .messageTooLong)
    // The node sends more than fits, and keeps the rest until it is read.
    let socket = try await node.bind("udp://10.7.0.1:9")
    let sending = Task {
      for number in 0..<100 {
        try await socket.send([UInt8(number)], to: "udp://10.7.0.2:9", timeout: patience)
      }
    }
    var numbers: [UInt8] = []
    while numbers.count < 100 {
      for packet in try await flow.readPackets(upTo: 3) where packet.count == 29 {
        numbers.append(packet[28])
      }
    }
    try await sending.value
    #expect(numbers == Array(0..<100))
  }

  @Test("ends with itself or its node, and says so")
  func ending() async throws {
    let flow = PacketFlow()
    let reading = Task { await reason { try await flow.readPackets() } }
    flow.close()
    #expect(await reading.value == .closed)
    #expect(await reason { try await flow.writePackets([[0x45]]) } == .closed)
    let other = PacketFlow()
    let node = try StackNode(other, "10.7.0.1/24")
    let waiting = Task {
      await reason { while true { _ = try await other.readPackets() } }
    }
    await node.shutdown(within: .zero)
    #expect(await waiting.value == .networkDown)
    #expect(await reason { try await other.writePackets([[0x45]]) } == .networkDown)
  }
}
