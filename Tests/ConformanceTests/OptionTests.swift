import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("Options and standing of a connection", .timeLimit(.minutes(2)))
  struct OptionTests {
    /// One choice each.
    enum Choice: String, CaseIterable, CustomTestStringConvertible {
      case noDelay, keepAlive, userTimeout, smallSendBuffer, smallReceiveBuffer, largeBuffers
      case smallSegments, newReno, cubic, everything

      var testDescription: String { rawValue }

      var options: TCPOptions {
        let keepAlive = TCPOptions.KeepAlive(idle: .seconds(10), interval: .seconds(2), probes: 3)
        return switch self {
        case .noDelay: TCPOptions(noDelay: true)
        case .keepAlive: TCPOptions(keepAlive: keepAlive)
        case .userTimeout: TCPOptions(userTimeout: .seconds(30))
        case .smallSendBuffer: TCPOptions(sendBufferLimit: 8_192)
        case .smallReceiveBuffer: TCPOptions(receiveBufferLimit: 128 << 10)
        case .largeBuffers: TCPOptions(sendBufferLimit: 1 << 20, receiveBufferLimit: 1 << 20)
        case .smallSegments: TCPOptions(maximumSegmentSize: 536)
        case .newReno: TCPOptions(congestionControl: .newReno)
        case .cubic: TCPOptions(congestionControl: .cubic)
        case .everything:
          TCPOptions(
            noDelay: true, keepAlive: keepAlive, userTimeout: .seconds(30), sendBufferLimit: 65_536,
            receiveBufferLimit: 65_536, maximumSegmentSize: 1_000, congestionControl: .cubic)
        }
      }
    }

    @Test(
      "a connection that begins with it carries its bytes", arguments: World.all, Choice.allCases)
    func fromTheBeginning(world: World, choice: Choice) async throws {
      try await world.run { network in
        let ends = try await network.connection(options: choice.options)
        try await transfer(network, ends)
      }
    }

    @Test("a connection that comes to it carries its bytes", arguments: World.all, Choice.allCases)
    func later(world: World, choice: Choice) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        for end in [ends.client, ends.server] {
          try await end.setOptions(choice.options)
          try await end.setOptions(choice.options)
        }
        try await transfer(network, ends)
        try await ends.client.setOptions(TCPOptions())
      }
    }

    private func transfer(_ network: Network, _ ends: Network.Ends) async throws {
      let bytes = noise(300_000)
      let writing = network.start {
        try await ends.client.write(bytes, timeout: patience)
        try await ends.client.shutdownSend()
      }
      #expect(try await ends.server.readAll(timeout: patience) == bytes)
      try await writing.value
      try await ends.server.write("thanks")
      #expect(try await ends.client.read(exactly: 6) == Array("thanks".utf8))
    }

    @Test("a connection that was established says so, with a round-trip time", arguments: World.all)
    func established(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        for end in [ends.client, ends.server] {
          let info = try await end.info { $0.state == .established }
          #expect(info.bytesSent == 0)
          #expect(info.bytesReceived == 0)
          #expect(info.congestionWindow > 0)
          #expect(info.retransmittedSegments == 0)
        }
        let trip = try await ends.client.info().roundTripTime
        #expect(try #require(trip) > .zero)
      }
    }

    @Test("a connection counts the bytes of its stream", arguments: World.all, [1, 1_000, 1 << 20])
    func counts(world: World, size: Int) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let reading = network.start { try await ends.server.read(exactly: size) }
        try await ends.client.write(noise(size), timeout: patience)
        _ = try await reading.value
        #expect(try await ends.server.info().bytesReceived == UInt64(size))
        let sent = try await ends.client.info { $0.bytesSent >= UInt64(size) }
        // Sent again, bytes count again.
        #expect(sent.bytesSent == UInt64(size) || sent.retransmittedSegments > 0)
        #expect(sent.bytesReceived == 0)
      }
    }

    @Test("a stream that ends goes through the states of RFC 9293", arguments: World.all)
    func states(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        try await ends.client.shutdownSend()
        #expect(try await ends.server.read(timeout: patience).isEmpty)
        #expect(try await ends.server.info().state == .closeWait)
        _ = try await ends.client.info { $0.state == .finWait2 }
        try await ends.server.shutdownSend()
        #expect(try await ends.client.read(timeout: patience).isEmpty)
        let client = try await ends.client.info().state
        #expect(
          client == network.expected(.closed, .client, (.timeWaitIsShown, .timeWait)))
        _ = try await ends.server.info { $0.state == .closed }
      }
    }

    @Test("a connection that was reset is closed", arguments: World.all)
    func resetState(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        ends.client.abort()
        #expect(await ends.server.readToFailure() == .connectionReset)
        #expect(try await ends.server.info().state == .closed)
      }
    }

    @Test("a segment size that no segment has is refused", arguments: World.all, [1, 1 << 20])
    func impossibleSegmentSize(world: World, size: Int) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let options = TCPOptions(maximumSegmentSize: size)
        #expect(
          await reason { try await ends.client.setOptions(options) } == .invalidOperation)
      }
    }

    @Test("a number of probes that nobody sends is refused", arguments: World.all, [0, 128])
    func impossibleProbes(world: World, probes: Int) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let options = TCPOptions(keepAlive: .init(idle: .seconds(1), probes: probes))
        #expect(
          await reason { try await ends.client.setOptions(options) } == .invalidOperation)
      }
    }
  }
}
