import Addresses
import Sockets
import Testing

@Suite("A node that is shut down", .timeLimit(.minutes(1)))
struct ShutdownTests {
  @Test("resets the streams that have not ended in time", arguments: [1, 1_500])
  func reset(count: Int) async throws {
    // RFC 9293 §3.10.5: whoever gives a connection up tells the peer.
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://10.0.0.2:7")
    var clients: [TCPConnection] = []
    var servers: [TCPConnection] = []
    for _ in 0..<count {
      clients.append(try await pair.client.connect(to: "tcp://10.0.0.2:7", timeout: patience))
      servers.append(try await listener.accept(timeout: patience))
    }
    await pair.server.shutdown(within: .zero)
    var reasons: Set<SocketError.Reason?> = []
    for client in clients {
      reasons.insert(await reason { try await client.read(timeout: patience) })
    }
    #expect(reasons == [.connectionReset])
    for server in servers {
      reasons.insert(await reason { try await server.read(timeout: patience) })
    }
    #expect(reasons == [.connectionReset, .networkDown])
  }

  @Test("resets nothing that ends in order, and loses nothing of it")
  func inOrder() async throws {
    let pair = try await Pair()
    let (client, server) = try await pair.connect()
    let bytes = noise(1 << 20)
    let reading = Task { try await client.readAll(timeout: patience) }
    try await server.write(bytes, timeout: patience)
    server.close()
    let closing = Task {
      let received = try await reading.value
      client.close()
      return received
    }
    await pair.server.shutdown(within: patience)
    #expect(try await closing.value == bytes)
  }
}
