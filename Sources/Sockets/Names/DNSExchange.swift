import Addresses
import Host
import Logging
import Packets

/// One question to one server.
struct DNSExchange {
  let node: any NetworkNode
  let server: SocketAddress
  let configuration: ResolverConfiguration
  let time: TimeAllowed
  let logger: Logger

  /// What is offered over UDP: fits every path without fragments, which can be forged in part (the
  /// DNS Flag Day of 2020).
  private static let payloadSize: UInt16 = 1_232
  /// The datagrams on our port that are no answer, after which somebody guesses: go where guessing
  /// is of no use.
  private static let suspicion = 16

  /// - Returns: an answer, or that there is no such name.
  /// - Throws: what the sockets say, and what the server's refusal is called.
  func answer(to question: DNSMessage.Question) async throws(SocketError) -> DNSMessage {
    var reply = try await exchange(question, hasExtensions: true)
    // RFC 6891 §7: a server of old, which does not know EDNS.
    if reply.responseCode == .formatError || reply.responseCode == .notImplemented {
      logger.debug("the name server knows no EDNS", metadata: metadata(question))
      reply = try await exchange(question, hasExtensions: false)
    }
    switch reply.responseCode {
    case .success, .nameError:
      logger.trace("answered", metadata: metadata(question))
      return reply
    case .serverFailure: throw failure("it could not find out")
    case .refused: throw failure("it refused to answer")
    case .formatError: throw failure("it did not understand the question")
    case let code: throw failure("it answered with code \(code.rawValue)")
    }
  }

  private func exchange(
    _ question: DNSMessage.Question, hasExtensions: Bool
  ) async throws(SocketError) -> DNSMessage {
    var question = question
    if configuration.variesCase { question.name = question.name.varyingCase(try random()) }
    // RFC 5452 §9.2: an identifier that nobody can guess, each time another.
    var query = DNSMessage(
      identifier: UInt16(truncatingIfNeeded: try random()), question,
      extensions: hasExtensions ? .init(payloadSize: Self.payloadSize) : nil)
    query.wantsRecursion = true
    if !configuration.usesStream {
      if let reply = try await overDatagrams(query) {
        guard reply.isTruncated else { return reply }
        logger.debug(
          "asking over TCP: the answer is too long for a datagram", metadata: metadata(question))
      } else {
        logger.warning(
          "asking over TCP: somebody may be guessing at answers",
          metadata: metadata(question).merging(["unbelieved": "\(Self.suspicion)"]) { $1 })
      }
    }
    // RFC 7766 §5: the whole over TCP.
    return try await overStream(query)
  }

  /// - Returns: nil where so much came that was no answer that somebody may be guessing.
  private func overDatagrams(_ query: DNSMessage) async throws(SocketError) -> DNSMessage? {
    let any: IPAddress = server.address.isIPv4 ? .v4(.any) : .v6(.any)
    // RFC 5452 §9.2: from a port of its own, which the node chooses at random. §9.1: connected, the
    // socket hears the server alone.
    let socket = try await node.bind(.udp(any, port: .any))
    try await socket.connect(to: Endpoint(.udp, server))
    try await socket.send(query.encoded(), timeout: time.left)
    var bytes = [UInt8](repeating: 0, count: 4_096)
    for _ in 0..<Self.suspicion {
      var span = bytes.mutableSpan
      let header = try await socket.receive(into: &span, timeout: time.left)
      do throws(Disbelief) {
        return try reply(bytes.span.extracting(first: header.count), to: query)
      } catch {
        logger.debug(
          "an answer is not believed",
          metadata: metadata(query.questions.first).merging(["reason": "\(error.rawValue)"]) { $1 })
      }
    }
    return nil
  }

  private func overStream(_ query: DNSMessage) async throws(SocketError) -> DNSMessage {
    let connection = try await node.connect(to: Endpoint(.tcp, server), timeout: time.left)
    // RFC 1035 §4.2.2: the length before the message.
    let message = query.encoded()
    let length = [UInt8(message.count >> 8 & 0xFF), UInt8(message.count & 0xFF)]
    try await connection.write(joining: [length, message], timeout: time.left)
    let count = try await connection.read(exactly: 2, timeout: time.left)
    let bytes = try await connection.read(
      exactly: Int(count[0]) << 8 | Int(count[1]), timeout: time.left)
    do throws(Disbelief) {
      let reply = try reply(bytes.span, to: query)
      if !reply.isTruncated { return reply }
    } catch {
      logger.debug(
        "an answer is not believed",
        metadata: metadata(query.questions.first).merging(["reason": "\(error.rawValue)"]) { $1 })
    }
    throw failure("its answer is malformed")
  }

  /// Why a message is not the answer.
  private enum Disbelief: String, Error {
    case malformed
    case noResponse = "no response"
    case identifier = "another identifier"
    case question = "another question"
    case letters = "letters in another case"
  }

  /// RFC 5452 §9.1: whether it answers this very question.
  private func reply(
    _ bytes: Span<UInt8>, to query: DNSMessage
  ) throws(Disbelief) -> DNSMessage {
    guard let reply = try? DNSMessage(parsing: bytes) else { throw .malformed }
    guard reply.isResponse, reply.operation == 0 else { throw .noResponse }
    guard reply.identifier == query.identifier else { throw .identifier }
    // A server that does not understand may leave the question out.
    if reply.questions.isEmpty, reply.responseCode == .formatError { return reply }
    guard reply.questions == query.questions,
      let asked = query.questions.first, let answered = reply.questions.first
    else { throw .question }
    guard !configuration.variesCase || answered.name.isIdentical(to: asked.name) else {
      throw .letters
    }
    return reply
  }

  private func metadata(_ question: DNSMessage.Question?) -> Logger.Metadata {
    var metadata = question?.metadata ?? [:]
    metadata["server"] = "\(server)"
    return metadata
  }

  private func random() throws(SocketError) -> UInt64 {
    do {
      return try HostRandom.uint64()
    } catch {
      throw SocketError(.send, reason: SocketError.Reason(error))
    }
  }

  private func failure(_ complaint: String) -> SocketError {
    SocketError(.receive, remote: Endpoint(.udp, server), reason: .nameServerFailure(complaint))
  }
}
