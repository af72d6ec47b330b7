import Addresses
import Sockets
import Synchronization
import Testing

/// Knows these addresses, and nothing else.
struct FixedResolver: NameResolver {
  let known: [String: [String]]

  func addresses(
    of name: String, timeout: Duration?
  ) async throws(SocketError) -> [SocketAddress] {
    guard let texts = known[name] else { throw SocketError(.resolve(name), reason: .nameNotFound) }
    return texts.compactMap { try? SocketAddress(parsingAddress: $0) }
  }
}

@Suite("A place given by name", .timeLimit(.minutes(1)))
struct ConnectByNameTests {
  @Test(
    "is read and written",
    arguments: [
      ("tcp://www.example.org:80", "www.example.org", 80),
      ("tcp://192.0.2.1:80", "192.0.2.1", 80), ("tcp://[2001:db8::1]:443", "2001:db8::1", 443),
      ("tcp://[fe80::1%3]:7", "fe80::1%3", 7), ("udp://a:53", "a", 53),
    ] as [(String, String, UInt16)])
  func text(text: String, host: String, port: UInt16) throws {
    let place = try NamedEndpoint(parsing: text)
    #expect(place.host == host)
    #expect(place.port.rawValue == port)
    #expect(place.description == text)
  }

  @Test(
    "is not read from what is none",
    arguments: [
      "www.example.org:80", "tcp://www.example.org", "tcp://www.example.org:", "tcp://:80",
      "tcp://a:99999", "tcp://2001:db8::1:80", "tcp://[a]:80", "http://a:80", "", "tcp://a:8o",
    ])
  func noPlace(text: String) {
    #expect(throws: AddressError.self) { try NamedEndpoint(parsing: text) }
  }

  @Test("is connected to over its first address that answers", arguments: World.allCases)
  func connects(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    async let accepted = listener.accept(timeout: patience)
    // Nobody listens at the first two.
    let other = world.isKernel ? "::1" : "fd00::2"
    let resolver = FixedResolver(known: ["a.example": [other, "\(nodes.address)"]])
    let connection = try await nodes.client.connect(
      to: NamedEndpoint(.tcp, host: "a.example", port: listener.local.port), resolver: resolver,
      timeout: patience)
    #expect(connection.remote == listener.local)
    #expect(try await accepted.remote == connection.local)
  }

  @Test("RFC 8305 §5: is not waited for at an address that is silent")
  func silentAddress() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://10.0.0.2:7")
    // Nobody in the cable's network has the first, which its neighbours ask for a while.
    let resolver = FixedResolver(known: ["a.example": ["fd00::9", "10.0.0.2"]])
    let connection = try await pair.client.connect(
      to: NamedEndpoint(.tcp, host: "a.example", port: 7), resolver: resolver, timeout: patience)
    #expect(connection.remote == listener.local)
    // The attempt that lost is given up.
    while await pair.client.table().connectionCount > 1 { await Task.yield() }
  }

  @Test("says what was tried when nothing answers", arguments: World.allCases)
  func nothingAnswers(world: World) async throws {
    let nodes = try await world.nodes()
    let texts = world.isKernel ? ["::1", "127.0.0.1"] : ["fd00::2", "10.0.0.2"]
    let error = await #expect(throws: SocketError.self) {
      try await nodes.client.connect(
        to: NamedEndpoint(.tcp, host: "a.example", port: 1),
        resolver: FixedResolver(known: ["a.example": texts]), timeout: patience)
    }
    guard case .allFailed(let errors) = error?.reason else {
      return #expect(Bool(false), "\(error as Any)")
    }
    #expect(errors.map(\.reason) == [.connectionRefused, .connectionRefused])
    #expect(errors.compactMap { $0.remote?.address.description } == texts)
  }

  @Test("of one address fails as that address does, and an unknown one as the resolver")
  func oneAddress() async throws {
    let nodes = try await World.stack.nodes()
    let resolver = FixedResolver(known: ["a.example": ["10.0.0.2"]])
    #expect(
      await reason {
        try await nodes.client.connect(
          to: NamedEndpoint(.tcp, host: "a.example", port: 1), resolver: resolver)
      } == .connectionRefused)
    #expect(
      await reason {
        try await nodes.client.connect(
          to: NamedEndpoint(.tcp, host: "b.example", port: 1), resolver: resolver)
      } == .nameNotFound)
  }

  @Test("tries both IP versions by turns")
  func interleaved() async throws {
    let nodes = try await World.stack.nodes()
    let texts = ["fd00::2", "fd00:0::2", "10.0.0.2", "10.0.0.2"]
    let error = await #expect(throws: SocketError.self) {
      try await nodes.client.connect(
        to: NamedEndpoint(.tcp, host: "a.example", port: 1),
        resolver: FixedResolver(known: ["a.example": texts]), timeout: patience)
    }
    guard case .allFailed(let errors) = error?.reason else {
      return #expect(Bool(false), "\(error as Any)")
    }
    #expect(errors.map { $0.remote?.address.isIPv6 } == [true, false, true, false])
  }

  @Test("is given up in time, or with its task", arguments: [false, true])
  func interrupted(isCancelled: Bool) async throws {
    let pair = try await Pair()
    await pair.server.shutdown(within: .zero)
    let connecting = Task {
      await reason {
        try await pair.client.connect(
          to: NamedEndpoint(.tcp, host: "a.example", port: 7),
          resolver: FixedResolver(known: ["a.example": ["10.0.0.2", "fd00::2"]]),
          timeout: isCancelled ? patience : .milliseconds(100))
      }
    }
    while await pair.client.table().connections[.synSent] == nil {
      if !isCancelled { break }
      await Task.yield()
    }
    if isCancelled { connecting.cancel() }
    #expect(await connecting.value == (isCancelled ? .cancelled : .deadlineExceeded))
    while await pair.client.table().connectionCount > 0 { await Task.yield() }
  }

  @Test("of this machine is connected to by its own names")
  func machine() async throws {
    let node = HostNode()
    let listener = try await node.listen(on: "tcp://127.0.0.1:0")
    let connection = try await node.connect(
      to: "tcp://localhost:\(listener.local.port)", timeout: patience)
    #expect(connection.remote == listener.local)
    guard case .badEndpoint = await reason({ try await node.connect(to: "udp://localhost:7") })
    else { return #expect(Bool(false), "a connection is TCP") }
  }
}
