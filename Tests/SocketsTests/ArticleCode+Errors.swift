import Addresses
import Sockets
import SystemPackage
import Testing

// The code of Errors.md, and its tables. `GuideTests` looks for each of its blocks here.

extension SocketError.Reason {
  /// Whether the same call may succeed in a while.
  var mayPass: Bool {
    switch self {
    case .connectionRefused, .connectionReset, .connectionAborted, .timedOut: true
    case .hostUnreachable, .networkUnreachable, .noBufferSpace, .nameServerFailure: true
    case .allFailed(let errors): errors.contains { $0.reason.mayPass }
    case .system(let errno, _): [12, 23, 24].contains(errno)  // ENOMEM, ENFILE, EMFILE
    default: false
    }
  }
}

func isThere(_ place: String, from node: any NetworkNode) async throws -> Bool {
  do {
    _ = try await node.connect(to: place, timeout: .seconds(30))
    return true
  } catch {
    guard error.reason == .connectionRefused else { throw error }
    return false
  }
}

/// Connects, as often as `pauses` has another one.
func connect(
  to place: String, from node: any NetworkNode, pauses: [Duration]
) async throws -> TCPConnection {
  for pause in pauses {
    do throws(SocketError) {
      return try await node.connect(to: place, timeout: .seconds(30))
    } catch {
      guard error.reason.mayPass else { throw error }
      try await Task.sleep(for: pause)
    }
  }
  return try await node.connect(to: place, timeout: .seconds(30))
}

@Suite("The code of the article about errors", .timeLimit(.minutes(1)))
struct ErrorsArticle {
  /// A port at which nobody listens: somebody just did. None that the system gives to whoever asks
  /// for any, as others may meanwhile.
  private func vacantPort(_ node: any NetworkNode) async throws -> PortNumber {
    for _ in 0..<100 {
      let place = "tcp://127.0.0.1:\(Int.random(in: 20_000..<30_000))"
      if let listener = try? await node.listen(on: place) { return listener.local.port }
    }
    throw SocketError(.listen, reason: .addressInUse)
  }

  @Test("An error says what was asked, of whom, and why not", arguments: World.allCases)
  func shape(world: World) async throws {
    let node = try await world.nodes().server
    let port = try await vacantPort(node)
    let address = try IPAddress(parsing: "127.0.0.1")
    do {
      _ = try await node.connect(to: "tcp://127.0.0.1:\(port)", timeout: .seconds(30))
    } catch {
      #expect(error.operation == .connect)
      #expect(error.remote == .tcp(address, port: port))
      #expect(error.reason == .connectionRefused)
      #expect("\(error)" == "connect to tcp://127.0.0.1:\(port): connection refused")
    }
    #expect(try await isThere("tcp://127.0.0.1:\(port)", from: node) == false)
  }

  @Test("What may pass is tried again", arguments: World.allCases)
  func again(world: World) async throws {
    let node = try await world.nodes().server
    let port = try await vacantPort(node)
    let place = "tcp://127.0.0.1:\(port)"
    let pauses = [Duration](repeating: .milliseconds(1), count: 3)
    #expect(
      await reason { try await connect(to: place, from: node, pauses: pauses) }
        == .connectionRefused)
    async let connection = connect(
      to: place, from: node, pauses: [Duration](repeating: .milliseconds(10), count: 1_000))
    let listener = try await node.listen(on: place)
    _ = try await listener.accept(timeout: patience)
    #expect(try await connection.remote == listener.local)
    #expect(
      await reason { try await connect(to: "nonsense", from: node, pauses: [.seconds(60)]) } != nil)
  }

  /// One of each.
  private static let reasons: [SocketError.Reason] = [
    .closed, .cancelled, .deadlineExceeded, .badEndpoint(""), .invalidOperation, .addressInUse,
    .addressNotAvailable, .addressFamilyNotSupported, .networkUnreachable, .hostUnreachable,
    .connectionRefused, .connectionReset, .connectionAborted, .timedOut, .notConnected,
    .alreadyConnected, .brokenPipe, .messageTooLong, .unsupported, .noBufferSpace,
    .permissionDenied, .networkDown, .noSuchInterface(""), .unexpectedEnd, .nameNotFound,
    .nameHasNoData, .nameServerFailure(""), .allFailed([]), .system(errno: 0, ""),
  ]

  /// The name of a reason. A new one makes this fail to compile: it belongs above and in the
  /// article, too.
  private func name(_ reason: SocketError.Reason) -> String {
    switch reason {
    case .closed: "closed"
    case .cancelled: "cancelled"
    case .deadlineExceeded: "deadlineExceeded"
    case .badEndpoint: "badEndpoint"
    case .invalidOperation: "invalidOperation"
    case .addressInUse: "addressInUse"
    case .addressNotAvailable: "addressNotAvailable"
    case .addressFamilyNotSupported: "addressFamilyNotSupported"
    case .networkUnreachable: "networkUnreachable"
    case .hostUnreachable: "hostUnreachable"
    case .connectionRefused: "connectionRefused"
    case .connectionReset: "connectionReset"
    case .connectionAborted: "connectionAborted"
    case .timedOut: "timedOut"
    case .notConnected: "notConnected"
    case .alreadyConnected: "alreadyConnected"
    case .brokenPipe: "brokenPipe"
    case .messageTooLong: "messageTooLong"
    case .unsupported: "unsupported"
    case .noBufferSpace: "noBufferSpace"
    case .permissionDenied: "permissionDenied"
    case .networkDown: "networkDown"
    case .noSuchInterface: "noSuchInterface"
    case .unexpectedEnd: "unexpectedEnd"
    case .nameNotFound: "nameNotFound"
    case .nameHasNoData: "nameHasNoData"
    case .nameServerFailure: "nameServerFailure"
    case .allFailed: "allFailed"
    case .system: "system"
    }
  }

  @Test("Every reason has its row, and no other")
  func everyReason() throws {
    let table = try ArticleTable("Errors", heading: ["reason", "when", "what to do"])
    #expect(table.rows.map { $0[0] } == Self.reasons.map(name))
    #expect(table.rows.allSatisfy { $0.count == 3 && !$0.contains("") })
  }

  private static let numbers: [String: Errno] = [
    "EBADF": .badFileDescriptor, "EINVAL": .invalidArgument, "EADDRINUSE": .addressInUse,
    "EADDRNOTAVAIL": .addressNotAvailable, "EAFNOSUPPORT": .addressFamilyNotSupported,
    "ENETUNREACH": .networkUnreachable, "EHOSTUNREACH": .noRouteToHost, "EHOSTDOWN": .hostIsDown,
    "ECONNREFUSED": .connectionRefused, "ECONNRESET": .connectionReset,
    "ECONNABORTED": .connectionAbort, "ETIMEDOUT": .timedOut, "ENOTCONN": .socketNotConnected,
    "EDESTADDRREQ": .addressRequired, "EISCONN": .socketIsConnected, "EPIPE": .brokenPipe,
    "EMSGSIZE": .messageTooLong, "ENOBUFS": .noBufferSpace, "ENOMEM": .noMemory,
    "EACCES": .permissionDenied, "EPERM": .notPermitted, "ENETDOWN": .networkDown,
    "EMFILE": .tooManyOpenFiles, "ENFILE": .tooManyOpenFilesInSystem,
  ]

  @Test("An errno becomes the reason that the table says")
  func errno() throws {
    let table = try ArticleTable("Errors", heading: ["errno", "reason"])
    var seen: Set<String> = []
    for row in table.rows {
      for text in row[0].split(separator: ", ") where text != "and all others" {
        let errno = try #require(Self.numbers[String(text)])
        #expect(name(SocketError.Reason(errno)) == row[1], "\(text)")
        seen.insert(String(text))
      }
    }
    #expect(seen == Set(Self.numbers.keys))
  }

  @Test("What may pass is what the article names")
  func passing() {
    let named = Set(Self.reasons.filter(\.mayPass).map(name))
    #expect(
      named == [
        "connectionRefused", "connectionReset", "connectionAborted", "hostUnreachable",
        "networkUnreachable", "timedOut", "noBufferSpace", "nameServerFailure",
      ])
  }
}
