import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("The metrics of a connection", .timeLimit(.minutes(3)))
  struct MetricsTests {
    @Test("say how it was connected, unless it was accepted", arguments: World.all)
    func establishment(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        #expect(try await ends.server.metrics().establishment == nil)
        let establishment = try #require(try await ends.client.metrics().establishment)
        #expect(establishment.resolution == nil)
        #expect(establishment.attempts.map(\.remote) == [ends.client.remote])
        #expect(establishment.attempts.map(\.outcome) == [.connected])
        #expect(establishment.duration > .zero)
        #expect(establishment.handshake == establishment.duration)
      }
    }

    @Test("are all nothing before anything passes", arguments: World.all)
    func nothing(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        for end in [ends.client, ends.server] {
          let metrics = try await end.metrics()
          #expect(metrics.timeToFirstByte == nil)
          #expect(metrics.timeSinceSent == nil)
          #expect(metrics.timeSinceReceived == nil)
          #expect(metrics.idleTime == metrics.age)
          #expect(metrics.bytesSent == 0)
          #expect(metrics.bytesReceived == 0)
          #expect(metrics.dataSegmentsSent == 0)
          #expect(metrics.dataSegmentsReceived == 0)
        }
      }
    }

    @Test("count what passes", arguments: World.all, [1, 100_000])
    func traffic(world: World, size: Int) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let reading = network.start { try await ends.server.read(exactly: size) }
        try await ends.client.write(noise(size), timeout: patience)
        _ = try await reading.value
        let server = try await ends.server.metrics()
        #expect(server.bytesReceived == UInt64(size))
        #expect(server.dataSegmentsReceived > 0)
        #expect(server.segmentsReceived >= server.dataSegmentsReceived)
        #expect(server.dataSegmentsSent == 0)
        #expect(server.timeSinceSent == nil)
        let received = try #require(server.timeSinceReceived)
        #expect(received == server.idleTime)
        // The kernel's is in whole milliseconds, of another clock's ticks.
        #expect(received <= server.age + .milliseconds(10))
        let first = try #require(server.timeToFirstByte)
        #expect(first > .zero)
        #expect(first <= server.age)
        var client = try await ends.client.metrics()
        while client.bytesSent < UInt64(size) { client = try await ends.client.metrics() }
        #expect(client.bytesSent - client.bytesRetransmitted == UInt64(size))
        #expect(client.bytesRetransmitted == 0 || client.retransmittedSegments > 0)
        #expect(client.dataSegmentsSent > 0)
        #expect(client.timeSinceSent != nil)
        #expect(client.timeToFirstByte == nil)
      }
    }

    @Test("keep when the first byte was read, however it was", arguments: World.all, [false, true])
    func firstByte(world: World, intoArray: Bool) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        var first: Duration?
        for _ in 0..<3 {
          try await ends.client.write("x")
          if intoArray {
            #expect(try await ends.server.read(upTo: 8, timeout: patience).count == 1)
          } else {
            var bytes = [UInt8](repeating: 0, count: 8)
            var span = bytes.mutableSpan
            #expect(try await ends.server.read(into: &span, timeout: patience) == 1)
          }
          let metrics = try await ends.server.metrics()
          first = first ?? metrics.timeToFirstByte
          #expect(first != nil)
          #expect(metrics.timeToFirstByte == first)
        }
      }
    }

    @Test("are there when the streams have ended, until it is closed", arguments: World.all)
    func end(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.client.write("x")
        try await ends.client.shutdownSend()
        #expect(try await ends.server.readAll(timeout: patience).count == 1)
        try await ends.server.shutdownSend()
        #expect(try await ends.client.read(timeout: patience).isEmpty)
        #expect(
          try await ends.server.metrics().bytesReceived
            == network.expected(2, .server, (.endIsNoByte, 1)))
        // The end of a stream is no byte.
        #expect(try await ends.client.metrics().timeToFirstByte == nil)
        ends.server.close()
        #expect(await reason { try await ends.server.metrics() } == .closed)
      }
    }
  }
}
