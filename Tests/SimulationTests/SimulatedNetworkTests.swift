import Foundation
import Packets
import Simulation
import Sockets
import Testing

@Suite("A simulated network of async sockets", .timeLimit(.minutes(2)))
struct SimulatedNetworkTests {
  private static let seeds: [UInt64] = {
    let given = ProcessInfo.processInfo.environment["SIMULATION_SEED"].flatMap(UInt64.init)
    return given.map { [$0] } ?? [1, 2, 3]
  }()

  private static var bad: WireConditions {
    var conditions = WireConditions()
    conditions.delay = .milliseconds(20)
    conditions.jitter = .milliseconds(5)
    conditions.loss = .percent(3)
    conditions.reordering = .percent(3)
    conditions.duplication = .percent(1)
    conditions.corruption = .percent(1)
    return conditions
  }

  private static func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }

  /// What a run came to.
  struct Outcome: Equatable {
    let trace: TraceHash
    let end: NodeClock.Instant
    let received: [[UInt8]]
  }

  @Test("ends its thread when nobody holds it any more")
  func threadEnds() async throws {
    weak var thread: AnyObject?
    do {
      let network = try SimulatedNetwork(seed: 1)
      thread = network.executor as AnyObject
      try await network.run {
        let server = try network.addNode("server")
        let client = try network.addNode("client")
        let listener = try await server.listen(on: "tcp://10.0.0.1:7")
        async let accepted = listener.accept(timeout: .seconds(60))
        _ = try await client.connect(to: listener.local, timeout: .seconds(60))
        _ = try await accepted
      }
      #expect(thread != nil)
    }
    // The connections end first; otherwise the time limit ends this.
    while thread != nil { await Task.yield() }
  }

  @Test("runs its program on its own thread from the beginning")
  func thread() async throws {
    let network = try SimulatedNetwork(seed: 1)
    let own = await Task(executorPreference: network.executor) { Self.thread }.value
    #expect(try await network.run { Self.thread } == own)
  }

  /// The one this is asked on.
  private static var thread: ObjectIdentifier { ObjectIdentifier(Thread.current) }

  @Test("stands still while files are read, whatever waits")
  func fileReads() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID()).bytes").path
    try Data(Self.bytes(1_000)).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let network = try SimulatedNetwork(seed: 1)
    try await network.run {
      let server = try network.addNode("server")
      let client = try network.addNode("client")
      let listener = try await server.listen(on: "tcp://10.0.0.1:7")
      async let accepted = listener.accept(timeout: .seconds(60))
      let connection = try await client.connect(to: listener.local, timeout: .seconds(60))
      let other = try await accepted
      let start = client.clock.now
      // If only the file were waited for, time would leap to the end of this.
      let sleeping = Task(executorPreference: network.executor) {
        try await client.clock.sleep(for: .seconds(3_600))
      }
      for _ in 0..<50 {
        #expect(try await connection.sendFile(path, timeout: .seconds(60)) == 1_000)
        #expect(try await other.read(exactly: 1_000, timeout: .seconds(60)) == Self.bytes(1_000))
      }
      #expect(start.duration(to: client.clock.now) < .seconds(60))
      sleeping.cancel()
      _ = await sleeping.result
    }
  }

  /// Several clients upload to a server that echoes, all at once.
  private func exchange(seed: UInt64, _ conditions: WireConditions) async throws -> Outcome {
    let network = try SimulatedNetwork(seed: seed, conditions: conditions)
    let received = try await network.run {
      let server = try network.addNode("server")
      let listener = try await server.listen(on: "tcp://10.0.0.1:7")
      let echo = Task(executorPreference: network.executor) {
        try await server.serve(listener) { connection in
          for try await chunk in connection.chunks { try await connection.write(chunk) }
        }
      }
      let clients = try (0..<3).map { try network.addNode("client \($0)") }
      let results = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
        for (number, client) in clients.enumerated() {
          group.addTask {
            let connection = try await client.connect(to: "tcp://10.0.0.1:7")
            async let answer = connection.readAll(timeout: .seconds(300))
            try await connection.write(Self.bytes(50_000 + number), timeout: .seconds(300))
            try await connection.shutdownSend()
            return (number, try await answer)
          }
        }
        var results = [[UInt8]](repeating: [], count: clients.count)
        while let (number, bytes) = try await group.next() { results[number] = bytes }
        return results
      }
      listener.close()
      try await echo.value
      return results
    }
    return Outcome(trace: network.trace, end: network.clock.now, received: received)
  }

  @Test("delivers every byte over a bad wire, and repeats from its seed", arguments: seeds)
  func repeats(seed: UInt64) async throws {
    let first = try await exchange(seed: seed, Self.bad)
    for (number, bytes) in first.received.enumerated() {
      #expect(bytes == Self.bytes(50_000 + number))
    }
    for _ in 0..<3 { #expect(try await exchange(seed: seed, Self.bad) == first) }
    #expect(try await exchange(seed: seed &+ 1_000, Self.bad).trace != first.trace)
  }

  @Test("passes an hour in no time, and deadlines and sleeps with it")
  func time() async throws {
    let network = try SimulatedNetwork(seed: 1)
    let real = ContinuousClock.now
    try await network.run {
      let node = try network.addNode()
      let socket = try await node.bind("udp://10.0.0.1:9")
      let clock = node.clock
      let start = clock.now
      await #expect(throws: SocketError.self) {
        _ = try await socket.receive(timeout: .seconds(3_600))
      }
      #expect(start.duration(to: clock.now) >= .seconds(3_600))
      #expect(start.duration(to: clock.now) < .seconds(3_601))
      async let long: Void = clock.sleep(for: .seconds(20))
      async let short: Void = clock.sleep(for: .seconds(10))
      let before = clock.now
      try await short
      #expect(before.duration(to: clock.now) >= .seconds(10))
      #expect(before.duration(to: clock.now) < .seconds(11))
      try await long
      #expect(before.duration(to: clock.now) >= .seconds(20))
      let sleeper = Task(executorPreference: network.executor) {
        try await clock.sleep(for: .seconds(1 << 30))
      }
      await Task.yield()
      sleeper.cancel()
      await #expect(throws: CancellationError.self) { try await sleeper.value }
      #expect(before.duration(to: clock.now) < .seconds(30))
    }
    #expect(real.duration(to: .now) < .seconds(1_800))
  }

  @Test("moves time on while a task only yields")
  func yielding() async throws {
    let network = try SimulatedNetwork(seed: 1)
    try await network.run {
      let clock = try network.addNode().clock
      let end = clock.now.advanced(by: .milliseconds(1))
      while clock.now < end { await Task.yield() }
    }
  }

  @Test("stands still while nothing of it runs")
  func standsStill() async throws {
    let network = try SimulatedNetwork(seed: 1)
    let start = network.clock.now
    let node = try network.addNode()
    #expect(network.clock.now == start)
    try await network.run { try await node.clock.sleep(for: .seconds(1)) }
    let end = network.clock.now
    #expect(start.duration(to: end) >= .seconds(1))
    let other = try network.addNode()
    #expect(other.clock.now == end)
  }

  @Test("cuts and mends the way between two hosts, one way or both")
  func partition() async throws {
    let network = try SimulatedNetwork(seed: 1)
    try await network.run {
      let a = try await network.addNode().bind("udp://10.0.0.1:9")
      let b = try await network.addNode().bind("udp://10.0.0.2:9")
      var cut = WireConditions()
      cut.isCut = true
      network.setConditions(cut, from: 0, to: 1)
      try await a.send([1], to: "udp://10.0.0.2:9")
      await #expect(throws: SocketError.self) { _ = try await b.receive(timeout: .seconds(1)) }
      try await b.send([2], to: "udp://10.0.0.1:9")
      #expect(try await a.receive(timeout: .seconds(1)).bytes == [2])
      #expect(network.counters(from: 0, to: 1).partitioned == 1)
      network.setConditions(WireConditions())
      try await a.send([3], to: "udp://10.0.0.2:9")
      #expect(try await b.receive(timeout: .seconds(1)).bytes == [3])
    }
  }

  @Test("lets nodes end with it, also where they are still in use")
  func ending() async throws {
    let node: StackNode
    let socket: UDPSocket
    do {
      let network = try SimulatedNetwork(seed: 1)
      node = try network.addNode()
      let added = node
      socket = try await network.run { try await added.bind("udp://10.0.0.1:9") }
    }
    await node.shutdown()
    let error = await #expect(throws: SocketError.self) { _ = try await socket.receive() }
    #expect(error?.reason == .networkDown)
  }
}
