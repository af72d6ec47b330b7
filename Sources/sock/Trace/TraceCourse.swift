package import Addresses
package import Sockets

/// The way to a host, found by echo requests that may go one hop farther each time.
package struct TraceCourse: Sendable {
  package let destination: SocketAddress
  package let most: UInt8
  /// Requests for each hop.
  package let queries: Int
  /// For the answers of one hop.
  package let patience: Duration

  package init(destination: SocketAddress, most: UInt8, queries: Int, patience: Duration) {
    self.destination = destination
    self.most = most
    self.queries = queries
    self.patience = patience
  }

  /// What came back for one hop limit.
  package struct Hop: Hashable, Sendable {
    package let limit: UInt8
    /// In the order they were asked; nil where nothing came.
    package var answers: [Answer?]

    package struct Answer: Hashable, Sendable {
      package let source: IPAddress
      package let milliseconds: Double
      package let kind: EchoAnswer.Kind
    }

    /// Nothing lies behind it: the destination answered, or somebody refused.
    package var isLast: Bool {
      answers.contains { answer in
        switch answer?.kind {
        case .reply, .unreachable: true
        default: false
        }
      }
    }

    /// ` 2  192.0.2.1  0.310 ms  *  0.288 ms`; an address again where it changes.
    package var line: String {
      var text = (limit < 10 ? " " : "") + "\(limit)"
      var last: IPAddress?
      for answer in answers {
        guard let answer else {
          text += "  *"
          continue
        }
        if answer.source != last { text += "  \(answer.source)" }
        last = answer.source
        let thousandths = Int((answer.milliseconds * 1_000).rounded())
        let fraction = String("\(1_000 + thousandths % 1_000)".dropFirst())
        text += "  \(thousandths / 1_000).\(fraction) ms"
        switch answer.kind {
        case .unreachable(let code): text += " unreachable (code \(code))"
        case .packetTooBig(let mtu): text += " too big for \(mtu)"
        case .reply, .timeExceeded: break
        }
      }
      return text
    }
  }

  /// Goes on until the destination answers, somebody refuses or the limit is reached.
  ///
  /// - Returns: whether the destination answered.
  package func run(
    on node: any NetworkNode, _ report: (Hop) -> Void
  ) async throws(SocketError) -> Bool {
    let socket = try await node.openEcho(destination.address.isIPv4 ? .v4 : .v6)
    defer { socket.close() }
    for limit in 1...max(1, most) {
      let hop = try await ask(limit, socket)
      report(hop)
      if hop.answers.contains(where: { $0?.kind == .reply }) { return true }
      if hop.isLast { return false }
    }
    return false
  }

  private func ask(_ limit: UInt8, _ socket: EchoSocket) async throws(SocketError) -> Hop {
    var hop = Hop(limit: limit, answers: Array(repeating: nil, count: queries))
    let payload = [UInt8](repeating: 0x20, count: 32)
    let first = Int(limit) * queries
    var sent: [ContinuousClock.Instant] = []
    for query in 0..<queries {
      sent.append(.now)
      try await socket.send(
        payload.span, to: destination.address, zone: destination.zone,
        sequence: UInt16(truncatingIfNeeded: first + query), hopLimit: limit)
    }
    let end = ContinuousClock.now + patience
    var buffer = [UInt8](repeating: 0, count: 64)
    var outstanding = queries
    while outstanding > 0 {
      let answer: EchoAnswer
      do throws(SocketError) {
        var span = buffer.mutableSpan
        answer = try await socket.receive(into: &span, timeout: end - .now)
      } catch {
        if error.reason == .deadlineExceeded { return hop }
        throw error
      }
      // Answers of hops before come late.
      let index = Int(answer.sequence) - first
      guard hop.answers.indices.contains(index), hop.answers[index] == nil else { continue }
      hop.answers[index] = Hop.Answer(
        source: answer.source, milliseconds: sent[index].duration(to: .now) / .milliseconds(1),
        kind: answer.kind)
      outstanding -= 1
    }
    return hop
  }
}
