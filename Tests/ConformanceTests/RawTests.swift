import Addresses
import Foundation
import Sockets
import Testing

extension Conformance {
  @Suite("A raw socket", .timeLimit(.minutes(2)))
  struct RawTests {
    /// For experiments (RFC 3692).
    private let number: UInt8 = 253

    private func version(_ family: Family) -> RawSocket.Version { family == .v4 ? .v4 : .v6 }

    @Test("gets copies of its protocol's packets", arguments: World.all, Family.allCases)
    func copies(world: World, family: Family) async throws {
      try await world.run { network in
        let version = version(family)
        let first = try await network.openRaw(.server, version, number)
        let second = try await network.openRaw(.server, version, number)
        let other = try await network.openRaw(.server, version, 254)
        let client = try await network.openRaw(.client, version, number)
        let remote = Endpoint.ip(network.serverAddress(family))
        let otherClient = try await network.openRaw(.client, version, 254)
        try await otherClient.send([9].span, to: remote)
        for size in [1, 100, 9_000] {
          try await client.send(noise(size).span, to: remote)
          for socket in [first, second] {
            let packet = try await socket.receive(timeout: patience)
            // Of IPv4 the header comes along, of IPv6 it does not.
            let headerLength = family == .v4 ? 20 : 0
            #expect(packet.bytes.count == headerLength + size)
            #expect(packet.bytes.suffix(size).elementsEqual(noise(size)))
            if family == .v4 {
              #expect(packet.bytes[0] == 0x45)
              #expect(packet.bytes[9] == number)
            }
            #expect(packet.source == .ip(network.clientAddress(family)))
            #expect(packet.destination == remote)
          }
        }
        #expect(try await other.receive(timeout: patience).bytes.last == 9)
      }
    }

    @Test("tells and chooses what comes with a packet", arguments: World.all, Family.allCases)
    func metadata(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.openRaw(.server, version(family), number)
        let options = RawOptions(hopLimit: 5, trafficClass: TrafficClass(dscp: 46))
        let client = try await network.openRaw(.client, version(family), number, options)
        try await client.connect(to: .ip(network.serverAddress(family)))
        try await client.send([1].span)
        let own = try await server.receive(timeout: patience).header
        #expect(own.hopLimit == 5)
        #expect(own.trafficClass == TrafficClass(dscp: 46))
        let other = DatagramOptions(
          hopLimit: 9, trafficClass: TrafficClass(congestion: .capable0))
        try await client.send([1].span, with: other)
        let chosen = try await server.receive(timeout: patience).header
        #expect(chosen.hopLimit == 9)
        #expect(chosen.trafficClass.congestion == .capable0)
      }
    }

    @Test("that is bound hears what is sent to its address alone", arguments: World.all)
    func bound(world: World) async throws {
      try await world.run { network in
        let elsewhere = try await network.openRaw(.server, .v4, number)
        try await elsewhere.bind(to: .ip(.v4(IPv4Address(127, 0, 0, 2))))
        let here = try await network.openRaw(.server, .v4, number)
        try await here.bind(to: .ip(network.serverAddress(.v4)))
        let client = try await network.openRaw(.client, .v4, number)
        try await client.send([1].span, to: .ip(network.serverAddress(.v4)))
        #expect(try await here.receive(timeout: patience).bytes.last == 1)
        let silence = await reason { try await elsewhere.receive(timeout: .milliseconds(20)) }
        #expect(silence == .deadlineExceeded)
        let foreign = Endpoint.ip(Network.foreignAddress(.v4))
        #expect(await reason { try await here.bind(to: foreign) } == .addressNotAvailable)
      }
    }

    @Test("sends packets that bring their header", arguments: World.all)
    func headerIncluded(world: World) async throws {
      try await world.run { network in
        let server = try await network.openRaw(.server, .v4, number)
        let whole = try await network.openRaw(.client, .v4, 255)
        let chosen = try await network.openRaw(
          .client, .v4, number, RawOptions(includesHeader: true))
        guard case .v4(let remote) = network.serverAddress(.v4) else { return }
        let address = (0..<4).map { UInt8(truncatingIfNeeded: remote.rawValue >> (24 - 8 * $0)) }
        for client in [whole, chosen] {
          // No length, no source, no identification, no checksum: the node fills them in.
          let header: [UInt8] = [0x45, 0xB8, 0, 0, 0, 0, 0x40, 0, 77, number, 0, 0, 0, 0, 0, 0]
          let packet = header + address + [1, 2, 3]
          try await client.send(packet.span, to: .ip(.v4(remote)))
          let arrived = try await server.receive(timeout: patience)
          #expect(arrived.bytes.suffix(3) == [1, 2, 3])
          #expect(arrived.bytes.count == 23)
          #expect(arrived.header.hopLimit == 77)
          #expect(arrived.header.trafficClass == TrafficClass(dscp: 46))
          #expect(arrived.source.address == network.clientAddress(.v4))
          let tooShort = Array(packet.prefix(19))
          #expect(
            await reason { try await client.send(tooShort.span, to: .ip(.v4(remote))) }
              == .invalidOperation)
        }
      }
    }

    @Test("refuses what no packet holds, and other endpoints", arguments: World.all)
    func refusals(world: World) async throws {
      try await world.run { network in
        let client = try await network.openRaw(.client, .v4, number)
        let remote = network.serverAddress(.v4)
        #expect(
          await reason { try await client.send(noise(65_516).span, to: .ip(remote)) }
            == .messageTooLong)
        #expect(await reason { try await client.send([1].span) } == .notConnected)
        #expect(
          await reason {
            try await client.send([1].span, to: .ip(network.serverAddress(.v6)))
          } == .addressFamilyNotSupported)
        #expect(
          await reason { try await client.send([1].span, to: .udp(remote, port: 7)) }?
            .isBadEndpoint == true)
        #expect(
          await reason { try await network.openRaw(.client, .v4, 0) } == .invalidOperation)
      }
    }

    @Test("keeps the checksum of what it sends and hears over IPv6", arguments: World.all)
    func checksum(world: World) async throws {
      try await world.run { network in
        let options = RawOptions(checksumOffset: 2)
        let checking = try await network.openRaw(.server, .v6, number, options)
        let trusting = try await network.openRaw(.server, .v6, number)
        let careful = try await network.openRaw(.client, .v6, number, options)
        let careless = try await network.openRaw(.client, .v6, number)
        let remote = Endpoint.ip(network.serverAddress(.v6))
        try await careless.send([1, 0, 0xAB, 0xCD, 1].span, to: remote)
        try await careful.send([2, 0, 0, 0, 1].span, to: remote)
        #expect(try await trusting.receive(timeout: patience).bytes[0] == 1)
        #expect(try await trusting.receive(timeout: patience).bytes[0] == 2)
        let checked = try await checking.receive(timeout: patience).bytes
        #expect(checked[0] == 2)
        #expect(checked[2...3] != [0, 0])
        #expect(
          await reason { try await careful.send([1, 2, 3].span, to: remote) }
            == .invalidOperation)
      }
    }

    @Test("hears the ICMPv6 messages that it does not block", arguments: World.all)
    func filter(world: World) async throws {
      try await world.run { network in
        let deaf = try await network.openRaw(
          .client, .v6, 58, RawOptions(blockedMessages: Set(0...255)))
        let client = try await network.openRaw(
          .client, .v6, 58, RawOptions(blockedMessages: Set(0...255).subtracting([129])))
        let request: [UInt8] = [128, 0, 0, 0, 0x12, 0x34, 0, 1, 5, 6, 7]
        try await client.send(request.span, to: .ip(network.serverAddress(.v6)))
        let reply = try await client.receive(timeout: patience)
        #expect(reply.bytes[0] == 129)
        #expect(reply.bytes[4...] == request[4...])
        #expect(reply.source.address == network.serverAddress(.v6))
        let silence = await reason { try await deaf.receive(timeout: .milliseconds(20)) }
        #expect(silence == .deadlineExceeded)
      }
    }

    @Test("drops what its buffer does not hold, and works on", arguments: World.all)
    func overflow(world: World) async throws {
      try await world.run { network in
        let server = try await network.openRaw(
          .server, .v4, number, RawOptions(receiveBufferLimit: 16_384))
        let client = try await network.openRaw(.client, .v4, number)
        let remote = Endpoint.ip(network.serverAddress(.v4))
        for _ in 0..<200 {
          try await client.send(noise(1_000).span, to: remote, timeout: patience)
        }
        var received = 0
        while true {
          let outcome = await reason {
            _ = try await server.receive(timeout: received == 0 ? patience : .milliseconds(50))
            received += 1
          }
          if outcome != nil { break }
        }
        #expect(received > 0)
        #expect(received < 200)
        try await client.send([9].span, to: remote)
        #expect(try await server.receive(timeout: patience).bytes.last == 9)
      }
    }

    @Test("that is closed wakes who waits, for good", arguments: World.all)
    func closed(world: World) async throws {
      try await world.run { network in
        let socket = try await network.openRaw(.client, .v6, number)
        let waiting = network.startReason { try await socket.receive(timeout: patience) }
        _ = await reason { try await socket.receive(timeout: .milliseconds(20)) }
        socket.close()
        socket.close()
        #expect(await waiting.value == .closed)
        #expect(await reason { try await socket.receive(timeout: patience) } == .closed)
        #expect(
          await reason {
            try await socket.send([1].span, to: .ip(network.serverAddress(.v6)))
          } == .closed)
      }
    }
  }

  @Suite("What becomes of an echo request", .timeLimit(.minutes(2)))
  struct EchoErrorTests {
    /// How the machine lets its programs ping.
    enum Permission: String, CaseIterable, CustomTestStringConvertible {
      case echoSockets = "0 2147483647"
      case rawSockets = "1 0"

      var testDescription: String { rawValue }
    }

    /// An error that a router may send: IPv4's type and code, IPv6's, and what the socket says.
    static let errors: [(v4: (UInt8, UInt8), v6: (UInt8, UInt8), kind: EchoAnswer.Kind)] = [
      ((11, 0), (3, 0), .timeExceeded),
      ((3, 1), (1, 1), .unreachable(code: 1)),
      ((3, 3), (1, 3), .unreachable(code: 3)),
    ]

    @Test(
      "is told by the echo socket: routers' errors are", arguments: World.all,
      Permission.allCases)
    func errors(world: World, permission: Permission) async throws {
      try await world.run { network in
        // In a network namespace of the tests' own alone.
        if RootTests.areEnabled {
          try permission.rawValue.write(
            toFile: "/proc/sys/net/ipv4/ping_group_range", atomically: false, encoding: .utf8)
        }
        for family in Family.allCases {
          for (index, error) in Self.errors.enumerated() {
            try await check(
              network, family, sequence: UInt16(700 + index), error.kind,
              family == .v4 ? error.v4 : error.v6)
          }
        }
      }
    }

    /// Has a raw socket of the server's say that of a request, whatever the server answers.
    private func check(
      _ network: Network, _ family: Family, sequence: UInt16, _ kind: EchoAnswer.Kind,
      _ message: (type: UInt8, code: UInt8)
    ) async throws {
      let version: EchoSocket.Version = family == .v4 ? .v4 : .v6
      let router = try await network.openRaw(.server, version, family == .v4 ? 1 : 58)
      let socket = try await network.openEcho(version)
      try await socket.send(
        noise(40).span, to: network.serverAddress(family), sequence: sequence)
      while true {
        let packet = try await router.receive(timeout: patience)
        let request = family == .v4 ? Array(packet.bytes.dropFirst(20)) : packet.bytes
        guard request[0] == (family == .v4 ? 8 : 128) else { continue }
        var error: [UInt8] = [message.type, message.code, 0, 0, 0, 0, 0, 0]
        if family == .v6 {
          error += [0x60, 0, 0, 0, 0, UInt8(request.count), 58, 64]
          error += octets(network.clientAddress(family)) + octets(network.serverAddress(family))
          error += request
        } else {
          error += packet.bytes
          let sum = stride(from: 0, to: error.count, by: 2).reduce(0) {
            $0 + Int(error[$1]) << 8 + ($1 + 1 < error.count ? Int(error[$1 + 1]) : 0)
          }
          let folded = (sum & 0xFFFF) + sum >> 16
          let checksum = ~UInt16(truncatingIfNeeded: (folded & 0xFFFF) + folded >> 16)
          error[2] = UInt8(checksum >> 8)
          error[3] = UInt8(truncatingIfNeeded: checksum)
        }
        try await router.send(error.span, to: packet.source)
        break
      }
      while true {
        var bytes = [UInt8](repeating: 0, count: 100)
        var span = bytes.mutableSpan
        let answer = try await socket.receive(into: &span, timeout: patience)
        guard answer.kind != .reply else { continue }
        #expect(answer.kind == kind)
        #expect(answer.sequence == sequence)
        #expect(answer.source == network.serverAddress(family))
        #expect(answer.hopLimit == 64)
        return
      }
    }

    private func octets(_ address: IPAddress) -> [UInt8] {
      guard case .v6(let six) = address else { return [] }
      return [six.high, six.low].flatMap { half in
        (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * UInt64($0))) }
      }
    }
  }
}

extension Network {
  /// A raw socket; skips the case where the kernel does not allow any.
  func openRaw(
    _ side: Side, _ version: RawSocket.Version, _ number: UInt8,
    _ options: RawOptions = RawOptions()
  ) async throws -> RawSocket {
    let node = side == .client ? client : server
    do {
      return try await node.openRaw(version, protocol: number, options: options)
    } catch {
      guard !isOurs(side), case .system = error.reason else { throw error }
      try Test.cancel("\(error)")
    }
  }

  /// A packet socket; skips the case where the kernel does not allow any.
  func openPackets(_ side: Side, _ options: PacketOptions) async throws -> PacketSocket {
    let node = side == .client ? client : server
    do {
      return try await node.openPackets(options)
    } catch {
      guard !isOurs(side), case .system = error.reason else { throw error }
      try Test.cancel("\(error)")
    }
  }
}
