import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("A port that is shared", .timeLimit(.minutes(2)))
  struct ReuseTests {
    private let address = UDPOptions(reusesAddress: true)
    private let port = UDPOptions(reusesPort: true)

    @Test("is shared by those who agree on it alone", arguments: World.all, Family.allCases)
    func agreement(world: World, family: Family) async throws {
      try await world.run { network in
        let choices = [UDPOptions(), address, port]
        for (index, first) in choices.enumerated() {
          let socket = try await network.serverSocket(family, options: first)
          let wildcard = Endpoint.udp(Network.wildcard(family), port: socket.local.port)
          for local in [socket.local, wildcard] {
            for (other, second) in choices.enumerated() {
              let outcome = await reason { try await network.server.bind(local, options: second) }
              #expect(outcome == (index == other && index > 0 ? nil : .addressInUse))
            }
          }
        }
      }
    }

    @Test("with addresses reused is the newest one's", arguments: World.all, Family.allCases)
    func newest(world: World, family: Family) async throws {
      try await world.run { network in
        let first = try await network.serverSocket(family, options: address)
        let second = try await network.server.bind(first.local, options: address)
        let client = try await network.clientSocket(family)
        try await client.send([1], to: first.local)
        #expect(try await second.receive(timeout: patience).bytes == [1])
        second.close()
        // It is closed in its node's next turn.
        _ = try await network.serverSocket(family)
        try await client.send([2], to: first.local)
        #expect(try await first.receive(timeout: patience).bytes == [2])
      }
    }

    @Test("is divided among its sockets by peers", arguments: World.all, Family.allCases)
    func divided(world: World, family: Family) async throws {
      try await world.run { network in
        var members = [try await network.serverSocket(family, options: port)]
        let local = members[0].local
        for _ in 1..<4 { members.append(try await network.server.bind(local, options: port)) }
        let owners = try await owners(of: 40, members, network, family)
        #expect(Set(owners.values).count > 1)
        #expect(owners.count == 40)
      }
    }

    /// Which member hears each of some clients: always the same one.
    private func owners(
      of count: Int, _ members: [UDPSocket], _ network: Network, _ family: Family
    ) async throws -> [Endpoint: Int] {
      let clients = try await (0..<count).asyncMap { _ in
        try await network.clientSocket(family)
      }
      for _ in 0..<3 {
        for client in clients { try await client.send([7], to: members[0].local) }
      }
      var owners: [Endpoint: Int] = [:]
      var total = 0
      for (index, member) in members.enumerated() {
        while total < 3 * count {
          // Everything has been sent, and what is there is read at once.
          let limit: Duration = index == members.count - 1 ? patience : .milliseconds(100)
          var found: ReceivedDatagram?
          _ = await reason { found = try await member.receive(timeout: limit) }
          guard let datagram = found else { break }
          #expect(owners[datagram.source, default: index] == index)
          owners[datagram.source] = index
          total += 1
        }
      }
      #expect(total == 3 * count)
      return owners
    }

    @Test("goes on with those who are left", arguments: World.all)
    func leaving(world: World) async throws {
      try await world.run { network in
        var members = [try await network.serverSocket(options: port)]
        let local = members[0].local
        for _ in 1..<4 { members.append(try await network.server.bind(local, options: port)) }
        members.removeFirst().close()
        members.removeLast().close()
        _ = try await network.serverSocket()
        #expect(try await owners(of: 20, members, network, .v4).count == 20)
      }
    }

    @Test("lets all who joined a group hear it", arguments: World.all)
    func group(world: World) async throws {
      try await world.run { network in
        let group = IPAddress.v4(IPv4Address(239, 77, 5, 2))
        let first = try await network.server.bind("udp://0.0.0.0:0", options: address)
        let second = try await network.server.bind(first.local, options: address)
        let third = try await network.server.bind(
          .udp(group, port: first.local.port), options: address)
        let stranger = try await network.server.bind(first.local, options: address)
        for socket in [first, second, third] {
          try await socket.join(group, on: network.interface)
        }
        let sender = try await network.client.bind(
          "udp://0.0.0.0:0", options: UDPOptions(multicastInterface: network.interface))
        try await sender.send([1], to: .udp(group, port: first.local.port))
        for socket in [first, second, third] {
          #expect(try await socket.receive(timeout: patience).bytes == [1])
        }
        let silence = await reason { try await stranger.receive(timeout: .milliseconds(20)) }
        #expect(silence == .deadlineExceeded)
      }
    }

    @Test(
      "lets all hear what is broadcast",
      arguments: World.all.filter { $0.nodes != .stackLoopback })
    func broadcast(world: World) async throws {
      try await world.run { network in
        let first = try await network.server.bind("udp://0.0.0.0:0", options: address)
        let second = try await network.server.bind(first.local, options: address)
        let sender = try await network.client.bind(
          .udp(network.clientAddress(.v4), port: 0), options: UDPOptions(allowsBroadcast: true))
        let everybody = Endpoint.udp(network.broadcastAddress, port: first.local.port)
        try await sender.send([1], to: everybody)
        for socket in [first, second] {
          let datagram = try await socket.receive(timeout: patience)
          #expect(datagram.bytes == [1])
          #expect(datagram.destination == everybody)
        }
      }
    }

    @Test("is shared by listeners", arguments: World.all, Family.allCases)
    func listeners(world: World, family: Family) async throws {
      try await world.run { network in
        let options = TCPOptions(reusesPort: true)
        var members = [try await network.listen(family, options: options)]
        let local = members[0].local
        #expect(await reason { try await network.server.listen(on: local) } == .addressInUse)
        for _ in 1..<3 {
          members.append(try await network.server.listen(on: local, options: options))
        }
        var connections: [TCPConnection] = []
        for _ in 0..<30 {
          connections.append(try await network.client.connect(to: local, timeout: patience))
        }
        var accepted: [Int] = []
        for (index, member) in members.enumerated() {
          var count = 0
          while accepted.reduce(count, +) < 30 {
            let limit: Duration = index == 2 ? patience : .milliseconds(200)
            if await reason({ _ = try await member.accept(timeout: limit) }) != nil { break }
            count += 1
          }
          accepted.append(count)
        }
        #expect(accepted.reduce(0, +) == 30)
        #expect(accepted.filter { $0 > 0 }.count > 1)
        #expect(connections.count == 30)
      }
    }
  }

  @Suite("The options of a socket that is alive", .timeLimit(.minutes(2)))
  struct SocketOptionTests {
    @Test("of a connection are what they were set to", arguments: World.all)
    func connection(world: World) async throws {
      try await world.run { network in
        let connection = try await network.connection().client
        for value in [true, false] {
          try await connection.set(.noDelay, to: value)
          #expect(try await connection.value(of: .noDelay) == value)
          try await connection.set(.cork, to: value)
          #expect(try await connection.value(of: .cork) == value)
        }
        #expect(try await !connection.value(of: .keepAlive))
        try await connection.set(.keepAlive, to: true)
        #expect(try await connection.value(of: .keepAlive))
        #expect(try await connection.value(of: .keepIdle) == .seconds(7_200))
        try await connection.set(.keepIdle, to: .seconds(50))
        #expect(try await connection.value(of: .keepIdle) == .seconds(50))
        try await connection.set(.keepInterval, to: .seconds(5))
        #expect(try await connection.value(of: .keepInterval) == .seconds(5))
        try await connection.set(.keepCount, to: 4)
        #expect(try await connection.value(of: .keepCount) == 4)
        #expect(try await connection.value(of: .userTimeout) == nil)
        try await connection.set(.userTimeout, to: .seconds(10))
        #expect(try await connection.value(of: .userTimeout) == .seconds(10))
        try await connection.set(.userTimeout, to: nil)
        #expect(try await connection.value(of: .userTimeout) == nil)
        #expect(try await connection.value(of: .maximumSegment) > 500)
        #expect(try await connection.value(of: .sendBuffer) > 0)
        #expect(try await !connection.value(of: .congestionControl).isEmpty)
        #expect(try await connection.value(of: .linger) == nil)
      }
    }

    @Test("of a UDP socket are what they were set to, and hold", arguments: World.all)
    func datagrams(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket()
        let socket = try await network.clientSocket()
        for value in [true, false] {
          try await socket.set(.broadcast, to: value)
          #expect(try await socket.value(of: .broadcast) == value)
          try await socket.set(.multicastLoop, to: value)
          #expect(try await socket.value(of: .multicastLoop) == value)
        }
        #expect(try await socket.value(of: .hopLimit) == 64)
        try await socket.set(.hopLimit, to: 9)
        #expect(try await socket.value(of: .hopLimit) == 9)
        try await socket.set(.multicastHopLimit, to: 3)
        #expect(try await socket.value(of: .multicastHopLimit) == 3)
        let choice = TrafficClass(dscp: 10, congestion: .capable0)
        try await socket.set(.trafficClass, to: choice)
        #expect(try await socket.value(of: .trafficClass) == choice)
        try await socket.set(.receiveBuffer, to: 100_000)
        #expect(try await socket.value(of: .receiveBuffer) == 100_000)
        try await socket.send([1], to: server.local)
        let header = try await server.receive(timeout: patience).header
        #expect(header.hopLimit == 9)
        #expect(header.trafficClass == choice)
      }
    }

    @Test("tell whether a socket speaks IPv4, too", arguments: World.all)
    func versions(world: World) async throws {
      try await world.run { network in
        for only in [true, false] {
          let socket = try await network.server.bind(
            .udp(.v6(.any), port: 0), ipv6Only: only, options: UDPOptions())
          #expect(try await socket.value(of: .ipv6Only) == only)
          #expect(await reason { try await socket.set(.ipv6Only, to: only) } == .unsupported)
          let listener = try await network.server.listen(
            on: .tcp(.v6(.any), port: 0), backlog: 1, ipv6Only: only, options: TCPOptions())
          #expect(try await listener.value(of: .ipv6Only) == only)
          #expect(try await listener.value(of: .reuseAddress))
          #expect(try await !listener.value(of: .reusePort))
        }
      }
    }

    @Test("refuse what they cannot be", arguments: World.all)
    func refusals(world: World) async throws {
      try await world.run { network in
        let connection = try await network.connection().client
        let socket = try await network.clientSocket()
        for limit in [0, 256] {
          #expect(
            await reason { try await socket.set(.hopLimit, to: limit) } == .invalidOperation)
        }
        for count in [0, 128] {
          #expect(
            await reason { try await connection.set(.keepCount, to: count) }
              == .invalidOperation)
        }
        #expect(await reason { try await socket.value(of: .noDelay) } == .unsupported)
        #expect(await reason { try await socket.set(.noDelay, to: true) } == .unsupported)
        socket.close()
        #expect(await reason { try await socket.value(of: .broadcast) } == .closed)
        #expect(await reason { try await socket.set(.broadcast, to: true) } == .closed)
      }
    }

    @Test("that only Linux has are unsupported elsewhere", arguments: World.all)
    func onlyLinux(world: World) async throws {
      try await world.run { network in
        let connection = try await network.connection().client
        let isOurs = network.isOurs(.client)
        let outcome = await reason { () async throws -> Void in
          try await connection.set(.priority, to: 3)
          #expect(try await connection.value(of: .priority) == 3)
          #expect(try await connection.value(of: .device) == "")
          #expect(try await connection.value(of: .mark) == 0)
          try await connection.set(.congestionControl, to: "reno")
          #expect(try await connection.value(of: .congestionControl) == "reno")
          try await connection.set(.linger, to: .seconds(3))
          #expect(try await connection.value(of: .linger) == .seconds(3))
        }
        #expect(outcome == (isOurs ? .unsupported : nil))
        let listener = try await network.listen()
        let listening = await reason { () async throws -> Void in
          try await listener.set(.fastOpen, to: 5)
        }
        #expect(listening == (network.isOurs(.server) ? .unsupported : nil))
      }
    }

    @Test("of a connection's packets and answers are what they were set to", arguments: World.all)
    func packetFields(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let connection = ends.client
        #expect(try await connection.value(of: .hopLimit) == 64)
        try await connection.set(.hopLimit, to: 33)
        #expect(try await connection.value(of: .hopLimit) == 33)
        for limit in [0, 256] {
          #expect(
            await reason { try await connection.set(.hopLimit, to: limit) } == .invalidOperation)
        }
        let choice = TrafficClass(dscp: 46)
        try await connection.set(.trafficClass, to: choice)
        #expect(try await connection.value(of: .trafficClass) == choice)
        // RFC 3168 §5 (test): congestion is not the user's to tell.
        try await connection.set(.trafficClass, to: TrafficClass(dscp: 46, congestion: .capable0))
        #expect(try await connection.value(of: .trafficClass) == choice)
        try await connection.set(.notSentLowWater, to: 16_384)
        #expect(try await connection.value(of: .notSentLowWater) == 16_384)
        try await connection.set(.quickAck, to: true)
        #expect(try await connection.value(of: .quickAck))
        // All at once replaces only what it has.
        try await connection.setOptions(TCPOptions(noDelay: true))
        #expect(try await connection.value(of: .hopLimit) == 33)
        #expect(try await connection.value(of: .trafficClass) == choice)
        #expect(try await connection.value(of: .notSentLowWater) == 16_384)
        let bytes = noise(100_000)
        let reading = network.start { try await ends.server.read(exactly: bytes.count) }
        try await connection.write(bytes, timeout: patience)
        #expect(try await reading.value == bytes)
      }
    }

    @Test("of a listener hold connections back until there is data", arguments: World.all)
    func deferredAccept(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        #expect(try await listener.value(of: .deferAccept) == nil)
        try await listener.set(.deferAccept, to: .seconds(30))
        #expect(try #require(try await listener.value(of: .deferAccept)) >= .seconds(3))
        let silent = try await network.client.connect(to: listener.local, timeout: patience)
        let client = try await network.client.connect(to: listener.local, timeout: patience)
        try await client.write("first")
        let server = try await listener.accept(timeout: patience)
        #expect(server.remote.port == client.local.port)
        #expect(try await server.read(exactly: 5) == Array("first".utf8))
        silent.close()
        try await listener.set(.deferAccept, to: nil)
        #expect(try await listener.value(of: .deferAccept) == nil)
      }
    }

    @Test("have company: what is known of a connection", arguments: World.all)
    func information(world: World) async throws {
      try await world.run { network in
        let ends = try await network.connection()
        let size = 200_000
        let reading = network.start { try await ends.server.read(exactly: size) }
        try await ends.client.write(noise(size), timeout: patience)
        _ = try await reading.value
        let info = try await ends.client.info { $0.segmentsInFlight == 0 && $0.bytesNotSent == 0 }
        #expect(try #require(info.roundTripVariation) >= .zero)
        #expect(try #require(info.retransmissionTimeout) > .zero)
        #expect(info.maximumSegmentSize > 500)
        #expect(info.segmentsSent > 1)
        #expect(info.segmentsReceived > 1)
        // Linux counts the SYN in.
        if let acknowledged = info.bytesAcknowledged {
          #expect((size...size + 1).contains(Int(acknowledged)))
        }
        #expect(info.bytesAcknowledged != nil)
        #expect(info.lostSegments == 0)
        #expect(try #require(info.reordering) >= 3)
        if let minimum = info.minimumRoundTripTime { #expect(minimum > .zero) }
        #expect(info.deliveryRate ?? 1 > 0)
      }
    }
  }
}

extension Sequence {
  fileprivate func asyncMap<Value>(
    _ transform: (Element) async throws -> Value
  ) async rethrows -> [Value] {
    var values: [Value] = []
    for element in self { values.append(try await transform(element)) }
    return values
  }
}
