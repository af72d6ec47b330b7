import Addresses
import Sockets
import Synchronization
import Testing

extension Conformance {
  @Suite("A batch of datagrams", .timeLimit(.minutes(2)))
  struct BatchTests {
    /// Sizes of datagrams, in their order.
    static let courses: [[Int]] = [
      Array(repeating: 1_000, count: 64), Array(repeating: 1, count: 64),
      Array(repeating: 1_200, count: 40) + [7], [7] + Array(repeating: 1_200, count: 40),
      Array(0..<64), Array(repeating: 0, count: 10), [9_000, 9_000, 9_000, 100],
      [1, 1_000, 1_000, 1, 1, 0, 1_000], Array(repeating: 1_400, count: 60),
    ]

    private func batch(_ sizes: [Int], to remote: Endpoint?) -> DatagramBatch {
      var batch = DatagramBatch(capacity: sizes.count, maximumSize: max(sizes.max() ?? 1, 1))
      for (index, size) in sizes.enumerated() {
        let isIn = batch.append(noise(size, seed: index).span, to: remote)
        #expect(isIn)
      }
      return batch
    }

    /// Room for what any of the courses leaves waiting.
    private let roomy = UDPOptions(receiveBufferLimit: 4 << 20)

    @Test("comes as it was sent, to a batch", arguments: World.all, courses.indices)
    func toBatch(world: World, course: Int) async throws {
      let sizes = Self.courses[course]
      try await world.run { network in
        let server = try await network.serverSocket(options: roomy)
        let client = try await network.clientSocket()
        for capacity in [64, 3, 100] {
          try await client.send(batch(sizes, to: server.local), timeout: patience)
          var arrived = DatagramBatch(capacity: capacity, maximumSize: 9_000)
          var next = 0
          while next < sizes.count {
            try await server.receive(into: &arrived, timeout: patience)
            for index in 0..<arrived.count {
              let element = arrived[index]
              #expect(element.remote == client.local)
              #expect(element.local == server.local)
              #expect(element.count == sizes[next])
              let bytes = arrived.bytes(at: index)
              let expected = noise(sizes[next], seed: next)
              let isSame =
                bytes.count == expected.count
                && bytes.indices.allSatisfy { bytes[$0] == expected[$0] }
              #expect(isSame)
              next += 1
            }
          }
        }
      }
    }

    @Test("comes as it was sent, one by one", arguments: World.all, courses.indices)
    func oneByOne(world: World, course: Int) async throws {
      let sizes = Self.courses[course]
      try await world.run { network in
        let server = try await network.serverSocket(.v6, options: roomy)
        let client = try await network.clientSocket(.v6)
        try await client.connect(to: server.local)
        try await client.send(batch(sizes, to: nil), timeout: patience)
        for (index, size) in sizes.enumerated() {
          let datagram = try await server.receive(timeout: patience)
          #expect(datagram.bytes == noise(size, seed: index))
          #expect(datagram.source == client.local)
        }
      }
    }

    @Test("may be received in both ways by turns", arguments: World.all)
    func byTurns(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(options: roomy)
        let client = try await network.clientSocket()
        let sizes = Array(repeating: 500, count: 60)
        var arrived = DatagramBatch(capacity: 7, maximumSize: 600)
        for _ in 0..<5 {
          try await client.send(batch(sizes, to: server.local), timeout: patience)
          var next = 0
          while next < sizes.count {
            try await server.receive(into: &arrived, timeout: patience)
            for index in 0..<arrived.count {
              let first = arrived.bytes(at: index)[0]
              #expect(first == noise(1, seed: next)[0])
              next += 1
            }
            guard next < sizes.count else { break }
            let single = try await server.receive(timeout: patience)
            #expect(single.bytes == noise(500, seed: next))
            next += 1
          }
        }
      }
    }

    @Test("says which datagrams were longer than their room", arguments: World.all)
    func truncation(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(options: roomy)
        let client = try await network.clientSocket()
        let sizes = Array(repeating: 300, count: 20) + [100] + Array(repeating: 300, count: 20)
        var arrived = DatagramBatch(capacity: 16, maximumSize: 100)
        for _ in 0..<2 {
          try await client.send(batch(sizes, to: server.local), timeout: patience)
          var next = 0
          while next < sizes.count {
            try await server.receive(into: &arrived, timeout: patience)
            for index in 0..<arrived.count {
              let element = arrived[index]
              #expect(element.count == 100)
              #expect(element.isTruncated == (sizes[next] > 100))
              let last = arrived.bytes(at: index)[99]
              #expect(last == noise(100, seed: next)[99])
              next += 1
            }
          }
        }
        // One by one, too, with what is left of one.
        try await client.send(batch(sizes, to: server.local), timeout: patience)
        for (index, size) in sizes.enumerated() {
          var bytes = [UInt8](repeating: 0, count: 50)
          var span = bytes.mutableSpan
          let header = try await server.receive(into: &span, timeout: patience)
          #expect(header.isTruncated)
          #expect(header.count == 50)
          #expect(bytes == Array(noise(size, seed: index).prefix(50)))
        }
      }
    }

    @Test("carries what was chosen for each of its datagrams", arguments: World.all)
    func choices(world: World) async throws {
      try await world.run { network in
        for family in Family.allCases {
          let server = try await network.serverSocket(family, options: roomy)
          let client = try await network.clientSocket(family)
          var outgoing = DatagramBatch(capacity: 32, maximumSize: 100)
          for index in 0..<32 {
            let options = DatagramOptions(
              hopLimit: UInt8(60 + index / 8),
              trafficClass: TrafficClass(dscp: UInt8(index / 4), congestion: .capable0))
            let isIn = outgoing.append(
              noise(100, seed: index).span, to: server.local, with: options)
            #expect(isIn)
          }
          try await client.send(outgoing, timeout: patience)
          var arrived = DatagramBatch(capacity: 32, maximumSize: 100)
          var next = 0
          while next < 32 {
            try await server.receive(into: &arrived, timeout: patience)
            for index in 0..<arrived.count {
              let header = try #require(arrived[index].header)
              #expect(header.hopLimit == UInt8(60 + next / 8))
              #expect(
                header.trafficClass
                  == TrafficClass(dscp: UInt8(next / 4), congestion: .capable0))
              next += 1
            }
          }
        }
      }
    }

    @Test("sends what comes before a datagram that no one may send", arguments: World.all)
    func refused(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket()
        let client = try await network.clientSocket()
        var outgoing = DatagramBatch(capacity: 3, maximumSize: 10)
        let options = DatagramOptions(hopLimit: 0)
        let areIn = [
          outgoing.append([1].span, to: server.local),
          outgoing.append([2].span, to: server.local, with: options),
          outgoing.append([3].span, to: server.local),
        ]
        #expect(!areIn.contains(false))
        var found: SocketError.Reason?
        do throws(SocketError) {
          try await client.send(outgoing, timeout: patience)
        } catch {
          found = error.reason
        }
        #expect(found == .invalidOperation)
        try await client.send([4], to: server.local)
        #expect(try await server.receive(timeout: patience).bytes == [1])
        #expect(try await server.receive(timeout: patience).bytes == [4])
      }
    }

    private final class Total: Sendable {
      private let count = Atomic<Int>(0)

      func add(_ more: Int) -> Int { count.add(more, ordering: .relaxed).newValue }
    }

    @Test("is shared among all who receive", arguments: World.all)
    func manyReceivers(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(options: roomy)
        let client = try await network.clientSocket()
        let total = Total()
        let receiving = network.start {
          await withTaskGroup(of: [UInt8].self) { group in
            for number in 0..<6 {
              group.addTask {
                var own: [UInt8] = []
                var batch = DatagramBatch(capacity: number % 2 == 0 ? 5 : 1, maximumSize: 10)
                // Until whoever gets the last one closes the socket.
                _ = await reason { () async throws -> Void in
                  while true {
                    try await server.receive(into: &batch, timeout: patience)
                    for index in 0..<batch.count { own.append(batch.bytes(at: index)[0]) }
                    let all = total.add(batch.count)
                    if all == 200 { server.close() }
                  }
                }
                return own
              }
            }
            return await group.reduce(into: []) { $0 += $1 }
          }
        }
        var outgoing = DatagramBatch(capacity: 50, maximumSize: 10)
        for round in 0..<4 {
          outgoing.removeAll()
          for number in 0..<50 {
            let isIn = outgoing.append([UInt8(round * 50 + number)].span, to: server.local)
            #expect(isIn)
          }
          try await client.send(outgoing, timeout: patience)
        }
        #expect(try await receiving.value.sorted() == Array(0..<200))
      }
    }
  }
}
