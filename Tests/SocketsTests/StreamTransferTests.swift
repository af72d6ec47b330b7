import Foundation
import Sockets
import Testing

@Suite("Streams are moved", .timeLimit(.minutes(1)))
struct StreamTransferTests {
  @Test("in exact counts, of which an early end is an error", arguments: World.allCases)
  func exactly(world: World) async throws {
    let (client, server) = try await world.nodes().connect()
    let bytes = noise(300_000)
    let writing = Task {
      try await client.write(bytes)
      try await client.write("abc")
      try await client.shutdownSend()
    }
    #expect(try await server.read(exactly: 300_000, timeout: patience) == bytes)
    #expect(try await server.read(exactly: 0) == [])
    #expect(
      await reason { try await server.read(exactly: 4, timeout: patience) } == .unexpectedEnd)
    try await writing.value
  }

  @Test("in exact counts until the time for all of it is over")
  func exactlyInTime() async throws {
    let (client, server) = try await World.stack.nodes().connect()
    try await client.write("ab")
    #expect(
      await reason { try await server.read(exactly: 3, timeout: .milliseconds(30)) }
        == .deadlineExceeded)
  }

  @Test("as a sequence of chunks that ends with the stream", arguments: World.allCases)
  func chunks(world: World) async throws {
    let (client, server) = try await world.nodes().connect()
    let bytes = noise(200_000)
    let writing = Task {
      try await client.write(bytes)
      try await client.shutdownSend()
    }
    var received: [UInt8] = []
    for try await chunk in server.chunks(upTo: 1_000) {
      #expect((1...1_000).contains(chunk.count))
      received += chunk
    }
    #expect(received == bytes)
    try await writing.value
    server.abort()
    #expect(await reason { for try await _ in client.chunks {} } == .connectionReset)
  }

  @Test("from several parts as if they were one", arguments: World.allCases, [3, 100_000])
  func vectored(world: World, size: Int) async throws {
    let (client, server) = try await world.nodes().connect()
    let parts = [noise(5), noise(size), [], noise(17_000), noise(2)]
    let writing = Task {
      let (header, body) = (parts[0], parts[1])
      try await client.write(header.span, body.span)
      try await client.write(joining: parts)
      try await client.shutdownSend()
    }
    let expected = parts[0] + parts[1] + parts.joined()
    let received = try await server.readAll(timeout: patience)
    // Not compared in one expression, which would print them.
    let isSame = received == expected
    #expect(isSame, "\(received.count) bytes of \(expected.count)")
    try await writing.value
  }

  @Test("from a connection to another, to the end", arguments: World.allCases)
  func copy(world: World) async throws {
    let nodes = try await world.nodes()
    let (source, middle) = try await nodes.connect()
    let (other, sink) = try await nodes.connect()
    let bytes = noise(1 << 20)
    let copying = Task {
      let count = try await TCPConnection.copy(from: middle, to: other)
      try await other.shutdownSend()
      return count
    }
    let writing = Task {
      try await source.write(bytes)
      try await source.shutdownSend()
    }
    #expect(try await sink.readAll(timeout: patience) == bytes)
    #expect(try await copying.value == UInt64(bytes.count))
    try await writing.value
  }

  @Test("both ways between two connections, each end passed on", arguments: World.allCases)
  func relay(world: World) async throws {
    let nodes = try await world.nodes()
    let (client, near) = try await nodes.connect()
    let (far, server) = try await nodes.connect()
    let relaying = Task { try await TCPConnection.relay(between: near, and: far) }
    try await client.write("question")
    try await client.shutdownSend()
    #expect(try await server.readAll(timeout: patience) == Array("question".utf8))
    try await server.write("answer")
    try await server.shutdownSend()
    #expect(try await client.readAll(timeout: patience) == Array("answer".utf8))
    try await relaying.value
  }

  @Test("both ways until one side breaks, or the task is cancelled", arguments: [false, true])
  func relayBroken(isCancelled: Bool) async throws {
    let nodes = try await World.stack.nodes()
    let (client, near) = try await nodes.connect()
    let (far, server) = try await nodes.connect()
    let relaying = Task { await reason { try await TCPConnection.relay(between: near, and: far) } }
    try await client.write("x")
    #expect(try await server.read(exactly: 1, timeout: patience).count == 1)
    if isCancelled { relaying.cancel() } else { client.abort() }
    #expect(await relaying.value == (isCancelled ? .cancelled : .connectionReset))
    #expect(await reason { try await server.read(timeout: patience) } == .connectionReset)
  }

  @Test("from a file, whole or in part", arguments: World.allCases)
  func sendFile(world: World) async throws {
    let bytes = noise(600_000)
    let url = FileManager.default.temporaryDirectory.appending(path: "sent-\(UUID())")
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    let (client, server) = try await world.nodes().connect()
    let sending = Task {
      let whole = try await client.sendFile(url.path)
      let part = try await client.sendFile(url.path, from: 599_000, count: 500)
      let beyond = try await client.sendFile(url.path, from: 599_990, count: 500)
      try await client.shutdownSend()
      return [whole, part, beyond]
    }
    let received = try await server.readAll(timeout: patience)
    #expect(received == bytes + bytes[599_000..<599_500] + bytes[599_990...])
    #expect(try await sending.value == [600_000, 500, 10])
  }

  @Test("from no file, which is an error that names it")
  func noFile() async throws {
    let (client, server) = try await World.stack.nodes().connect()
    let error = await #expect(throws: SocketError.self) {
      try await client.sendFile("/no/such/file")
    }
    #expect(error?.description.hasPrefix("read /no/such/file: ") == true)
    withExtendedLifetime(server) {}
  }
}
