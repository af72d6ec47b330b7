import Addresses
import Sockets
import Testing

// The code of Worlds.md. `GuideTests` looks for each of its blocks here.

/// Asks a server that answers in lines.
func ask(_ question: String, at place: String, from node: any NetworkNode) async throws -> String? {
  try await node.withConnection(to: place, timeout: .seconds(30)) { connection in
    try await connection.write(question + "\n")
    var reader = StreamReader(connection)
    return try await reader.readLine(timeout: .seconds(30))
  }
}

@Suite("The code of the article about worlds", .timeLimit(.minutes(1)))
struct WorldsArticle {
  @Test("A function over any node runs on a pair")
  func pair() async throws {
    let (client, server) = try await StackNode.pair()
    let listener = try await server.listen(on: "tcp://10.0.0.2:7")
    async let serving: Void = server.serve(listener) { connection in
      for try await chunk in connection.chunks { try await connection.write(chunk) }
    }
    #expect(try await ask("is this TCP?", at: "tcp://10.0.0.2:7", from: client) == "is this TCP?")
    listener.close()
    try await serving
    await shutDown(server)
    #expect(await server.table().connectionCount == 0)
  }

  @Test("The same function runs on the kernel's sockets")
  func kernel() async throws {
    let node = HostNode()
    let listener = try await node.listen(on: "tcp://127.0.0.1:0")
    async let serving: Void = node.serve(listener) { connection in
      for try await chunk in connection.chunks { try await connection.write(chunk) }
    }
    let answer = try await ask("is this TCP?", at: "\(listener.local)", from: node)
    #expect(answer == "is this TCP?")
    listener.close()
    try await serving
  }

  @Test("A node may be asked to hear from the kernel by one of the engines")
  func engines() async throws {
    let node = HostNode(engine: .epoll)
    #expect(node.engine == .epoll)
    #expect(node.engineReason == nil)
    let listener = try await node.listen(on: "tcp://127.0.0.1:0")
    async let serving: Void = node.serve(listener) { connection in
      for try await chunk in connection.chunks { try await connection.write(chunk) }
    }
    #expect(try await ask("which?", at: "\(listener.local)", from: node) == "which?")
    listener.close()
    try await serving
  }

  private func shutDown(_ node: StackNode) async {
    await node.shutdown(within: .seconds(2))
  }

  @Test(
    "Tasks run on the executor that they prefer, and elsewhere when they ask",
    arguments: World.allCases)
  func executors(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let server = Task {
      try await serveDigests(listener, nodes.server) { question in
        question.reversed()
      }
    }
    let node = nodes.client
    let connection = try await node.connect(to: listener.local, timeout: patience)
    let reading = Task(executorPreference: node.executor) { try await connection.readAll() }
    try await withTaskExecutorPreference(node.executor) {
      try await connection.write("hello")
      try await connection.shutdownSend()
    }
    #expect(try await reading.value == Array("olleh".utf8))
    listener.close()
    try await server.value
  }

  private func serveDigests(
    _ listener: TCPListener, _ node: any NetworkNode,
    _ digest: @escaping @Sendable ([UInt8]) -> [UInt8]
  ) async throws {
    try await node.serve(listener) { connection in
      let question = try await connection.readAll(limit: 1 << 20)
      let answer = await withTaskExecutorPreference(globalConcurrentExecutor) { digest(question) }
      try await connection.write(answer)
    }
  }
}

// What needs a network or a device is compiled, and not run here.

private func outside() async throws {
  let node = HostNode()
  let connection = try await node.connect(to: "tcp://www.example.org:80", timeout: .seconds(10))
  connection.close()
}

private func onDevice() async throws -> StackNode {
  let node = try await StackNode(.tun("sock0", "10.7.0.2/24", "fd07::2/64"))
  return node
}

private func onEthernet() async throws -> StackNode {
  var wire = try StackAttachment.tap("sock1", "10.8.0.2/24")
  wire.mtu = 9_000
  wire.offload = false
  let node = try await StackNode(wire)
  return node
}
