import Addresses
import Sockets
import Synchronization
import Testing

// The code of FromBSDCalls.md. `GuideTests` looks for each of its blocks here.

@Suite("The code of the article for users of the BSD calls", .timeLimit(.minutes(1)))
struct BSDCallsArticle {
  private func serve(on node: any NetworkNode) async throws {
    let listener = try await node.listen(on: "tcp://[::]:7", backlog: 128)
    try await node.serve(listener) { connection in
      var bytes = [UInt8](repeating: 0, count: 4_096)
      while true {
        var span = bytes.mutableSpan
        let count = try await connection.read(into: &span)
        if count == 0 { break }
        try await connection.write(bytes.span.extracting(first: count))
      }
    }
  }

  @Test("A server echoes")
  func server() async throws {
    let (client, node) = try await StackNode.pair()
    let serving = Task { try await serve(on: node) }
    let bytes = noise(100_000)
    while true {
      do {
        try await client.withConnection(to: "tcp://10.0.0.2:7", timeout: patience) { connection in
          async let answer = connection.read(exactly: bytes.count, timeout: patience)
          try await connection.write(bytes)
          #expect(try await answer == bytes)
        }
        break
      } catch {
        // Until the server listens.
        guard (error as? SocketError)?.reason == .connectionRefused else { throw error }
      }
    }
    serving.cancel()
    try await serving.value
  }

  private func answer(_ socket: UDPSocket) async throws {
    var batch = DatagramBatch(capacity: 64, maximumSize: 1_500)
    while try await socket.receive(into: &batch, timeout: .seconds(30)) > 0 {
      var answers = DatagramBatch(capacity: 64, maximumSize: 1_500)
      for index in 0..<batch.count {
        guard let header = batch[index].header else { continue }
        _ = answers.append(
          batch.bytes(at: index), to: header.source, with: DatagramOptions(answering: header))
      }
      try await socket.send(answers)
    }
  }

  @Test("Batches are answered from where they were asked", arguments: World.allCases)
  func batches(world: World) async throws {
    let nodes = try await world.nodes()
    let socket = try await nodes.server.bind("udp://[::]:0")
    let answering = Task { try await answer(socket) }
    let client = try await nodes.client.bind()
    let place = Endpoint.udp(nodes.address, port: socket.local.port)
    for byte in 1...10 as ClosedRange<UInt8> { try await client.send([byte], to: place) }
    var heard: Set<UInt8> = []
    while heard.count < 10 {
      let datagram = try await client.receive(timeout: patience)
      #expect(datagram.source == place)
      heard.formUnion(datagram.bytes)
    }
    answering.cancel()
    #expect(await reason { try await answering.value } == .cancelled)
  }

  private func watch(_ node: any NetworkNode) async throws {
    let watcher = try await node.openPackets(PacketOptions(isCooked: true, interface: "wire0"))
    var packet = [UInt8](repeating: 0, count: 65_536)
    var protocols: Set<UInt8> = []
    while !protocols.isSuperset(of: [6, 17]) {
      var span = packet.mutableSpan
      let header = try await watcher.receive(into: &span)
      if header.etherType == 0x0800 { protocols.insert(packet[9]) }
    }
  }

  @Test("The packets of a node can be watched")
  func watching() async throws {
    let pair = try await Pair()
    let isDone = Mutex(false)
    let watching = Task {
      try await watch(pair.client)
      isDone.withLock { $0 = true }
    }
    let (connection, other) = try await pair.connect()
    let socket = try await pair.client.bind()
    while !isDone.withLock({ $0 }) {
      try await connection.write("x")
      _ = try await other.read(timeout: patience)
      try await socket.send([1], to: "udp://10.0.0.2:9")
    }
    try await watching.value
  }

  private func serve(_ listener: TCPListener, _ socket: UDPSocket) async throws {
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask {
        for try await connection in listener.connections { try await connection.write("hello\n") }
      }
      group.addTask {
        for try await datagram in socket.datagrams {
          try await socket.send(datagram.bytes, to: datagram.source)
        }
      }
    }
  }

  @Test("Two kinds of socket are waited for at once", arguments: World.allCases)
  func waiting(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let socket = try await nodes.server.bind(.udp(nodes.address, port: 0))
    let serving = Task { try await serve(listener, socket) }
    let connection = try await nodes.client.connect(to: listener.local)
    #expect(try await connection.readAll(timeout: patience) == Array("hello\n".utf8))
    let other = try await nodes.client.bind(.udp(.v4(.any), port: 0))
    try await other.send([7], to: socket.local)
    #expect(try await other.receive(timeout: patience).bytes == [7])
    serving.cancel()
    #expect(await reason { try await serving.value } == .cancelled)
  }
}
