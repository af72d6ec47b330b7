import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("What comes with a datagram", .timeLimit(.minutes(2)))
  struct MetadataTests {
    @Test(
      "tells its congestion codepoint and its service class", arguments: World.all,
      Family.allCases)
    func trafficClass(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let client = try await network.clientSocket(family)
        var classes = TrafficClass.Congestion.allCases.map { TrafficClass(congestion: $0) }
        classes += [TrafficClass(dscp: 46), TrafficClass(dscp: 10, congestion: .capable0)]
        for (index, trafficClass) in classes.enumerated() {
          let options = DatagramOptions(trafficClass: trafficClass)
          try await client.send([UInt8(index)], to: server.local, with: options)
        }
        for (index, trafficClass) in classes.enumerated() {
          let datagram = try await server.receive(timeout: patience)
          #expect(datagram.bytes == [UInt8(index)])
          #expect(datagram.header.trafficClass == trafficClass)
        }
      }
    }

    @Test("tells what its socket was set to", arguments: World.all, Family.allCases)
    func socketsOwn(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let choice = TrafficClass(dscp: 12, congestion: .capable1)
        let client = try await network.clientSocket(
          family, options: UDPOptions(hopLimit: 33, trafficClass: choice))
        try await client.send([1], to: server.local)
        let own = try await server.receive(timeout: patience).header
        #expect(own.trafficClass == choice)
        #expect(own.hopLimit == 33)
        let other = DatagramOptions(hopLimit: 7, trafficClass: TrafficClass())
        try await client.send([2], to: server.local, with: other)
        let chosen = try await server.receive(timeout: patience).header
        #expect(chosen.trafficClass == TrafficClass())
        #expect(chosen.hopLimit == 7)
      }
    }

    @Test("tells its hop limit, by itself the node's", arguments: World.all, Family.allCases)
    func hopLimit(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let client = try await network.clientSocket(family)
        try await client.send([0], to: server.local)
        for limit in [UInt8(1), 64, 255] {
          try await client.send([0], to: server.local, with: DatagramOptions(hopLimit: limit))
        }
        for limit in [UInt8(64), 1, 64, 255] {
          #expect(try await server.receive(timeout: patience).header.hopLimit == limit)
        }
      }
    }

    @Test("tells all that on a connected socket, too", arguments: World.all, Family.allCases)
    func connected(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.server.bind("udp://[::]:0")
        let client = try await network.client.bind()
        try await client.connect(
          to: .udp(network.serverAddress(family), port: server.local.port))
        let options = DatagramOptions(
          hopLimit: 9, trafficClass: TrafficClass(congestion: .capable0))
        try await client.send([1], with: options)
        let header = try await server.receive(timeout: patience).header
        #expect(header.hopLimit == 9)
        #expect(header.trafficClass.congestion == .capable0)
        #expect(header.destination.address == network.serverAddress(family))
      }
    }

    @Test("tells the interface it came by", arguments: World.all, Family.allCases)
    func interface(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.server.bind("udp://[::]:0")
        let client = try await network.client.bind()
        let endpoint = Endpoint.udp(network.serverAddress(family), port: server.local.port)
        try await client.send([1], to: endpoint)
        try await client.send([2], to: endpoint)
        let first = try await server.receive(timeout: patience).header
        let second = try await server.receive(timeout: patience).header
        #expect(first.interfaceIndex == second.interfaceIndex)
        // A stack's own loopback has the number zero.
        #expect((first.interfaceIndex == 0) == (world.nodes == .stackLoopback))
      }
    }

    @Test(
      "is its way to its own node: by the interface that has the address alone",
      arguments: World.linked,
      Family.allCases)
    func ownInterface(world: World, family: Family) async throws {
      try await world.run { network in
        let here = try await network.serverSocket(family)
        try await network.clientSocket(family).send([1], to: here.local)
        let header = try await here.receive(timeout: patience).header
        let options = DatagramOptions(interfaceIndex: header.interfaceIndex)
        try await here.send([2], to: here.local, with: options)
        #expect(try await here.receive(timeout: patience).bytes == [2])
        let loopback: IPAddress = family == .v4 ? .v4(.loopback) : .v6(.loopback)
        let inside = try await network.server.bind(.udp(loopback, port: 0))
        let sender = try await network.server.bind(.udp(Network.wildcard(family), port: 0))
        #expect(
          await reason { try await sender.send([3], to: inside.local, with: options) }
            == (family == .v4 ? nil : .networkUnreachable))
        let lost: SocketError.Reason? = .deadlineExceeded
        #expect(
          await reason { try await inside.receive(timeout: .milliseconds(20)) }
            == (family == .v4
              ? network.expected(lost, .server, (.ownAddressesByAnother, nil)) : lost))
      }
    }

    @Test(
      "is its source, where that was chosen: an answer comes from where it was asked",
      arguments: World.all, Family.allCases)
    func source(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.server.bind("udp://[::]:0")
        let client = try await network.clientSocket(family)
        let endpoint = Endpoint.udp(network.serverAddress(family), port: server.local.port)
        try await client.send([1], to: endpoint)
        let question = try await server.receive(timeout: patience)
        let options = DatagramOptions(answering: question.header)
        #expect(options.source == network.serverAddress(family))
        try await server.send([2], to: question.source, with: options)
        #expect(try await client.receive(timeout: patience).source == endpoint)
      }
    }

    @Test("may have any source of the loopback network", arguments: World.all)
    func loopbackSource(world: World) async throws {
      try await world.run { network in
        let server = try await network.client.bind("udp://127.0.0.1:0")
        let client = try await network.client.bind("udp://0.0.0.0:0")
        let source = IPAddress.v4(IPv4Address(127, 0, 0, 9))
        try await client.send([1], to: server.local, with: DatagramOptions(source: source))
        #expect(try await server.receive(timeout: patience).source.address == source)
      }
    }

    @Test("may have no source that is not the node's", arguments: World.all, Family.allCases)
    func foreignSource(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let client = try await network.clientSocket(family)
        let other: Family = family == .v4 ? .v6 : .v4
        let foreign = DatagramOptions(source: Network.foreignAddress(family))
        #expect(
          await reason { try await client.send([1], to: server.local, with: foreign) }
            == (family == .v4 ? .networkUnreachable : .invalidOperation))
        let mixed = DatagramOptions(source: network.clientAddress(other))
        #expect(
          await reason { try await client.send([1], to: server.local, with: mixed) }
            == .invalidOperation)
        try await client.send([2], to: server.local)
        #expect(try await server.receive(timeout: patience).bytes == [2])
      }
    }

    @Test("may not have a hop limit of zero", arguments: World.all, Family.allCases)
    func zeroHops(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let client = try await network.clientSocket(family)
        let options = DatagramOptions(hopLimit: 0)
        #expect(
          await reason { try await client.send([1], to: server.local, with: options) }
            == .invalidOperation)
      }
    }
  }

  @Suite("A multicast group", .timeLimit(.minutes(2)))
  struct GroupTests {
    static let group = IPAddress.v4(IPv4Address(239, 77, 5, 1))

    /// A socket that may join, at a port of its own, and one that sends to the common network.
    private func sockets(
      _ network: Network
    ) async throws -> (receiver: UDPSocket, sender: UDPSocket, group: Endpoint) {
      let receiver = try await network.server.bind("udp://0.0.0.0:0")
      let options = UDPOptions(multicastInterface: network.interface)
      let sender = try await network.client.bind("udp://0.0.0.0:0", options: options)
      return (receiver, sender, .udp(Self.group, port: receiver.local.port))
    }

    /// What the receiver hears of a datagram to the group, before another one to itself.
    private func hears(
      _ receiver: UDPSocket, _ sender: UDPSocket, _ group: Endpoint, _ network: Network,
      with options: DatagramOptions = DatagramOptions()
    ) async throws -> Bool {
      try await sender.send([1], to: group, with: options)
      let own = Endpoint.udp(network.serverAddress(.v4), port: receiver.local.port)
      try await sender.send([2], to: own)
      let first = try await receiver.receive(timeout: patience)
      guard first.bytes == [1] else { return false }
      #expect(first.destination.address == Self.group)
      #expect(try await receiver.receive(timeout: patience).bytes == [2])
      return true
    }

    /// The address that datagrams to the group have.
    private func source(
      _ receiver: UDPSocket, _ sender: UDPSocket, _ group: Endpoint, _ network: Network
    ) async throws -> IPAddress {
      try await receiver.join(Self.group, on: network.interface)
      try await sender.send([0], to: group)
      let source = try await receiver.receive(timeout: patience).source.address
      try await receiver.leave(Self.group, on: network.interface)
      return source
    }

    @Test("is heard by those who joined it, until they leave", arguments: World.all)
    func anySource(world: World) async throws {
      try await world.run { network in
        let (receiver, sender, group) = try await sockets(network)
        // Another member does not make this one hear.
        let other = try await network.server.bind("udp://0.0.0.0:0")
        try await other.join(Self.group, on: network.interface)
        #expect(try await !hears(receiver, sender, group, network))
        try await receiver.join(Self.group, on: network.interface)
        #expect(try await hears(receiver, sender, group, network))
        #expect(
          await reason { try await receiver.join(Self.group, on: network.interface) }
            == .addressInUse)
        try await receiver.leave(Self.group, on: network.interface)
        #expect(try await !hears(receiver, sender, group, network))
        #expect(
          await reason { try await receiver.leave(Self.group, on: network.interface) }
            == .addressNotAvailable)
      }
    }

    @Test("is heard from the sources that were chosen", arguments: World.all)
    func oneSource(world: World) async throws {
      try await world.run { network in
        let (receiver, sender, group) = try await sockets(network)
        let source = try await source(receiver, sender, group, network)
        let stranger = IPAddress.v4(IPv4Address(192, 0, 2, 200))
        try await receiver.join(Self.group, from: stranger, on: network.interface)
        #expect(try await !hears(receiver, sender, group, network))
        try await receiver.join(Self.group, from: source, on: network.interface)
        #expect(try await hears(receiver, sender, group, network))
        try await receiver.leave(Self.group, from: source, on: network.interface)
        #expect(try await !hears(receiver, sender, group, network))
        #expect(
          await reason {
            try await receiver.leave(Self.group, from: source, on: network.interface)
          } == .addressNotAvailable)
      }
    }

    @Test("is not heard from a source that was blocked", arguments: World.all)
    func blocked(world: World) async throws {
      try await world.run { network in
        let (receiver, sender, group) = try await sockets(network)
        let source = try await source(receiver, sender, group, network)
        let block = { () async throws in
          try await receiver.block(source, in: Self.group, on: network.interface)
        }
        let unblock = { () async throws in
          try await receiver.unblock(source, in: Self.group, on: network.interface)
        }
        #expect(await reason(unblock) != nil)
        try await receiver.join(Self.group, on: network.interface)
        try await block()
        #expect(await reason(block) == .addressNotAvailable)
        #expect(try await !hears(receiver, sender, group, network))
        try await unblock()
        #expect(await reason(unblock) == .addressNotAvailable)
        #expect(try await hears(receiver, sender, group, network))
      }
    }

    @Test("gets the hop limit that was chosen, by itself one", arguments: World.all)
    func hops(world: World) async throws {
      try await world.run { network in
        let (receiver, sender, group) = try await sockets(network)
        try await receiver.join(Self.group, on: network.interface)
        try await sender.send([1], to: group)
        #expect(try await receiver.receive(timeout: patience).header.hopLimit == 1)
        try await sender.send([1], to: group, with: DatagramOptions(hopLimit: 5))
        #expect(try await receiver.receive(timeout: patience).header.hopLimit == 5)
      }
    }
  }
}
