import Addresses
import Sockets
import SystemPackage
import Testing

@Suite("Sockets between processes", .timeLimit(.minutes(1)))
struct LocalTests {
  let node = HostNode()

  /// A name that no other test has.
  private func name(_ test: String = #function) -> LocalAddress {
    .abstract("swift-sockets/\(test)/\(UInt64.random(in: 0 ... .max))")
  }

  /// What one read of a file or pipe finds.
  private func content(of file: FileDescriptor) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 16)
    let count = try unsafe bytes.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
    return Array(bytes.prefix(count))
  }

  @Test(
    "have names as they are written",
    arguments: [
      ("unix:/run/a.sock", LocalAddress.path("/run/a.sock")), ("unix:@a", .abstract("a")),
      ("unix:@", .abstract("")), ("unix:a", .path("a")),
    ])
  func names(text: String, address: LocalAddress) throws {
    #expect(try LocalAddress(parsing: text) == address)
    #expect(address.description == text)
  }

  @Test(
    "refuse names that are none",
    arguments: [
      "", "/run/a", "unix:", "unix:/" + String(repeating: "a", count: 107),
      "unix:@" + String(repeating: "a", count: 108), "unix:/a\0b",
    ])
  func badNames(text: String) {
    #expect(throws: SocketError.Reason.self) { try LocalAddress(parsing: text) }
  }

  @Test("carry what was written, both ways, and the end", arguments: LocalConnection.Kind.allCases)
  func exchange(kind: LocalConnection.Kind) async throws {
    let address = name()
    let listener = try node.listen(on: address, as: kind)
    #expect(listener.local == address)
    let client = try await node.connect(to: address, as: kind)
    let server = try await listener.accept(timeout: patience)
    #expect(client.remote == address)
    #expect(try server.peerCredentials.process == client.peerCredentials.process)
    try await client.write([1, 2, 3])
    #expect(try await server.read(timeout: patience) == [1, 2, 3])
    try await server.write([4])
    #expect(try await client.read(timeout: patience) == [4])
    try client.shutdownSend()
    #expect(try await server.read(timeout: patience) == [])
    try await server.write([5])
    #expect(try await client.read(timeout: patience) == [5])
  }

  @Test("keep messages whole, and streams in one piece")
  func bounds() async throws {
    let (a, b) = try node.connectPair(as: .packets)
    try await a.write([1, 2, 3])
    try await a.write([4])
    #expect(try await b.read(upTo: 2) == [1, 2])
    #expect(try await b.read() == [4])
    let (c, d) = try node.connectPair()
    try await c.write([1, 2, 3])
    try await c.write([4])
    #expect(try await d.read(upTo: 2) == [1, 2])
    #expect(try await d.read() == [3, 4])
  }

  @Test("carry more than there is room for at once, in order")
  func bulk() async throws {
    let (a, b) = try node.connectPair()
    let bytes = noise(3_000_000)
    async let sent: Void = a.write(bytes)
    var received: [UInt8] = []
    while received.count < bytes.count {
      received += try await b.read(timeout: patience)
    }
    try await sent
    #expect(received == bytes)
  }

  @Test("pass open files along")
  func descriptors() async throws {
    let (a, b) = try node.connectPair()
    let (inner, outer) = try node.connectPair()
    _ = outer
    let pipe = try FileDescriptor.pipe()
    try await a.write([7], passing: [pipe.writeEnd])
    try pipe.writeEnd.close()
    var bytes: [UInt8] = [0, 0]
    var span = bytes.mutableSpan
    let message = try await b.receive(into: &span, timeout: patience)
    #expect(message.count == 1)
    let passed = try #require(message.descriptors.first)
    _ = try passed.writeAll([9])
    try passed.close()
    #expect(try content(of: pipe.readEnd) == [9])
    try pipe.readEnd.close()
    inner.close()
  }

  @Test("close the files that nobody took")
  func unwanted() async throws {
    let (a, b) = try node.connectPair()
    let pipe = try FileDescriptor.pipe()
    try await a.write([7], passing: [pipe.writeEnd])
    try pipe.writeEnd.close()
    #expect(try await b.read(timeout: patience) == [7])
    // The end: nobody holds the other end any more.
    #expect(try content(of: pipe.readEnd) == [])
    try pipe.readEnd.close()
  }

  @Test("answer messages by name")
  func datagrams() async throws {
    let here = name()
    let there = name()
    let server = try node.bind(here)
    let client = try node.bind(there)
    try await client.send([1, 2], to: here)
    var bytes: [UInt8] = [0, 0, 0]
    var span = bytes.mutableSpan
    let question = try await server.receive(into: &span, timeout: patience)
    #expect(question.count == 2)
    #expect(question.source == there)
    try await server.send([3, 4, 5, 6], to: question.source)
    let answer = try await client.receive(into: &span, timeout: patience)
    #expect(answer.count == 3)
    #expect(answer.isTruncated)
  }

  @Test("say who is not there, and whose name is taken")
  func refusals() async throws {
    let address = name()
    let error = await #expect(throws: SocketError.self) {
      _ = try await node.connect(to: address)
    }
    #expect(error?.reason == .connectionRefused)
    #expect(error?.description == "connect to \(address): connection refused")
    let listener = try node.listen(on: address)
    let taken = #expect(throws: SocketError.self) { _ = try node.listen(on: address) }
    #expect(taken?.reason == .addressInUse)
    listener.close()
    let missing = await #expect(throws: SocketError.self) {
      _ = try await node.connect(to: .path("/nowhere/at/all"))
    }
    #expect(missing?.reason == .system(errno: 2, "No such file or directory"))
  }

  @Test("end waits when they are closed or cancelled, or the time is over")
  func waits() async throws {
    let (a, b) = try node.connectPair()
    let closed = Task { await reason { try await a.read(timeout: patience) } }
    let cancelled = Task { await reason { try await b.read(timeout: patience) } }
    #expect(await reason { try await b.read(timeout: .milliseconds(20)) } == .deadlineExceeded)
    cancelled.cancel()
    #expect(await cancelled.value == .cancelled)
    a.close()
    #expect(await closed.value == .closed)
  }

  @Test("take their file with them")
  func file() async throws {
    let path = "\(FilePath.temporary)/s\(UInt64.random(in: 0 ... .max))"
    var listener: LocalListener? = try node.listen(on: .path(path))
    let client = try await node.connect(to: .path(path))
    try await client.write([1])
    #expect(try await listener?.accept(timeout: patience).read(timeout: patience) == [1])
    listener = nil
    let gone = await #expect(throws: SocketError.self) {
      _ = try await node.connect(to: .path(path))
    }
    #expect(gone?.reason == .system(errno: 2, "No such file or directory"))
  }
}

extension FilePath {
  /// Where files for a while belong.
  fileprivate static var temporary: String { "/tmp" }
}
