import Addresses
import Packets
import Sockets
import Synchronization

/// A name server, and what it has been asked.
final class NameServer: Sendable {
  /// Makes an answer of a question; nil for silence. The number counts the questions from zero; the
  /// flag says whether it came over TCP.
  typealias Answering = @Sendable (DNSMessage, Int, Bool) -> DNSMessage?

  private struct State {
    var questions: [DNSMessage] = []
    var ports: [PortNumber] = []
  }

  private let state = Mutex(State())
  private let socket: UDPSocket
  private let listener: TCPListener
  let address: SocketAddress

  var questions: [DNSMessage] { state.withLock { $0.questions } }
  /// Those that datagrams came from.
  var ports: [PortNumber] { state.withLock { $0.ports } }

  init(
    on node: any NetworkNode, at address: IPAddress, _ answering: @escaping Answering
  ) async throws {
    listener = try await node.listen(on: .tcp(address, port: 0))
    socket = try await node.bind(.udp(address, port: listener.local.port))
    self.address = socket.local.socketAddress
    Task { [socket] in
      for try await datagram in socket.datagrams {
        self.state.withLock { $0.ports.append(datagram.source.port) }
        guard let reply = self.reply(to: datagram.bytes, answering, false) else { continue }
        try await socket.send(reply, to: datagram.source)
      }
    }
    Task { [listener] in
      for try await connection in listener.connections {
        let length = try await connection.read(exactly: 2)
        let question = try await connection.read(exactly: Int(length[0]) << 8 | Int(length[1]))
        guard let reply = self.reply(to: question, answering, true) else { continue }
        try await connection.write([UInt8(reply.count >> 8), UInt8(reply.count & 0xFF)] + reply)
      }
    }
  }

  /// Stops; until then it keeps itself.
  func close() {
    socket.close()
    listener.close()
  }

  private func reply(to bytes: [UInt8], _ answering: Answering, _ isStream: Bool) -> [UInt8]? {
    guard let question = try? DNSMessage(parsing: bytes.span) else { return nil }
    let number = state.withLock { state in
      state.questions.append(question)
      return state.questions.count - 1
    }
    return answering(question, number, isStream)?.encoded()
  }
}

extension DNSMessage {
  /// An answer to this question, with these records.
  func answered(
    _ records: [ResourceRecord] = [], code: ResponseCode = .success, absence: UInt32? = nil
  ) -> DNSMessage {
    var reply = self
    reply.isResponse = true
    reply.offersRecursion = true
    reply.responseCode = code
    reply.answers = records
    if let absence {
      reply.authorities = [
        ResourceRecord(
          .root, .soa, timeToLive: absence,
          .authority(
            .init(
              primary: .root, mailbox: .root, serial: 0, refresh: 0, retry: 0, expire: 0,
              minimum: absence)))
      ]
    }
    return reply
  }

  var type: RecordType? { questions.first?.type }
  var name: DomainName { questions.first?.name ?? .root }

  /// An address record for the name that is asked for, where it asks for one of that version.
  func address(_ text: String, timeToLive: UInt32 = 60) -> [ResourceRecord] {
    guard let address = IPAddress(text), type == (address.isIPv4 ? .a : .aaaa) else { return [] }
    return [ResourceRecord(name, type ?? .a, timeToLive: timeToLive, .address(address))]
  }
}
