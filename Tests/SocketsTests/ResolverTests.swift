import Addresses
import Packets
import Sockets
import Testing

@Suite("A resolver", .timeLimit(.minutes(1)))
struct ResolverTests {
  /// Attempts where one is short, for a case that waits for its end: on a busy machine the answer
  /// that counts may be late, too.
  private static let many = 300

  private func resolver(
    _ nodes: World.Nodes, _ servers: [NameServer], hosts: String = "",
    _ change: (inout ResolverConfiguration) -> Void = { _ in }
  ) -> Resolver {
    var configuration = ResolverConfiguration(
      servers: servers.map(\.address), timeout: patience, attempts: 1)
    change(&configuration)
    return Resolver(
      on: nodes.client, configuration: configuration, hosts: HostsTable(text: hosts),
      cacheCapacity: 8)
  }

  private func texts(_ addresses: [SocketAddress]) -> [String] {
    addresses.map(\.address.description)
  }

  @Test("finds the addresses of both versions, and remembers them", arguments: World.allCases)
  func addresses(world: World) async throws {
    let nodes = try await world.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(question.address("192.0.2.1") + question.address("2001:db8::1"))
    }
    defer { server.close() }
    let resolver = resolver(nodes, [server])
    for _ in 0..<3 {
      let found = try await resolver.addresses(of: "www.example.org", timeout: patience)
      #expect(Set(texts(found)) == ["192.0.2.1", "2001:db8::1"])
    }
    #expect(Set(server.questions.map(\.type)) == [.a, .aaaa])
    #expect(server.questions.count == 2)
    #expect(
      server.questions.allSatisfy { $0.wantsRecursion && $0.extensions?.payloadSize == 1_232 })
  }

  @Test("asks over TCP when the answer is too long for a datagram", arguments: World.allCases)
  func truncation(world: World) async throws {
    let nodes = try await world.nodes()
    let texts = (0..<200).map { [UInt8](repeating: UInt8($0), count: 250) }
    let server = try await NameServer(on: nodes.server, at: nodes.address) {
      question, _, isStream in
      var reply = question.answered(
        isStream ? [ResourceRecord(question.name, .txt, timeToLive: 1, .text(texts))] : [])
      reply.isTruncated = !isStream
      return reply
    }
    defer { server.close() }
    let records = try await resolver(nodes, [server]).records(
      of: "long.example", type: .txt, timeout: patience)
    #expect(records.map(\.content) == [.text(texts)])
    #expect(server.questions.count == 2)
  }

  @Test("follows aliases, within an answer and beyond it")
  func aliases() async throws {
    let nodes = try await World.stack.nodes()
    let names = try ["a", "b", "c", "d"].map { try #require(DomainName($0 + ".example")) }
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      if question.name == names[0] {
        return question.answered([
          ResourceRecord(names[1], .cname, timeToLive: 9, .name(names[2])),
          ResourceRecord(names[0], .cname, timeToLive: 9, .name(names[1])),
          // Of a name that nobody asked for.
          ResourceRecord(names[3], .a, timeToLive: 9, .address(.v4(.loopback))),
        ])
      }
      return question.answered(question.name == names[2] ? question.address("192.0.2.9") : [])
    }
    defer { server.close() }
    let records = try await resolver(nodes, [server]).records(
      of: "a.example", type: .a, timeout: patience)
    #expect(records.map(\.name) == [names[2]])
  }

  @Test("gives up on aliases that go round in circles")
  func aliasCircle() async throws {
    let nodes = try await World.stack.nodes()
    let names = try ["a", "b"].map { try #require(DomainName($0 + ".example")) }
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      let other = question.name == names[0] ? names[1] : names[0]
      return question.answered([ResourceRecord(question.name, .cname, timeToLive: 9, .name(other))])
    }
    defer { server.close() }
    let reason = await reason {
      try await resolver(nodes, [server]).records(of: "a.example", type: .a, timeout: patience)
    }
    #expect(reason == .nameServerFailure("its aliases form too long a chain"))
  }

  @Test("remembers an absence for as long as its zone says, and not without its word")
  func absence() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      let isRemembered = question.name == DomainName("remembered.example")
      return question.answered(code: .nameError, absence: isRemembered ? 100 : nil)
    }
    defer { server.close() }
    let resolver = resolver(nodes, [server])
    for _ in 0..<3 {
      for name in ["remembered.example", "forgotten.example"] {
        let error = await #expect(throws: SocketError.self) {
          try await resolver.records(of: name, type: .a, timeout: patience)
        }
        #expect(error?.description == "resolve \(name): there is no such name")
      }
    }
    #expect(server.questions.count == 4)
  }

  @Test("tells a name without such data from no name")
  func noData() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(absence: 9)
    }
    defer { server.close() }
    #expect(
      await reason {
        try await resolver(nodes, [server]).addresses(of: "a.example", timeout: patience)
      } == .nameHasNoData)
  }

  @Test("remembers no more than it has room for")
  func boundedMemory() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(question.address("192.0.2.1", timeToLive: 1_000))
    }
    defer { server.close() }
    let resolver = resolver(nodes, [server])
    for _ in 0..<2 {
      for number in 0..<20 {
        _ = try await resolver.records(of: "n\(number).example", type: .a, timeout: patience)
      }
    }
    #expect(server.questions.count > 20 + 20 - 8)
    #expect(server.questions.count <= 40)
  }

  @Test("asks the next server when one refuses, is silent or is not there")
  func nextServer() async throws {
    let nodes = try await World.stack.nodes()
    let refusing = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(code: .refused)
    }
    let silent = try await NameServer(on: nodes.server, at: nodes.address) { _, _, _ in nil }
    let good = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(question.address("192.0.2.1"))
    }
    defer { for server in [refusing, silent, good] { server.close() } }
    let resolver = resolver(nodes, [refusing, silent, good]) { configuration in
      configuration.servers.insert(SocketAddress(nodes.address, port: 1), at: 0)
      configuration.timeout = .milliseconds(100)
      configuration.attempts = Self.many
    }
    let records = try await resolver.records(of: "a.example", type: .a, timeout: patience)
    #expect(records.count == 1)
    #expect(!refusing.questions.isEmpty)
    #expect(!silent.questions.isEmpty)
  }

  @Test("says what the last server did when none helps")
  func allFail() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(code: .serverFailure)
    }
    defer { server.close() }
    let error = await #expect(throws: SocketError.self) {
      try await resolver(nodes, [server]) { $0.attempts = 3 }.addresses(
        of: "a.example", timeout: patience)
    }
    #expect(error?.description == "resolve a.example: \(server.address): it could not find out")
    #expect(server.questions.count == 6)
  }

  @Test("takes turns among the servers where it is told to")
  func rotation() async throws {
    let nodes = try await World.stack.nodes()
    var servers: [NameServer] = []
    for _ in 0..<2 {
      servers.append(
        try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
          question.answered(question.address("192.0.2.1"))
        })
    }
    defer { for server in servers { server.close() } }
    let resolver = resolver(nodes, servers) { $0.rotates = true }
    for number in 0..<6 {
      _ = try await resolver.records(of: "n\(number).example", type: .a, timeout: patience)
    }
    #expect(servers.map(\.questions.count) == [3, 3])
  }

  @Test("RFC 5452 §9.1: takes no answer but to its own question", arguments: 0..<6)
  func forgeries(kind: Int) async throws {
    let nodes = try await World.stack.nodes()
    // The forged answer comes instead of the first; then, asked again, the server tells the truth.
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, number, _ in
      guard number == 0 else { return question.answered(question.address("192.0.2.1")) }
      var reply = question.answered(question.address("203.0.113.66"))
      switch kind {
      case 0: reply.identifier &+= 1
      case 1: reply.questions[0].name = .root
      case 2: reply.questions[0].type = .txt
      case 3: reply.questions[0].questionClass = 3
      case 4: reply.isResponse = false
      default: reply.questions = []
      }
      return reply
    }
    defer { server.close() }
    let resolver = resolver(nodes, [server]) { configuration in
      configuration.timeout = .milliseconds(100)
      configuration.attempts = Self.many
    }
    let records = try await resolver.records(of: "a.example", type: .a, timeout: patience)
    #expect(records.map(\.content) == [.address(try IPAddress(parsing: "192.0.2.1"))])
  }

  @Test("RFC 5452 §9.2: asks from other ports with other identifiers")
  func unpredictability() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(question.address("192.0.2.1"))
    }
    defer { server.close() }
    let resolver = resolver(nodes, [server])
    for number in 0..<30 {
      _ = try await resolver.records(of: "n\(number).example", type: .a, timeout: patience)
    }
    #expect(Set(server.ports).count > 20)
    #expect(Set(server.questions.map(\.identifier)).count > 20)
  }

  @Test("RFC 5452 §9.1: hears nobody but the server", arguments: World.allCases)
  func otherSource(world: World) async throws {
    let nodes = try await world.nodes()
    let other = try await nodes.server.bind(.udp(nodes.address, port: 0))
    let server = try await NameServer(on: nodes.server, at: nodes.address) { _, _, _ in nil }
    defer { server.close() }
    let resolver = resolver(nodes, [server])
    let asking = Task { try await resolver.records(of: "a.example", type: .a, timeout: patience) }
    while server.questions.isEmpty { await Task.yield() }
    let question = try #require(server.questions.first)
    let remote = Endpoint.udp(
      world.isKernel ? nodes.address : try IPAddress(parsing: "10.0.0.1"),
      port: try #require(server.ports.first))
    // Right in everything but where it comes from: refused by the socket, or dropped.
    try await other.send(question.answered(question.address("203.0.113.66")).encoded(), to: remote)
    asking.cancel()
    #expect(await reason { try await asking.value } == .cancelled)
  }

  @Test("varies the case of letters where it is told to, and insists on it")
  func letterCase() async throws {
    let nodes = try await World.stack.nodes()
    let name = "abcdefghijklmnopqrstuvwxyz.example"
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, number, _ in
      var reply = question.answered(question.address(number == 0 ? "203.0.113.66" : "192.0.2.1"))
      if number == 0 { reply.questions[0].name = DomainName(name) ?? .root }
      return reply
    }
    defer { server.close() }
    let resolver = resolver(nodes, [server]) { configuration in
      configuration.variesCase = true
      configuration.timeout = .milliseconds(100)
      configuration.attempts = Self.many
    }
    let records = try await resolver.records(of: name, type: .a, timeout: patience)
    #expect(records.map(\.content) == [.address(try IPAddress(parsing: "192.0.2.1"))])
    #expect(server.questions.contains { !$0.name.isIdentical(to: DomainName(name) ?? .root) })
  }

  @Test("goes without extensions where a server does not know them")
  func withoutExtensions() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      if question.extensions == nil { return question.answered(question.address("192.0.2.1")) }
      var reply = question.answered(code: .formatError)
      reply.extensions = nil
      reply.questions = []
      return reply
    }
    defer { server.close() }
    let records = try await resolver(nodes, [server]).records(
      of: "a.example", type: .a, timeout: patience)
    #expect(records.count == 1)
  }

  @Test("tries what a name may mean in the order of dots and search list")
  func searchList() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered(code: .nameError, absence: nil)
    }
    defer { server.close() }
    let resolver = resolver(nodes, [server]) { configuration in
      configuration.search = ["x.example", "y.example"].compactMap { DomainName($0) }
      configuration.completeDots = 2
    }
    for name in ["a", "a.b.c", "a."] {
      _ = await reason { try await resolver.records(of: name, type: .a, timeout: patience) }
    }
    #expect(
      server.questions.map(\.name.description) == [
        "a.x.example", "a.y.example", "a", "a.b.c", "a.b.c.x.example", "a.b.c.y.example", "a",
      ])
  }

  @Test("asks nobody about numbers, listed names and localhost")
  func withoutServers() async throws {
    let nodes = try await World.stack.nodes()
    let resolver = resolver(nodes, [], hosts: "192.0.2.5 Printer # near\n2001:db8::5 printer pr")
    #expect(texts(try await resolver.addresses(of: "198.51.100.1")) == ["198.51.100.1"])
    #expect(texts(try await resolver.addresses(of: "::1")) == ["::1"])
    #expect(
      Set(texts(try await resolver.addresses(of: "PRINTER."))) == ["192.0.2.5", "2001:db8::5"])
    #expect(texts(try await resolver.addresses(of: "a.localhost")) == ["::1", "127.0.0.1"])
    #expect(
      try await resolver.names(of: try IPAddress(parsing: "2001:db8::5")) == ["printer", "pr"])
    #expect(
      await reason { try await resolver.addresses(of: "a.example") }
        == .nameServerFailure("no name server is known"))
    guard case .badEndpoint = await reason({ try await resolver.addresses(of: "a..b") })
    else { return #expect(Bool(false), "a..b is no name") }
  }

  @Test("finds the names of an address")
  func reverse() async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { question, _, _ in
      question.answered([
        ResourceRecord(
          question.name, .ptr, timeToLive: 1, .name(DomainName("host.example") ?? .root))
      ])
    }
    defer { server.close() }
    let names = try await resolver(nodes, [server]).names(
      of: try IPAddress(parsing: "192.0.2.1"), timeout: patience)
    #expect(names == ["host.example"])
    #expect(server.questions.map(\.name.description) == ["1.2.0.192.in-addr.arpa"])
  }

  @Test("ends when its time is over or its task is cancelled", arguments: [false, true])
  func interrupted(isCancelled: Bool) async throws {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address) { _, _, _ in nil }
    defer { server.close() }
    let resolver = resolver(nodes, [server])
    let asking = Task {
      await reason {
        try await resolver.addresses(
          of: "a.example", timeout: isCancelled ? patience : .milliseconds(50))
      }
    }
    if isCancelled {
      while server.questions.isEmpty { await Task.yield() }
      asking.cancel()
    }
    #expect(await asking.value == (isCancelled ? .cancelled : .deadlineExceeded))
  }

  @Test("of this machine knows localhost, and says what it does not know")
  func machine() async throws {
    let resolver = HostNode().resolver
    let found = try await resolver.addresses(of: "localhost", timeout: patience)
    #expect(found.contains { $0.address.isLoopback })
    #expect(
      texts(try await resolver.addresses(of: "192.0.2.1", timeout: patience)) == ["192.0.2.1"])
    #expect(await reason { try await resolver.addresses(of: "a\0b") } == .nameNotFound)
  }
}

@Suite("A resolver's configuration")
struct ResolverConfigurationTests {
  @Test("is read from a file like resolv.conf")
  func text() throws {
    let configuration = ResolverConfiguration(
      text: """
        # nameserver 192.0.2.99
        ; nameserver 192.0.2.98
        domain old.example
        search a.example b.example.
        nameserver 192.0.2.1
        nameserver nonsense
        nameserver\tfe80::1%eth7
        options ndots:3 timeout:2 attempts:9 rotate unknown:1 use-vc
        """, zones: { $0 == "eth7" ? 7 : nil })
    #expect(
      configuration.servers == [
        SocketAddress("192.0.2.1:53"), SocketAddress("[fe80::1%7]:53"),
      ])
    #expect(configuration.search.map(\.description) == ["a.example", "b.example"])
    #expect(configuration.completeDots == 3)
    #expect(configuration.timeout == .seconds(2))
    #expect(configuration.attempts == 5)
    #expect(configuration.rotates && configuration.usesStream)
  }

  @Test("without a file means this machine's own server")
  func empty() {
    let configuration = ResolverConfiguration(text: "options ndots:x timeout:-5 ndots")
    #expect(configuration.servers.map(\.description) == ["127.0.0.1:53"])
    #expect(configuration.timeout == .seconds(1))
    #expect(configuration.completeDots == 1)
  }
}
