import Addresses
import Foundation
import Sockets
import Testing

@Suite("A connection is used", .timeLimit(.minutes(1)))
struct ExecutorTests {
  /// An actor of the program's own that talks to an echo.
  private actor Talker {
    var answers = 0

    func talk(_ connection: TCPConnection, rounds: Int) async throws {
      for _ in 0..<rounds {
        try await connection.write("hello")
        #expect(try await connection.read(upTo: 5, timeout: patience) == Array("hello".utf8))
        answers += 1
      }
    }
  }

  /// A connection to an echo that runs on its node's executor.
  private func connectToEcho() async throws -> (connection: TCPConnection, pair: Pair) {
    let pair = try await Pair()
    let (client, server) = try await pair.connect(options: TCPOptions(noDelay: true))
    Task(executorPreference: pair.server.executor) {
      while true {
        let bytes = try await server.read()
        if bytes.isEmpty { return try await server.shutdownSend() }
        try await server.write(bytes)
      }
    }
    return (client, pair)
  }

  @Test("by an actor, whose task may prefer the node's executor or not")
  func actors() async throws {
    let (connection, pair) = try await connectToEcho()
    let talker = Talker()
    try await talker.talk(connection, rounds: 50)
    try await Task(executorPreference: pair.client.executor) {
      try await talker.talk(connection, rounds: 50)
    }.value
    // Both at once, so that the actor's work is done now here, now there.
    let (other, otherPair) = try await connectToEcho()
    async let here: Void = talker.talk(connection, rounds: 200)
    async let there: Void = Task(executorPreference: otherPair.client.executor) {
      try await talker.talk(other, rounds: 200)
    }.value
    _ = try await (here, there)
    #expect(await talker.answers == 500)
  }

  /// The thread this is asked on.
  private static var thread: ObjectIdentifier { ObjectIdentifier(Thread.current) }

  @Test("by the body of withConnection, on the node's executor from the beginning")
  func body() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://10.0.0.2:7")
    let own = await Task(executorPreference: pair.client.executor) { Self.thread }.value
    let began = try await pair.client.withConnection(to: listener.local) { _ in Self.thread }
    #expect(began == own)
  }

  @Test("by the main actor")
  func mainActor() async throws {
    let (connection, _) = try await connectToEcho()
    try await Task { @MainActor in
      try await connection.write("hello")
      #expect(try await connection.read(timeout: patience) == Array("hello".utf8))
    }.value
  }

  @Test("by a task that begins at once in the place of one that prefers the executor")
  func immediate() async throws {
    let (connection, pair) = try await connectToEcho()
    try await Task(executorPreference: pair.client.executor) {
      let task = Task.immediate {
        for _ in 0..<20 {
          try await connection.write("hello")
          #expect(try await connection.read(upTo: 5, timeout: patience) == Array("hello".utf8))
        }
      }
      try await task.value
    }.value
  }

  @Test("by two tasks at once, one reading and one writing from elsewhere")
  func twoTasks() async throws {
    let (connection, _) = try await connectToEcho()
    let bytes = noise(1 << 20)
    async let writing: Void = {
      try await connection.write(bytes, timeout: patience)
      try await connection.shutdownSend()
    }()
    #expect(try await connection.readAll(timeout: patience) == bytes)
    try await writing
  }
}
