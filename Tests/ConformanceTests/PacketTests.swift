import Addresses
import Sockets
import Testing

extension Conformance {
  /// On the loopback of a node of ours no interface has a name.
  @Suite("A packet socket", .timeLimit(.minutes(2)))
  struct PacketTests {
    static let worlds = World.all.filter { $0.nodes != .stackLoopback }

    /// The next frame that ends with `payload`.
    private func frame(
      endingWith payload: [UInt8], from socket: PacketSocket
    ) async throws -> (header: FrameHeader, bytes: [UInt8]) {
      while true {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        var span = bytes.mutableSpan
        let header = try await socket.receive(into: &span, timeout: patience)
        let content = Array(bytes.prefix(header.count))
        if content.suffix(payload.count).elementsEqual(payload) { return (header, content) }
      }
    }

    @Test("sees what leaves and what arrives", arguments: worlds, Family.allCases)
    func sees(world: World, family: Family) async throws {
      try await world.run { network in
        let options = PacketOptions(isCooked: true, interface: network.interface)
        let atClient = try await network.openPackets(.client, options)
        let atServer = try await network.openPackets(.server, options)
        let server = try await network.serverSocket(family)
        let client = try await network.clientSocket(family)
        let payload = noise(300, seed: 77)
        try await client.send(payload, to: server.local)
        let (leaving, sent) = try await frame(endingWith: payload, from: atClient)
        #expect(leaving.direction == .outgoing)
        #expect(leaving.etherType == (family == .v4 ? 0x0800 : 0x86DD))
        #expect(sent.count == (family == .v4 ? 20 : 40) + 8 + 300)
        #expect(sent[0] >> 4 == (family == .v4 ? 4 : 6))
        var (arriving, received) = try await frame(endingWith: payload, from: atServer)
        if world.nodes == .kernel {
          // The same interface: first it sees the frame leave.
          #expect(arriving.direction == .outgoing)
          (arriving, received) = try await frame(endingWith: payload, from: atServer)
        }
        #expect(arriving.direction == .thisNode)
        #expect(received == sent)
        #expect(!arriving.isTruncated)
        #expect(arriving.interfaceIndex != 0)
      }
    }

    @Test("for one type sees what arrives of it alone", arguments: worlds)
    func oneType(world: World) async throws {
      try await world.run { network in
        let socket = try await network.openPackets(
          .server,
          PacketOptions(isCooked: true, etherType: 0x86DD, interface: network.interface))
        let payload = noise(99, seed: 5)
        for family in Family.allCases {
          let server = try await network.serverSocket(family)
          let client = try await network.clientSocket(family)
          try await client.send(payload, to: server.local)
          _ = try await server.receive(timeout: patience)
          try await server.send(payload, to: client.local)
          _ = try await client.receive(timeout: patience)
        }
        let (header, _) = try await frame(endingWith: payload, from: socket)
        #expect(header.etherType == 0x86DD)
        #expect(header.direction == .thisNode)
      }
    }

    @Test("sends frames of its own", arguments: worlds.filter { $0.nodes != .kernel })
    func sends(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(.v4)
        let sender = try await network.openPackets(
          .client, PacketOptions(interface: network.interface))
        let watcher = try await network.openPackets(
          .client, PacketOptions(interface: network.interface))
        let packet = udp(
          from: network.clientAddress(.v4), to: server.local, payload: [1, 2, 3, 4])
        try await sender.send(packet.span, to: .init(etherType: 0x0800), timeout: patience)
        let datagram = try await server.receive(timeout: patience)
        #expect(datagram.bytes == [1, 2, 3, 4])
        #expect(datagram.source == .udp(network.clientAddress(.v4), port: 777))
        let (seen, _) = try await frame(endingWith: [1, 2, 3, 4], from: watcher)
        #expect(seen.direction == .outgoing)
        // The sender itself does not see it.
        let more = try await network.clientSocket(.v4)
        try await more.send([1, 2, 3, 4], to: server.local)
        let (own, bytes) = try await frame(endingWith: [1, 2, 3, 4], from: sender)
        #expect(own.direction == .outgoing)
        #expect(bytes[20..<22] != [3, 9])
      }
    }

    /// An IPv4 packet from port 777, the UDP checksum left out.
    private func udp(from source: IPAddress, to remote: Endpoint, payload: [UInt8]) -> [UInt8] {
      guard case .v4(let from) = source, case .v4(let to) = remote.address else { return [] }
      let addresses = [from, to].flatMap { address in
        (0..<4).map { UInt8(truncatingIfNeeded: address.rawValue >> (24 - 8 * $0)) }
      }
      let port = remote.port.rawValue
      let length = 8 + payload.count
      var header: [UInt8] = [0x45, 0, 0, UInt8(20 + length), 0, 1, 0x40, 0, 64, 17, 0, 0]
      header += addresses
      let sum = stride(from: 0, to: 20, by: 2).reduce(0) {
        $0 + Int(header[$1]) << 8 + Int(header[$1 + 1])
      }
      let checksum = ~UInt16(truncatingIfNeeded: (sum & 0xFFFF) + sum >> 16)
      header[10] = UInt8(checksum >> 8)
      header[11] = UInt8(truncatingIfNeeded: checksum)
      return header
        + [3, 9, UInt8(port >> 8), UInt8(truncatingIfNeeded: port), 0, UInt8(length), 0, 0]
        + payload
    }

    @Test("counts what its buffer did not hold", arguments: worlds)
    func drops(world: World) async throws {
      try await world.run { network in
        let socket = try await network.openPackets(
          .server,
          PacketOptions(
            isCooked: true, interface: network.interface, receiveBufferLimit: 16_384))
        let server = try await network.serverSocket(
          options: UDPOptions(receiveBufferLimit: 1 << 20))
        let client = try await network.clientSocket()
        for _ in 0..<100 {
          try await client.send(noise(1_000), to: server.local, timeout: patience)
        }
        for _ in 0..<100 { _ = try await server.receive(timeout: patience) }
        let counts = try await socket.takeCounts()
        #expect(counts.seen >= 100)
        #expect(counts.dropped > 0)
        #expect(counts.dropped < counts.seen)
        let (header, _) = try await frame(endingWith: noise(1_000), from: socket)
        #expect(header.length == 1_028)
      }
    }

    @Test("needs an interface that is there", arguments: World.all)
    func noInterface(world: World) async throws {
      try await world.run { network in
        let options = PacketOptions(interface: "none0")
        #expect(
          await reason { try await network.openPackets(.client, options) }
            == .noSuchInterface("none0"))
        let everywhere = try await network.openPackets(.client, PacketOptions())
        #expect(await reason { try await everywhere.send(noise(100).span) } == .networkDown)
      }
    }

    @Test("that is closed wakes who waits, for good", arguments: worlds)
    func closed(world: World) async throws {
      try await world.run { network in
        // Of a type that nobody uses.
        let socket = try await network.openPackets(.client, PacketOptions(etherType: 0x88B5))
        let waiting = network.startReason { () async throws -> Void in
          var bytes = [UInt8](repeating: 0, count: 100)
          var span = bytes.mutableSpan
          _ = try await socket.receive(into: &span, timeout: patience)
        }
        socket.close()
        socket.close()
        #expect(await waiting.value == .closed)
        #expect(await reason { try await socket.takeCounts() } == .closed)
      }
    }
  }
}
