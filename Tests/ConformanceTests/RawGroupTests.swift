import Addresses
import Glibc
import Sockets
import Testing

extension Conformance {
  @Suite("A multicast group, and raw sockets", .timeLimit(.minutes(2)))
  struct RawGroupTests {
    /// For experiments (RFC 3692).
    private static let number: UInt8 = 253

    /// Linux's loopback takes no part in groups of IPv6.
    static let places: [(World, Family)] = World.all.flatMap { world in
      Family.allCases.filter { $0 == .v4 || world.nodes != .kernel }.map { (world, $0) }
    }

    /// A raw socket of the server's that may join, and who sends to the group and to the server.
    private struct Case {
      let network: Network
      let family: Family
      let version: RawSocket.Version
      let receiver: RawSocket
      let sender: RawSocket
      let group: IPAddress

      init(_ network: Network, _ family: Family) async throws {
        self.network = network
        self.family = family
        version = family == .v4 ? .v4 : .v6
        receiver = try await network.openRaw(.server, version, number)
        sender = try await network.openRaw(.client, version, number)
        group =
          family == .v4
          ? .v4(IPv4Address(239, 77, 5, 9))
          : .v6(IPv6Address(high: 0xFF15 << 48, low: 0x770509))
      }

      func join(_ socket: RawSocket, from source: IPAddress? = nil) async throws {
        try await socket.join(group, from: source, on: network.interface)
      }

      func leave(_ socket: RawSocket, from source: IPAddress? = nil) async throws {
        try await socket.leave(group, from: source, on: network.interface)
      }

      /// Whether the receiver hears who it has not joined for: on Linux it does over IPv6.
      var hearsStrangers: Bool {
        family == .v6 && network.expected(true, .server, (.sourcesOfRawSockets, false))
      }

      /// What the receiver hears of a packet to the group, before another one to itself.
      func hears() async throws -> Bool {
        let link = DatagramOptions(interfaceIndex: network.interfaceIndex(.client))
        try await sender.send([1].span, to: .ip(group), with: link)
        try await sender.send([2].span, to: .ip(network.serverAddress(family)))
        let first = try await receiver.receive(timeout: patience)
        guard first.bytes.last == 1 else { return false }
        #expect(first.destination.address == group)
        #expect(try await receiver.receive(timeout: patience).bytes.last == 2)
        return true
      }

      /// The address that packets to the group have.
      func source() async throws -> IPAddress {
        try await join(receiver)
        let link = DatagramOptions(interfaceIndex: network.interfaceIndex(.client))
        try await sender.send([0].span, to: .ip(group), with: link)
        let source = try await receiver.receive(timeout: patience).source.address
        try await leave(receiver)
        return source
      }
    }

    @Test("is heard by those who joined it, until they leave", arguments: places)
    func anySource(world: World, family: Family) async throws {
      try await world.run { network in
        let own = try await Case(network, family)
        #expect(try await !own.hears())
        try await own.join(own.receiver)
        #expect(try await own.hears())
        #expect(await reason { try await own.join(own.receiver) } == .addressInUse)
        try await own.leave(own.receiver)
        #expect(try await !own.hears())
        #expect(await reason { try await own.leave(own.receiver) } == .addressNotAvailable)
      }
    }

    @Test("that another has joined is heard as well", arguments: places)
    func others(world: World, family: Family) async throws {
      try await world.run { network in
        let own = try await Case(network, family)
        let other = try await network.server.bind(
          .udp(Network.wildcard(family), port: 0), ipv6Only: true, options: UDPOptions())
        try await other.join(own.group, on: network.interface)
        #expect(try await own.hears())
        try await other.leave(own.group, on: network.interface)
        #expect(try await !own.hears())
        let raw = try await network.openRaw(.server, own.version, 254)
        try await own.join(raw)
        #expect(try await own.hears())
      }
    }

    @Test("is heard from the sources that were chosen", arguments: places)
    func oneSource(world: World, family: Family) async throws {
      try await world.run { network in
        let own = try await Case(network, family)
        let source = try await own.source()
        let stranger = Network.foreignAddress(family)
        try await own.join(own.receiver, from: stranger)
        #expect(try await own.hears() == own.hearsStrangers)
        try await own.join(own.receiver, from: source)
        #expect(try await own.hears())
        try await own.leave(own.receiver, from: source)
        #expect(try await own.hears() == own.hearsStrangers)
        #expect(
          await reason { try await own.leave(own.receiver, from: source) } == .addressNotAvailable)
        // Another one who wants everybody changes nothing for this one.
        let other = try await network.openRaw(.server, own.version, 254)
        try await own.join(other)
        #expect(try await own.hears() == own.hearsStrangers)
      }
    }

    @Test("is not heard from a source that was blocked", arguments: places)
    func blocked(world: World, family: Family) async throws {
      try await world.run { network in
        let own = try await Case(network, family)
        let source = try await own.source()
        let block = { () async throws in
          try await own.receiver.block(source, in: own.group, on: network.interface)
        }
        let unblock = { () async throws in
          try await own.receiver.unblock(source, in: own.group, on: network.interface)
        }
        #expect(await reason(unblock) != nil)
        try await own.join(own.receiver)
        try await block()
        #expect(await reason(block) == .addressNotAvailable)
        #expect(try await own.hears() == own.hearsStrangers)
        try await unblock()
        #expect(await reason(unblock) == .addressNotAvailable)
        #expect(try await own.hears())
      }
    }

    @Test("is heard at an address of IPv6's, and not at one of IPv4's", arguments: places)
    func bound(world: World, family: Family) async throws {
      try await world.run { network in
        let own = try await Case(network, family)
        try await own.receiver.bind(to: .ip(network.serverAddress(family)))
        try await own.join(own.receiver)
        #expect(try await own.hears() == (family == .v6))
      }
    }

    @Test("must be one, on an interface that is there", arguments: World.all)
    func refusals(world: World) async throws {
      try await world.run { network in
        let own = try await Case(network, .v4)
        let receiver = own.receiver
        #expect(
          await reason { try await receiver.join(network.serverAddress(.v4)) }
            == .invalidOperation)
        let other = IPAddress.v6(IPv6Address(high: 0xFF15 << 48, low: 1))
        #expect(
          await reason { try await receiver.join(other, on: network.interface) }
            == .addressNotAvailable)
        #expect(
          await reason { try await receiver.join(own.group, on: "none") }
            == .noSuchInterface("none"))
        receiver.close()
        #expect(await reason { try await own.join(receiver) } == .closed)
      }
    }

    @Test("is heard by raw sockets of the sender's own node", arguments: World.all)
    func ownDatagrams(world: World) async throws {
      try await world.run { network in
        let group = IPAddress.v4(IPv4Address(239, 77, 5, 9))
        let options = UDPOptions(multicastInterface: network.interface)
        let sender = try await network.client.bind("udp://0.0.0.0:0", options: options)
        let receiver = try await network.openRaw(.client, .v4, 17)
        try await receiver.join(group, on: network.interface)
        try await sender.send([7, 8, 9], to: .udp(group, port: 7_777))
        // Others on the machine may send datagrams, too.
        while true {
          let packet = try await receiver.receive(timeout: patience)
          guard packet.destination.address == group else { continue }
          #expect(packet.bytes.count == 31)
          #expect(packet.bytes.suffix(3) == [7, 8, 9])
          #expect(packet.header.hopLimit == 1)
          break
        }
      }
    }
  }
}

extension Network {
  /// The number of the common network's interface on a side.
  func interfaceIndex(_ side: Side) -> UInt32 {
    isOurs(side) ? 1 : unsafe if_nametoindex(interface)
  }
}
