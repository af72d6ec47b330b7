import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("A UDP socket", .timeLimit(.minutes(2)))
  struct DatagramTests {
    @Test("is bound where it was asked to be", arguments: World.all, Family.allCases)
    func bound(world: World, family: Family) async throws {
      try await world.run { network in
        let socket = try await network.serverSocket(family)
        #expect(socket.local.address == network.serverAddress(family))
        #expect(socket.local.port != 0)
        #expect(
          await reason { try await network.server.bind(socket.local) } == .addressInUse)
        let wildcard = Endpoint.udp(Network.wildcard(family), port: socket.local.port)
        #expect(await reason { try await network.server.bind(wildcard) } == .addressInUse)
      }
    }

    @Test("has its address until it is closed", arguments: World.all, Family.allCases)
    func freed(world: World, family: Family) async throws {
      try await world.run { network in
        let local = try await network.serverSocket(family).local
        for _ in 0..<20 {
          let socket = try await network.server.bind(local)
          socket.close()
        }
      }
    }

    @Test("is not bound to another node's address", arguments: World.all, Family.allCases)
    func notAvailable(world: World, family: Family) async throws {
      try await world.run { network in
        let foreign = Endpoint.udp(Network.foreignAddress(family), port: 0)
        #expect(await reason { try await network.server.bind(foreign) } == .addressNotAvailable)
      }
    }

    @Test("at [::] takes the port of both IP versions, or of one", arguments: World.all)
    func dualStack(world: World) async throws {
      try await world.run { network in
        let both = try await network.server.bind("udp://[::]:0")
        let four = Endpoint.udp(.v4(.any), port: both.local.port)
        #expect(await reason { try await network.server.bind(four) } == .addressInUse)
        let six = try await network.server.bind(
          .udp(.v6(.any), port: 0), ipv6Only: true, options: UDPOptions())
        _ = try await network.server.bind(.udp(.v4(.any), port: six.local.port))
      }
    }

    @Test(
      "at [::] answers whoever sent, over either version, from where it was asked",
      arguments: World.all, Family.allCases)
    func answers(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.server.bind("udp://[::]:0")
        let endpoint = Endpoint.udp(network.serverAddress(family), port: server.local.port)
        let client = try await network.client.bind()
        try await client.send(Array("hello".utf8), to: endpoint)
        let question = try await server.receive(timeout: patience)
        #expect(question.bytes == Array("hello".utf8))
        #expect(question.destination == endpoint)
        #expect(question.source.address == network.clientAddress(family))
        #expect(question.source.port == client.local.port)
        try await server.send(Array("to you".utf8), to: question.source)
        let answer = try await client.receive(timeout: patience)
        #expect(answer.bytes == Array("to you".utf8))
        #expect(answer.source == endpoint)
      }
    }

    @Test("at an address gets what is sent there", arguments: World.all, Family.allCases)
    func specific(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let client = try await network.clientSocket(family)
        try await client.send([1, 2, 3], to: server.local)
        let datagram = try await server.receive(timeout: patience)
        #expect(datagram.bytes == [1, 2, 3])
        #expect(datagram.source == client.local)
        #expect(datagram.destination == server.local)
      }
    }

    /// Up to the largest datagram of IPv4, through sizes that need fragments.
    static let everySize = [0, 1, 1_472, 1_473, 9_000, 65_507]

    @Test("carries datagrams of every size", arguments: World.all, everySize)
    func sizes(world: World, size: Int) async throws {
      try await world.run { network in
        for family in Family.allCases {
          let server = try await network.serverSocket(family)
          let client = try await network.clientSocket(family)
          try await client.send(noise(size), to: server.local, timeout: patience)
          let datagram = try await server.receive(timeout: patience)
          #expect(datagram.bytes == noise(size))
          #expect(datagram.source == client.local)
        }
      }
    }

    @Test("refuses what no datagram holds", arguments: World.all)
    func tooLong(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket()
        let client = try await network.clientSocket()
        for size in [65_508, 65_536, 1 << 20] {
          #expect(
            await reason { try await client.send(noise(size), to: server.local) } == .messageTooLong
          )
        }
        try await client.send([1], to: server.local)
        #expect(try await server.receive(timeout: patience).bytes == [1])
      }
    }

    @Test("says when a datagram was longer than its room", arguments: World.all, [0, 1, 60, 100])
    func truncation(world: World, room: Int) async throws {
      try await world.run { network in
        let server = try await network.serverSocket()
        let client = try await network.clientSocket()
        try await client.send(noise(100), to: server.local)
        try await client.send([7], to: server.local)
        var bytes = [UInt8](repeating: 0, count: room)
        var span = bytes.mutableSpan
        let header = try await server.receive(into: &span, timeout: patience)
        #expect(header.count == room)
        #expect(header.isTruncated == (room < 100))
        #expect(bytes == Array(noise(100).prefix(room)))
        #expect(try await server.receive(timeout: patience).bytes == [7])
      }
    }

    @Test("keeps datagrams apart, and in order", arguments: World.all)
    func boundaries(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket()
        let client = try await network.clientSocket()
        for size in 1...50 { try await client.send(noise(size), to: server.local) }
        for size in 1...50 {
          #expect(try await server.receive(timeout: patience).bytes == noise(size))
        }
      }
    }

    @Test("that is connected hears its peer alone", arguments: World.all, Family.allCases)
    func connected(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let stranger = try await network.serverSocket(family)
        let client = try await network.clientSocket(family)
        try await client.connect(to: server.local)
        try await stranger.send([1], to: client.local)
        try await server.send([2], to: client.local)
        #expect(try await client.receive(timeout: patience).bytes == [2])
        try await client.send([3])
        let datagram = try await server.receive(timeout: patience)
        #expect(datagram.bytes == [3])
        #expect(datagram.source == client.local)
      }
    }

    @Test("that is connected may send elsewhere, and connect again", arguments: World.all)
    func connectedElsewhere(world: World) async throws {
      try await world.run { network in
        let first = try await network.serverSocket()
        let second = try await network.serverSocket()
        let client = try await network.clientSocket()
        try await client.connect(to: first.local)
        try await client.send([1], to: second.local)
        #expect(try await second.receive(timeout: patience).bytes == [1])
        try await client.connect(to: second.local)
        try await client.send([2])
        #expect(try await second.receive(timeout: patience).bytes == [2])
        try await first.send([3], to: client.local)
        try await second.send([4], to: client.local)
        #expect(try await client.receive(timeout: patience).bytes == [4])
      }
    }

    @Test("that is not connected needs a destination", arguments: World.all, Family.allCases)
    func noDestination(world: World, family: Family) async throws {
      try await world.run { network in
        let client = try await network.clientSocket(family)
        #expect(await reason { try await client.send([1]) } == .notConnected)
      }
    }

    @Test(
      "that is connected hears that nobody is there", arguments: World.all, Family.allCases)
    func refused(world: World, family: Family) async throws {
      try await world.run { network in
        let vacant = try await network.serverSocket(family).local
        let client = try await network.clientSocket(family)
        try await client.connect(to: vacant)
        try await client.send([1])
        #expect(
          await reason { try await client.receive(timeout: patience) } == .connectionRefused)
        // Once; then it is as good as new.
        let server = try await network.server.bind(vacant)
        try await client.send([2])
        #expect(try await server.receive(timeout: patience).bytes == [2])
      }
    }

    @Test("that is connected hears of it when it sends, too", arguments: World.all)
    func refusedWhenSending(world: World) async throws {
      try await world.run { network in
        let vacant = try await network.serverSocket().local
        let client = try await network.clientSocket()
        try await client.connect(to: vacant)
        #expect(
          await reason { while true { try await client.send([1], timeout: patience) } }
            == .connectionRefused)
      }
    }

    @Test("that is not connected does not hear of it", arguments: World.all)
    func notTold(world: World) async throws {
      try await world.run { network in
        let vacant = try await network.serverSocket().local
        let server = try await network.serverSocket()
        let client = try await network.clientSocket()
        for _ in 0..<3 { try await client.send([1], to: vacant) }
        try await client.send([2], to: server.local)
        try await server.send([3], to: try await server.receive(timeout: patience).source)
        #expect(try await client.receive(timeout: patience).bytes == [3])
      }
    }

    @Test("of one IP version does not send to the other", arguments: World.all)
    func otherVersion(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(.v6)
        let client = try await network.clientSocket(.v4)
        #expect(
          await reason { try await client.send([1], to: server.local) }
            == .addressFamilyNotSupported)
        #expect(
          await reason { try await client.connect(to: server.local) }
            == .addressFamilyNotSupported)
      }
    }

    @Test("that speaks IPv6 alone does not send to IPv4", arguments: World.all)
    func ipv6Only(world: World) async throws {
      try await world.run { network in
        let client = try await network.client.bind(
          .udp(.v6(.any), port: 0), ipv6Only: true, options: UDPOptions())
        let server = try await network.serverSocket(.v4)
        #expect(
          await reason { try await client.send([1], to: server.local) }
            == network.expected(
              .networkUnreachable, .client, (.ipv6OnlySocket, .addressFamilyNotSupported)))
      }
    }

    @Test("sends no broadcast unless it is allowed to", arguments: World.all)
    func broadcast(world: World) async throws {
      try await world.run { network in
        let everybody = Endpoint.udp(network.broadcastAddress, port: 7)
        let anywhere = Endpoint.udp(.v4(.any), port: 0)
        let client = try await network.client.bind(anywhere)
        #expect(await reason { try await client.send([1], to: everybody) } == .permissionDenied)
        let permitted = try await network.client.bind(
          anywhere, options: UDPOptions(allowsBroadcast: true))
        try await permitted.send([1], to: everybody)
      }
    }

    @Test("broadcasts on the loopback network as well", arguments: World.all)
    func loopbackBroadcast(world: World) async throws {
      try await world.run { network in
        let client = try await network.client.bind(.udp(.v4(.any), port: 0))
        let outcome = await reason { try await client.send([1], to: "udp://127.255.255.255:7") }
        #expect(
          outcome == network.expected(.permissionDenied, .client, (.loopbackBroadcast, nil)))
      }
    }

    @Test("takes other endpoints than UDP's for a mistake", arguments: World.all)
    func badEndpoints(world: World) async throws {
      try await world.run { network in
        let client = try await network.clientSocket()
        for text in ["tcp://127.0.0.1:7", "127.0.0.1:7", "nonsense"] {
          #expect(await reason { try await network.server.bind(text) }?.isBadEndpoint == true)
          #expect(await reason { try await client.send([1], to: text) }?.isBadEndpoint == true)
          #expect(await reason { try await client.connect(to: text) }?.isBadEndpoint == true)
        }
      }
    }

    @Test("hears many senders, each by its name", arguments: World.all, Family.allCases)
    func manySenders(world: World, family: Family) async throws {
      try await world.run { network in
        let server = try await network.serverSocket(family)
        let answering = network.start {
          for _ in 0..<200 {
            let question = try await server.receive(timeout: patience)
            try await server.send(question.bytes, to: question.source, timeout: patience)
          }
        }
        try await withThrowingTaskGroup { group in
          for number in 0..<20 {
            group.addTask {
              let client = try await network.clientSocket(family)
              for round in 0..<10 {
                let bytes = [UInt8(number), UInt8(round)]
                try await client.send(bytes, to: server.local, timeout: patience)
                #expect(try await client.receive(timeout: patience).bytes == bytes)
              }
            }
          }
          try await group.waitForAll()
        }
        try await answering.value
      }
    }

    @Test("gives each datagram to one of many receivers", arguments: World.all)
    func manyReceivers(world: World) async throws {
      try await world.run { network in
        let options = UDPOptions(receiveBufferLimit: 1 << 20)
        let server = try await network.serverSocket(options: options)
        let client = try await network.clientSocket()
        let receiving = network.start {
          try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<100 {
              group.addTask { try await server.receive(timeout: patience).bytes }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
          }
        }
        for number in 0..<100 { try await client.send([UInt8(number)], to: server.local) }
        #expect(try await receiving.value.count == 100)
      }
    }

    @Test("that is closed wakes all who wait, for good", arguments: World.all)
    func closed(world: World) async throws {
      try await world.run { network in
        let socket = try await network.serverSocket()
        let waiting = (0..<5).map { _ in
          network.startReason { try await socket.receive(timeout: patience) }
        }
        _ = await reason { try await socket.receive(timeout: .milliseconds(20)) }
        socket.close()
        socket.close()
        for task in waiting { #expect(await task.value == .closed) }
        #expect(await reason { try await socket.receive(timeout: patience) } == .closed)
        #expect(await reason { try await socket.send([1], to: socket.local) } == .closed)
        #expect(await reason { try await socket.connect(to: socket.local) } == .closed)
        for try await _ in socket.datagrams { Issue.record("a datagram of a closed socket") }
      }
    }

    @Test("gives its datagrams as a sequence, which ends when it is closed", arguments: World.all)
    func sequence(world: World) async throws {
      try await world.run { network in
        let server = try await network.serverSocket()
        let collecting = network.start {
          var sum = 0
          for try await datagram in server.datagrams {
            sum += Int(datagram.bytes[0])
            if sum == 6 { server.close() }
          }
          return sum
        }
        let client = try await network.clientSocket()
        for byte in 1...3 { try await client.send([UInt8(byte)], to: server.local) }
        #expect(try await collecting.value == 6)
      }
    }

    @Test("sends to itself", arguments: World.all, Family.allCases)
    func itself(world: World, family: Family) async throws {
      try await world.run { network in
        let socket = try await network.serverSocket(family)
        try await socket.send([1], to: socket.local)
        let datagram = try await socket.receive(timeout: patience)
        #expect(datagram.source == socket.local)
        #expect(datagram.destination == socket.local)
      }
    }

    @Test("drops what its buffer does not hold, and works on", arguments: World.all)
    func overflow(world: World) async throws {
      try await world.run { network in
        let options = UDPOptions(receiveBufferLimit: 16_384)
        let server = try await network.serverSocket(options: options)
        let client = try await network.clientSocket()
        for _ in 0..<200 {
          try await client.send(noise(1_000), to: server.local, timeout: patience)
        }
        var received = 0
        while true {
          let outcome = await reason {
            _ = try await server.receive(
              timeout: received == 0 ? patience : .milliseconds(50))
            received += 1
          }
          if outcome != nil { break }
        }
        #expect(received > 0)
        #expect(received < 200)
        try await client.send([9], to: server.local)
        while try await server.receive(timeout: patience).bytes != [9] { received += 1 }
        #expect(received < 200)
      }
    }
  }
}
