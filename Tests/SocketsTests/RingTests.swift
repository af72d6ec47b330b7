import Addresses
import Glibc
import Sockets
import Synchronization
import SystemPackage
import Testing

/// What only io_uring has: rings that run over, and buffers that run out.
@Suite(
  "io_uring", .timeLimit(.minutes(2)),
  .enabled(if: HostNode.Engine.ioUringRefusal == nil, "io_uring cannot be had here"))
struct RingTests {
  private static let place: Endpoint = .tcp(.v4(.loopback), port: 0)

  private struct Ends {
    let client: TCPConnection
    let server: TCPConnection
  }

  /// Connections whose readers have found nothing yet, so that the kernel receives for them.
  private func connections(_ count: Int, from client: HostNode, to server: HostNode) async throws
    -> [Ends]
  {
    let listener = try await server.listen(on: Self.place)
    var all: [Ends] = []
    for _ in 0..<count {
      let connection = try await client.connect(to: listener.local, timeout: patience)
      let ends = Ends(client: connection, server: try await listener.accept(timeout: patience))
      await #expect(throws: SocketError.self) {
        try await ends.server.read(timeout: .microseconds(1))
      }
      all.append(ends)
    }
    return all
  }

  private func node(_ change: (inout RingSizes) -> Void) -> HostNode {
    var sizes = RingSizes()
    change(&sizes)
    return HostNode(engine: .ioUring, sizes)
  }

  private func bytes(_ count: Int, seed: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: ($0 &+ seed) &* 167 >> 3) }
  }

  /// Waits as a blocking call of C waits: for 20 milliseconds, for what nobody sends.
  ///
  /// - Returns: why it ended.
  private func waitInVain() throws -> Errno {
    var ends: (Int32, Int32) = (-1, -1)
    let isMade = unsafe withUnsafeMutablePointer(to: &ends) { ends in
      unsafe ends.withMemoryRebound(to: Int32.self, capacity: 2) { ends in
        unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, ends) == 0
      }
    }
    try #require(isMade)
    defer {
      close(ends.0)
      close(ends.1)
    }
    var limit = timeval(tv_sec: 0, tv_usec: 20_000)
    let size = socklen_t(MemoryLayout<timeval>.size)
    try #require(unsafe setsockopt(ends.0, SOL_SOCKET, SO_RCVTIMEO, &limit, size) == 0)
    var byte: UInt8 = 0
    try #require(unsafe recv(ends.0, &byte, 1, 0) == -1)
    return Errno(rawValue: errno)
  }

  @Test("The thread that made a node is not disturbed by the node's end")
  func undisturbed() throws {
    for _ in 0..<10 {
      #expect(HostNode(engine: .ioUring).engineReason == nil)
      #expect(try waitInVain() == .resourceTemporarilyUnavailable)
    }
  }

  @Test("Where no buffer is left, readers go on without, and nothing is lost", arguments: [1, 4])
  func buffersRunOut(count: Int) async throws {
    let server = node {
      $0.bufferCount = count
      $0.bufferSize = 64
    }
    let all = try await connections(20, from: HostNode(engine: .epoll), to: server)
    // None is read before all have been written to: some hold buffers, the rest find none.
    for (index, ends) in all.enumerated() {
      try await ends.client.write(bytes(1_000, seed: index))
      try await ends.client.shutdownSend()
    }
    for (index, ends) in all.enumerated().reversed() {
      #expect(try await ends.server.readAll(timeout: patience) == bytes(1_000, seed: index))
    }
  }

  @Test("A connection that nobody reads does not keep the others from their buffers")
  func stalled() async throws {
    let server = node {
      $0.bufferCount = 8
      $0.bufferSize = 64
    }
    let all = try await connections(8, from: HostNode(engine: .epoll), to: server)
    for ends in all.dropFirst() { try await ends.client.write(bytes(10_000, seed: 1)) }
    for _ in 0..<100 {
      try await all[0].client.write("ping")
      #expect(try await all[0].server.read(timeout: patience) == Array("ping".utf8))
    }
    for ends in all.dropFirst() {
      try await ends.client.shutdownSend()
      #expect(try await ends.server.readAll(timeout: patience) == bytes(10_000, seed: 1))
    }
  }

  @Test("Where completions have no room, none is lost", arguments: [false, true])
  func completionsRunOver(onExecutor: Bool) async throws {
    let server = node {
      $0.requests = 2
      $0.completions = 4
    }
    let all = try await connections(40, from: HostNode(engine: .epoll), to: server)
    try await withTaskExecutorPreference(onExecutor ? server.executor : nil) {
      try await withThrowingDiscardingTaskGroup { group in
        for ends in all {
          group.addTask {
            while true {
              let part = try await ends.server.read(timeout: patience)
              if part.isEmpty { break }
              try await ends.server.write(part, timeout: patience)
            }
            try await ends.server.shutdownSend()
          }
        }
        for (index, ends) in all.enumerated() {
          group.addTask {
            for round in 0..<50 {
              let request = bytes(100, seed: index &+ round)
              try await ends.client.write(request, timeout: patience)
              var answer: [UInt8] = []
              while answer.count < 100 { answer += try await ends.client.read(timeout: patience) }
              #expect(answer == request)
            }
            ends.client.close()
          }
        }
      }
    }
  }

  @Test("What nobody reads stays with the sender")
  func backPressure() async throws {
    let all = bytes(1 << 19, seed: 3)
    let server = node { $0.bufferSize = 1_024 }
    let client = HostNode(engine: .epoll)
    let options = TCPOptions(sendBufferLimit: 16_384, receiveBufferLimit: 16_384)
    let listener = try await server.listen(on: Self.place, options: options)
    let sender = try await client.connect(to: listener.local, options: options, timeout: patience)
    let receiver = try await listener.accept(timeout: patience)
    await #expect(throws: SocketError.self) { try await receiver.read(timeout: .microseconds(1)) }
    await #expect(throws: SocketError.self) {
      try await sender.write(all, timeout: .milliseconds(200))
    }
    sender.close()
    let received = try await receiver.readAll(timeout: patience)
    // What both kernels' buffers hold, and a bounded number of ours.
    #expect(received.count < all.count / 2)
    #expect(received[...] == all[..<received.count])
  }

  @Test("Closing sends what was written, and is heard at once", arguments: [false, true])
  func closing(onExecutor: Bool) async throws {
    let server = HostNode(engine: .ioUring)
    let client = HostNode(engine: .epoll)
    let all = try await connections(50, from: client, to: server)
    try await withTaskExecutorPreference(onExecutor ? server.executor : nil) {
      for (index, ends) in all.enumerated() {
        try await ends.server.write(bytes(500, seed: index))
        ends.server.close()
      }
    }
    for (index, ends) in all.enumerated() {
      #expect(try await ends.client.readAll(timeout: patience) == bytes(500, seed: index))
    }
  }

  @Test("A node says what it hears by, and why")
  func choice() {
    #expect(HostNode(engine: .ioUring).engine == .ioUring)
    #expect(HostNode(engine: .epoll).engine == .epoll)
    #expect(HostNode(engine: .epoll).engineReason == nil)
    #expect(HostNode().engine == .ioUring)
    #expect(HostNode().engineReason == nil)
  }

  @Test("A node that may choose does without a ring it cannot have; one that may not says so")
  func fallback() async throws {
    var sizes = RingSizes()
    sizes.bufferCount = 3
    let node = HostNode(engine: .automatic, sizes)
    #expect(node.engine == .epoll)
    #expect(node.engineReason?.contains("io_uring") == true, "\(node.engineReason ?? "")")
    let listener = try await node.listen(on: "tcp://127.0.0.1:0")
    async let accepted = listener.accept(timeout: patience)
    let client = try await node.connect(to: listener.local, timeout: patience)
    try await client.write(Array("hello".utf8))
    #expect(try await accepted.read(exactly: 5, timeout: patience) == Array("hello".utf8))
    let refused = HostNode(engine: .ioUring, sizes)
    #expect(refused.engine == .ioUring)
    await #expect(throws: SocketError.self) { try await refused.listen(on: "tcp://127.0.0.1:0") }
  }
}
