import Addresses
import Logging
import Packets
import Sockets
import Testing

@Suite("What a resolver logs", .timeLimit(.minutes(1)))
struct ResolverLoggingTests {
  /// Asks a server for the address of `a.example` in vain or not, and returns what was logged.
  private func ask(
    _ change: (inout ResolverConfiguration) -> Void = { _ in }, times: Int = 1,
    _ answering: @escaping NameServer.Answering
  ) async throws -> (recorder: LogRecorder, server: SocketAddress) {
    let nodes = try await World.stack.nodes()
    let server = try await NameServer(on: nodes.server, at: nodes.address, answering)
    defer { server.close() }
    var configuration = ResolverConfiguration(
      servers: [server.address], timeout: patience, attempts: 1)
    change(&configuration)
    let recorder = LogRecorder()
    let resolver = Resolver(
      on: nodes.client, configuration: configuration, hosts: HostsTable(text: ""),
      logger: recorder.logger())
    for _ in 0..<times {
      _ = await reason { try await resolver.records(of: "a.example", type: .a, timeout: patience) }
    }
    return (recorder, server.address)
  }

  @Test(
    "RFC 5452 §9.1: is that an answer is not believed, and why",
    arguments: [
      "no response", "another identifier", "another question", "letters in another case",
    ])
  func disbelief(why: String) async throws {
    // Over TCP, where what is not believed is not waited after.
    let change: (inout ResolverConfiguration) -> Void = { configuration in
      configuration.usesStream = true
      configuration.variesCase = true
    }
    let (recorder, server) = try await ask(change) { question, _, _ in
      var reply = question.answered(question.address("203.0.113.66"))
      switch why {
      case "no response": reply.isResponse = false
      case "another identifier": reply.identifier &+= 1
      case "another question": reply.questions[0].type = .txt
      default: reply.questions[0].name = reply.name.withOtherLetters
      }
      return reply
    }
    let line = try #require(recorder.lines("an answer is not believed").first)
    #expect(line.level == .debug)
    #expect(line["reason"] == why)
    #expect(line["server"] == "\(server)")
    #expect(line["name"]?.lowercased() == "a.example")
    let failure = try #require(recorder.lines("a name server fails").first)
    #expect(failure.level == .debug)
    #expect(
      (failure.error as? SocketError)?.reason == .nameServerFailure("its answer is malformed"))
  }

  @Test("RFC 5452 §9.1: is that somebody guesses, after so many answers that are none")
  func guessing() async throws {
    let nodes = try await World.stack.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    let socket = try await nodes.server.bind(.udp(nodes.address, port: listener.local.port))
    let guesser = Task {
      let question = try await socket.receive(timeout: patience)
      for number in UInt8(0)..<16 {
        try await socket.send([number], to: question.source, timeout: patience)
      }
      // Where guessing is of no use nobody answers.
      _ = try await listener.accept(timeout: patience)
      listener.close()
    }
    let recorder = LogRecorder()
    let configuration = ResolverConfiguration(
      servers: [socket.local.socketAddress], timeout: patience, attempts: 1)
    let resolver = Resolver(
      on: nodes.client, configuration: configuration, hosts: HostsTable(text: ""),
      logger: recorder.logger())
    _ = await reason { try await resolver.records(of: "a.example", type: .a, timeout: patience) }
    try await guesser.value
    let line = try #require(
      recorder.lines("asking over TCP: somebody may be guessing at answers").first)
    #expect(line.level == .warning)
    #expect(line["unbelieved"] == "16")
    let refused = recorder.lines("an answer is not believed")
    #expect(refused.map { $0["reason"] } == Array(repeating: "malformed", count: 16))
  }

  @Test("is that it asks over TCP, and why")
  func truncation() async throws {
    let (recorder, server) = try await ask { question, _, isStream in
      var reply = question.answered(question.address("192.0.2.1"))
      reply.isTruncated = !isStream
      return reply
    }
    let line = try #require(
      recorder.lines("asking over TCP: the answer is too long for a datagram").first)
    #expect(line.level == .debug)
    #expect(line["server"] == "\(server)")
    #expect(line["type"] == "\(RecordType.a)")
    #expect(recorder.lines("answered").count == 1)
  }

  @Test("is that a server refuses, and that another knows no extensions")
  func refusals() async throws {
    let (recorder, server) = try await ask { question, _, _ in
      question.answered(code: question.extensions == nil ? .refused : .formatError)
    }
    #expect(recorder.lines("the name server knows no EDNS").count == 1)
    let failure = try #require(recorder.lines("a name server fails").first)
    #expect(failure["server"] == "\(server)")
    #expect((failure.error as? SocketError)?.reason == .nameServerFailure("it refused to answer"))
  }

  @Test("is little where all goes well")
  func quiet() async throws {
    let (recorder, _) = try await ask(times: 2) { question, _, _ in
      question.answered(question.address("192.0.2.1"))
    }
    #expect(recorder.lines.map(\.message) == ["answered", "remembered"])
    #expect(recorder.lines.allSatisfy { $0.level == .trace })
  }
}

extension DomainName {
  /// The same name with no letter in its case.
  fileprivate var withOtherLetters: DomainName {
    let letters = description.map { $0.isLowercase ? $0.uppercased() : $0.lowercased() }
    return DomainName(letters.joined()) ?? .root
  }
}
