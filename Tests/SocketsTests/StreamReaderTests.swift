import Sockets
import Synchronization
import Testing

@Suite("A stream's reader", .timeLimit(.minutes(1)))
struct StreamReaderTests {
  @Test(
    "gives lines, however they arrive, and a last one without an end", arguments: World.allCases)
  func lines(world: World) async throws {
    let (client, server) = try await world.nodes().connect()
    let writing = Task {
      for part in ["GET / HT", "TP/1.1\r", "\nHost: a\r\n\r\nbo", "dy\n\nlast"] {
        try await client.write(part)
      }
      try await client.shutdownSend()
    }
    var reader = StreamReader(server)
    var lines: [String] = []
    while let line = try await reader.readLine(timeout: patience) { lines.append(line) }
    #expect(lines == ["GET / HTTP/1.1", "Host: a", "", "body", "", "last"])
    #expect(try await reader.readLine() == nil)
    try await writing.value
  }

  @Test("keeps what stands beyond a delimiter for whatever is read next")
  func beyondDelimiter() async throws {
    let (client, server) = try await World.stack.nodes().connect()
    try await client.write("head--head2-x--12345rest")
    try await client.shutdownSend()
    var reader = StreamReader(server)
    #expect(try await reader.read(until: Array("--".utf8), timeout: patience) == Array("head".utf8))
    #expect(
      try await reader.read(until: Array("--".utf8), timeout: patience) == Array("head2-x".utf8))
    #expect(try await reader.read(exactly: 5, timeout: patience) == Array("12345".utf8))
    var rest: [UInt8] = []
    while true {
      let part = try await reader.read(timeout: patience)
      if part.isEmpty { break }
      rest += part
    }
    #expect(rest == Array("rest".utf8))
  }

  @Test("finds a delimiter at every cut of the stream")
  func everyCut() async throws {
    let text = Array("aabaab--aab-aabc|tail".utf8)
    for cut in 1..<text.count {
      let (client, server) = try await World.stack.nodes().connect()
      let writing = Task {
        try await client.write(Array(text[..<cut]))
        try await client.write(Array(text[cut...]))
        try await client.shutdownSend()
      }
      var reader = StreamReader(server)
      let message = try await reader.read(until: Array("aabc|".utf8), timeout: patience)
      #expect(message == Array("aabaab--aab-".utf8))
      #expect(try await reader.read(exactly: 4, timeout: patience) == Array("tail".utf8))
      try await writing.value
    }
  }

  @Test("refuses a line beyond its limit, and takes one at it", arguments: [10, 11])
  func limit(length: Int) async throws {
    let (client, server) = try await World.stack.nodes().connect()
    try await client.write(String(repeating: "a", count: length) + "\n")
    var reader = StreamReader(server, limit: 10)
    if length == 10 {
      #expect(try await reader.readLine(timeout: patience)?.utf8.count == 10)
    } else {
      let error = await #expect(throws: SocketError.self) {
        try await reader.readLine(timeout: patience)
      }
      #expect(error?.reason == .messageTooLong)
      #expect(try await reader.read(exactly: 12, timeout: patience).count == 12)
    }
  }

  @Test("never takes more memory than its limit and one read for a line without end")
  func endlessLine() async throws {
    let (client, server) = try await World.stack.nodes().connect()
    let writing = Task { try? await client.write([UInt8](repeating: 0x61, count: 10 << 20)) }
    var reader = StreamReader(server, limit: 1_000)
    await #expect(throws: SocketError.self) { try await reader.readLine(timeout: patience) }
    #expect(reader.bufferedCount <= 1_000 + 16_384)
    server.abort()
    await writing.value
  }

  @Test("says when the stream ends within a message, and keeps what there is")
  func earlyEnd() async throws {
    let (client, server) = try await World.stack.nodes().connect()
    try await client.write("half")
    try await client.shutdownSend()
    var reader = StreamReader(server)
    var found: [SocketError.Reason] = []
    do throws(SocketError) { _ = try await reader.read(until: [0], timeout: patience) } catch {
      found.append(error.reason)
    }
    do throws(SocketError) { _ = try await reader.read(exactly: 5, timeout: patience) } catch {
      found.append(error.reason)
    }
    #expect(found == [.unexpectedEnd, .unexpectedEnd])
    #expect(try await reader.read(exactly: 4) == Array("half".utf8))
    #expect(try await reader.read(until: [0], timeout: patience) == nil)
  }

  @Test("loses nothing to a deadline or to cancellation", arguments: World.allCases)
  func interrupted(world: World) async throws {
    let (client, server) = try await world.nodes().connect()
    try await client.write("first ")
    let hasBeenLate = Flag()
    let task = Task { () -> (SocketError.Reason?, SocketError.Reason?, String?) in
      var reader = StreamReader(server)
      var late: SocketError.Reason?
      do throws(SocketError) {
        _ = try await reader.read(exactly: 7, timeout: .milliseconds(20))
      } catch {
        late = error.reason
      }
      try await client.write("x")
      hasBeenLate.raise()
      while !Task.isCancelled { await Task.yield() }
      var cancelled: SocketError.Reason?
      do throws(SocketError) { _ = try await reader.read(exactly: 100, timeout: patience) } catch {
        cancelled = error.reason
      }
      // What need not wait succeeds in a cancelled task too.
      let text = try? await reader.read(exactly: 6)
      return (late, cancelled, text.map { String(decoding: $0, as: UTF8.self) })
    }
    while !hasBeenLate.isRaised { await Task.yield() }
    task.cancel()
    let (late, cancelled, text) = try await task.value
    #expect(late == .deadlineExceeded)
    #expect(cancelled == .cancelled)
    #expect(text == "first ")
  }
}

/// Something that has happened, for a test that waits for it.
private final class Flag: Sendable {
  private let value = Atomic(false)
  var isRaised: Bool { value.load(ordering: .acquiring) }
  func raise() { value.store(true, ordering: .releasing) }
}
