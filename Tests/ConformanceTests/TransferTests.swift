import Foundation
import Glibc
import Sockets
import SystemPackage
import Testing

extension Conformance {
  /// From one connection to another, and from files: on the kernel without passing through the
  /// process, as long as that is worth it.
  @Suite("What is moved between connections", .timeLimit(.minutes(2)))
  struct TransferTests {
    /// Bytes in all, and in each write.
    static let courses = [
      (0, 1), (1, 1), (3_000, 7), (70_001, 70_001), (1 << 20, 1_460), (3 << 20, 300_007),
    ]

    @Test("comes whole and in order", arguments: World.allWires, courses.indices)
    func copy(world: World, course: Int) async throws {
      let (size, piece) = Self.courses[course]
      try await world.run { network in
        let (first, second) = (try await network.connection(), try await network.connection())
        let bytes = noise(size)
        let copying = network.start {
          let count = try await TCPConnection.copy(from: first.server, to: second.server)
          try await second.server.shutdownSend()
          return count
        }
        let writing = network.start {
          for start in stride(from: 0, to: size, by: piece) {
            let part = bytes[start..<min(start + piece, size)]
            try await first.client.write(Array(part), timeout: patience)
          }
          try await first.client.shutdownSend()
        }
        let received = try await second.client.readAll(timeout: patience)
        let isSame = received == bytes
        #expect(isSame, "\(received.count) bytes of \(size)")
        #expect(try await copying.value == UInt64(size))
        try await writing.value
      }
    }

    @Test("comes whole from a side of the network to the other", arguments: World.allWires)
    func copyAcross(world: World) async throws {
      try await world.run { network in
        let (first, second) = (try await network.connection(), try await network.connection())
        let bytes = noise(1 << 20)
        let copying = network.start {
          try await TCPConnection.relay(between: first.server, and: second.client)
        }
        for (source, sink) in [(first.client, second.server), (second.server, first.client)] {
          let writing = network.start {
            try await source.write(bytes, timeout: patience)
            try await source.shutdownSend()
          }
          let received = try await sink.readAll(timeout: patience)
          let isSame = received == bytes
          #expect(isSame, "\(received.count) bytes")
          try await writing.value
        }
        try await copying.value
      }
    }

    @Test("comes as soon as it was sent, much and little by turns", arguments: World.allWires)
    func muchAndLittle(world: World) async throws {
      try await world.run { network in
        let (first, second) = (try await network.connection(), try await network.connection())
        let copying = network.start {
          try await TCPConnection.copy(from: first.server, to: second.server)
        }
        let sizes = Array(repeating: [200_000, 90_000] + Array(repeating: 10, count: 12), count: 4)
        for (index, size) in sizes.joined().enumerated() {
          let bytes = noise(size, seed: index)
          let writing = network.start { try await first.client.write(bytes, timeout: patience) }
          let received = try await second.client.read(exactly: size)
          let isSame = received == bytes
          #expect(isSame)
          try await writing.value
        }
        try await first.client.shutdownSend()
        #expect(try await copying.value == UInt64(sizes.joined().reduce(0, +)))
      }
    }

    @Test("stops where the source breaks", arguments: World.all, [1, 300_000])
    func sourceBreaks(world: World, size: Int) async throws {
      try await world.run { network in
        let (first, second) = (try await network.connection(), try await network.connection())
        let copying = Task(executorPreference: network.executor) {
          await failure { try await TCPConnection.copy(from: first.server, to: second.server) }
        }
        let writing = network.start { try await first.client.write(noise(size)) }
        #expect(try await second.client.read(exactly: size).count == size)
        try await writing.value
        first.client.abort()
        let error = await copying.value
        #expect(error?.reason == .connectionReset)
        #expect(error?.operation == .read)
      }
    }

    @Test("stops where the destination has ended", arguments: World.all)
    func destinationEnded(world: World) async throws {
      try await world.run { network in
        let (first, second) = (try await network.connection(), try await network.connection())
        try await second.server.shutdownSend()
        let writing = network.startReason { try await first.client.write(noise(1 << 20)) }
        let error = await failure {
          try await TCPConnection.copy(from: first.server, to: second.server)
        }
        #expect(error?.reason == .brokenPipe)
        #expect(error?.operation == .write)
        first.client.abort()
        _ = await writing.value
      }
    }

    /// What the copy waits for when it is cancelled.
    enum Wait: CaseIterable { case firstBytes, moreBytes, room }

    @Test("stops where the task is cancelled", arguments: World.all, Wait.allCases)
    func cancelled(world: World, wait: Wait) async throws {
      try await world.run { network in
        let (first, second) = (try await network.connection(), try await network.connection())
        let copying = network.startReason {
          try await TCPConnection.copy(from: first.server, to: second.server)
        }
        switch wait {
        case .firstBytes: break
        case .moreBytes:
          let writing = network.start { try await first.client.write(noise(200_000)) }
          #expect(try await second.client.read(exactly: 200_000).count == 200_000)
          try await writing.value
        case .room:
          // Until nothing moves any more, since nobody reads.
          let stuck = await reason {
            while true { try await first.client.write(noise(1 << 20), timeout: .seconds(1)) }
          }
          #expect(stuck == .deadlineExceeded)
        }
        copying.cancel()
        #expect(await copying.value == .cancelled)
      }
    }

    @Test("comes from files, whole or in part", arguments: World.all)
    func files(world: World) async throws {
      let bytes = noise(2_000_003)
      let file = try TemporaryFile(bytes)
      try await world.run { network in
        let ends = try await network.connection()
        let parts: [(from: Int64, count: Int64?, sent: Range<Int>)] = [
          (0, nil, 0..<2_000_003), (5, 0, 0..<0), (1, 1, 1..<2),
          (1_999_999, 100, 1_999_999..<2_000_003),
          (2_000_003, nil, 0..<0), (9_000_000, 5, 0..<0), (.max, .max, 0..<0),
          (262_143, 262_146, 262_143..<524_289),
        ]
        let sending = network.start {
          var counts: [Int64] = []
          for part in parts {
            counts.append(
              try await ends.server.sendFile(
                file.path, from: part.from, count: part.count, timeout: patience))
            counts.append(
              try await ends.server.sendFile(
                file.descriptor, from: part.from, count: part.count, timeout: patience))
          }
          try await ends.server.shutdownSend()
          return counts
        }
        let received = try await ends.client.readAll(timeout: patience)
        let expected = parts.flatMap { bytes[$0.sent] + bytes[$0.sent] }
        let isSame = received == expected
        #expect(isSame, "\(received.count) bytes of \(expected.count)")
        #expect(
          try await sending.value == parts.flatMap { [Int64($0.sent.count), Int64($0.sent.count)] })
      }
    }

    @Test("comes from files that the kernel makes up", arguments: World.all)
    func madeUpFile(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let sending = network.start {
          let count = try await ends.server.sendFile("/proc/version", timeout: patience)
          try await ends.server.shutdownSend()
          return count
        }
        let received = try await ends.client.readAll(timeout: patience)
        #expect(received == Array(try Data(contentsOf: URL(fileURLWithPath: "/proc/version"))))
        #expect(try await sending.value == Int64(received.count))
      }
    }

    @Test("is no file that cannot be read", arguments: World.all)
    func badFiles(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let missing = await failure { try await ends.server.sendFile("/no/such/file") }
        #expect(missing?.operation == .readFile("/no/such/file"))
        let directory = await failure { try await ends.server.sendFile("/") }
        #expect(directory?.operation == .readFile("/"))
        let pipe = try FileDescriptor.pipe()
        defer {
          try? pipe.readEnd.close()
          try? pipe.writeEnd.close()
        }
        // Open to write, not to read.
        let unreadable = await failure { try await ends.server.sendFile(pipe.writeEnd) }
        #expect(unreadable?.operation == .readFile("descriptor \(pipe.writeEnd.rawValue)"))
        let negative = await reason { try await ends.server.sendFile("/", from: -1) }
        #expect(negative == .invalidOperation)
        // Nothing of it has harmed the connection.
        try await ends.server.write("x")
        #expect(try await ends.client.read(exactly: 1) == [120])
      }
    }

    @Test("waits for the peer, for as long as it may", arguments: World.all, [true, false])
    func sendingWaits(world: World, isCancelled: Bool) async throws {
      let file = try TemporaryFile(noise(5 << 20))
      try await world.run { network in
        let ends = try await network.connection()
        let sending = network.startReason {
          let limit: Duration? = isCancelled ? nil : .milliseconds(300)
          while true { try await ends.server.sendFile(file.descriptor, timeout: limit) }
        }
        // Some of it has come, and the rest waits for room.
        #expect(try await ends.client.read(exactly: 1) == noise(1))
        if isCancelled { sending.cancel() }
        #expect(await sending.value == (isCancelled ? .cancelled : .deadlineExceeded))
      }
    }

    @Test("stops where the peer is gone, without a signal", arguments: World.engines)
    func noSignal(engine: HostNode.Engine) async {
      await #expect(processExitsWith: .success) { [engine = engine.rawValue as String] in
        _ = signal(SIGPIPE, SIG_DFL)
        let pairs = try await Pairs(engine)
        let file = try TemporaryFile(noise(1 << 20))
        let (first, second) = (try await pairs.next(), try await pairs.next())
        second.server.abort()
        let gone = await reason { while true { try await second.client.sendFile(file.path) } }
        #expect(gone == .connectionReset || gone == .brokenPipe)
        #expect(await reason { try await second.client.sendFile(file.path) } == .brokenPipe)
        let third = try await pairs.next()
        try await third.client.shutdownSend()
        let writing = Task { try await first.client.write(noise(1 << 20)) }
        let ended = await reason {
          try await TCPConnection.copy(from: first.server, to: third.client)
        }
        #expect(ended == .brokenPipe)
        first.client.abort()
        _ = await writing.result
      }
    }

    @Test("leaves no descriptor behind, however it ends", arguments: World.engines)
    func descriptors(engine: HostNode.Engine) async {
      await #expect(processExitsWith: .success) { [engine = engine.rawValue as String] in
        let pairs = try await Pairs(engine)
        let file = try TemporaryFile(noise(1 << 20))
        let usual = try Pairs.descriptors()
        for _ in 0..<5 {
          try await pairs.moveInOrder(file)
          try await pairs.moveUntilCancelled()
          try await pairs.moveUntilBroken()
        }
        // They are closed in the background.
        for _ in 0..<200 where try Pairs.descriptors() != usual { await pairs.pause() }
        #expect(try Pairs.descriptors() == usual)
      }
    }
  }
}

/// A file with a content, for as long as it is held.
private final class TemporaryFile: Sendable {
  let path: String
  let descriptor: FileDescriptor

  init(_ bytes: [UInt8]) throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "transfer-\(UUID())")
    try Data(bytes).write(to: url)
    path = url.path
    descriptor = try FileDescriptor.open(FilePath(path), .readOnly)
  }

  deinit {
    try? descriptor.close()
    try? FileManager.default.removeItem(atPath: path)
  }
}

/// Connections of this machine to itself, in a process of their own.
private struct Pairs: Sendable {
  let node: HostNode
  let listener: TCPListener

  init(_ engine: String) async throws {
    node = HostNode(engine: try #require(HostNode.Engine(rawValue: engine)))
    listener = try await node.listen(on: "tcp://127.0.0.1:0")
  }

  func next() async throws -> Network.Ends {
    let client = try await node.connect(to: listener.local, timeout: patience)
    return Network.Ends(client: client, server: try await listener.accept(timeout: patience))
  }

  /// Lets some time pass.
  func pause() async {
    _ = await reason { try await listener.accept(timeout: .milliseconds(50)) }
  }

  /// How many sockets, pipes and files of these tests are open.
  static func descriptors() throws -> Int {
    let directory = "/proc/self/fd/"
    return try FileManager.default.contentsOfDirectory(atPath: directory).count { name in
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: directory + name)
      return ["socket:", "pipe:", "transfer-"].contains { target?.contains($0) ?? false }
    }
  }

  /// Two connections with a copy from one to the other under way, which has begun to move much.
  private func begin() async throws -> (Network.Ends, Network.Ends, Task<UInt64, any Error>) {
    let (first, second) = (try await next(), try await next())
    let copying = Task { try await TCPConnection.copy(from: first.server, to: second.server) }
    let writing = Task { try await first.client.write(noise(1 << 20), timeout: patience) }
    #expect(try await second.client.read(exactly: 1 << 20).count == 1 << 20)
    try await writing.value
    return (first, second, copying)
  }

  func moveInOrder(_ file: TemporaryFile) async throws {
    let (first, _, copying) = try await begin()
    try await first.client.shutdownSend()
    #expect(try await copying.value == 1 << 20)
    let ends = try await next()
    let sending = Task {
      try await ends.server.sendFile(file.path)
      try await ends.server.shutdownSend()
    }
    #expect(try await ends.client.readAll(timeout: patience).count == 1 << 20)
    try await sending.value
  }

  func moveUntilCancelled() async throws {
    let (_, _, copying) = try await begin()
    copying.cancel()
    #expect(await reason { try await copying.value } == .cancelled)
  }

  func moveUntilBroken() async throws {
    let (first, second, copying) = try await begin()
    second.client.abort()
    let writing = Task { await first.client.writeToFailure() }
    _ = await copying.result
    first.server.abort()
    _ = await writing.value
  }
}
