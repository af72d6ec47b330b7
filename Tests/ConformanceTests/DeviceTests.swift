import Addresses
import Sockets
import Testing

extension Conformance {
  @Suite("A socket that is bound to a device", .timeLimit(.minutes(2)))
  struct DeviceTests {
    /// Those where the server has another device, by which nothing comes.
    static let withAnother = World.all.filter { $0.nodes != .kernel }

    @Test("hears and sends by it", arguments: World.all, Family.allCases)
    func datagrams(world: World, family: Family) async throws {
      try await world.run { network in
        let options = UDPOptions(device: network.device)
        let server = try await network.serverSocket(family, options: options)
        let client = try await network.clientSocket(family, options: options)
        #expect(try await server.value(of: .device) == network.device)
        try await client.send([1], to: server.local)
        let first = try await server.receive(timeout: patience)
        try await server.send([2], to: first.source)
        #expect(try await client.receive(timeout: patience).bytes == [2])
      }
    }

    @Test("hears nothing that comes by another", arguments: withAnother, Family.allCases)
    func otherDevice(world: World, family: Family) async throws {
      try await world.run { network in
        let socket = try await network.serverSocket(family)
        let fence = try await network.serverSocket(family)
        #expect(try await socket.value(of: .device).isEmpty)
        let client = try await network.clientSocket(family)
        var number: UInt8 = 0
        for (device, hears) in [
          (network.otherDevice, false), (network.device, true), (network.otherDevice, false),
          ("", true),
        ] {
          try await socket.set(.device, to: device)
          #expect(try await socket.value(of: .device) == device)
          number += 1
          try await client.send([number], to: socket.local)
          try await client.send([0], to: fence.local)
          _ = try await fence.receive(timeout: patience)
          guard hears else { continue }
          #expect(try await socket.receive(timeout: patience).bytes == [number])
        }
      }
    }

    @Test("shares its port with one that is bound to another", arguments: withAnother)
    func samePort(world: World) async throws {
      try await world.run { network in
        let socket = try await network.serverSocket(options: UDPOptions(device: network.device))
        let other = try await network.server.bind(
          socket.local, options: UDPOptions(device: network.otherDevice))
        let again = UDPOptions(device: network.device)
        #expect(
          await reason { try await network.server.bind(socket.local, options: again) }
            == .addressInUse)
        #expect(
          await reason { try await network.server.bind(socket.local, options: UDPOptions()) }
            == .addressInUse)
        let client = try await network.clientSocket()
        try await client.send([1], to: socket.local)
        #expect(try await socket.receive(timeout: patience).bytes == [1])
        other.close()
      }
    }

    @Test(
      "hears a peer that others of its port are connected to", arguments: World.all, Family.allCases
    )
    func samePeer(world: World, family: Family) async throws {
      try await world.run { network in
        let client = try await network.clientSocket(family)
        let first = try await network.serverSocket(
          family, options: UDPOptions(reusesAddress: true))
        let second = try await network.server.bind(
          first.local, options: UDPOptions(reusesAddress: true, device: network.device))
        for socket in [first, second] { try await socket.connect(to: client.local) }
        try await client.send([1], to: first.local)
        #expect(try await second.receive(timeout: patience).bytes == [1])
        #expect(
          await reason { try await first.receive(timeout: .milliseconds(20)) } == .deadlineExceeded)
        for (number, socket) in [first, second].enumerated() {
          try await socket.send([UInt8(number)])
          let answer = try await client.receive(timeout: patience)
          #expect(answer.bytes == [UInt8(number)])
          #expect(answer.source == first.local)
        }
      }
    }

    @Test(
      "hears a peer of its own node that one on another device is connected to",
      arguments: World.linked,
      Family.allCases)
    func samePeerHere(world: World, family: Family) async throws {
      try await world.run { network in
        let peer = try await network.serverSocket(family)
        let here = try await network.serverSocket(
          family, options: UDPOptions(device: network.device))
        let elsewhere = try await network.server.bind(
          here.local, options: UDPOptions(device: network.otherDevice))
        try await here.connect(to: peer.local)
        // Over IPv6 a device leads to its own addresses alone.
        #expect(
          await reason { try await elsewhere.connect(to: peer.local) }
            == (family == .v6 ? .networkUnreachable : nil))
        try await peer.send([1], to: here.local)
        #expect(try await here.receive(timeout: patience).bytes == [1])
        #expect(
          await reason { try await elsewhere.receive(timeout: .milliseconds(20)) }
            == .deadlineExceeded)
      }
    }

    @Test(
      "takes what no route leads to to be on its link, over IPv4", arguments: World.all,
      Family.allCases)
    func noRoute(world: World, family: Family) async throws {
      try await world.run { network in
        let socket = try await network.client.bind(
          .udp(Network.wildcard(family), port: 0), options: UDPOptions(device: network.device))
        let remote = Endpoint.udp(Network.foreignAddress(family), port: 9)
        let unreachable: SocketError.Reason? = .networkUnreachable
        let expected =
          switch (family, network.device) {
          // A node on a TUN device has a way to everywhere by it.
          case (.v6, _): world.nodes == .stackToKernel ? nil : unreachable
          case (.v4, "lo"):
            network.expected(nil, .client, (.otherHostsByLoopback, unreachable))
          case (.v4, _): SocketError.Reason?.none
          }
        #expect(await reason { try await socket.connect(to: remote) } == expected)
        #expect(await reason { try await socket.send([1], to: remote) } == expected)
      }
    }

    @Test("connects, listens and carries bytes", arguments: World.all, Family.allCases)
    func streams(world: World, family: Family) async throws {
      try await world.run { network in
        let options = TCPOptions(device: network.device)
        let listener = try await network.listen(family, options: options)
        try await listener.set(.priority, to: 5)
        #expect(try await listener.value(of: .device) == network.device)
        let client = try await network.connect(to: listener, options: options)
        let server = try await listener.accept(timeout: patience)
        for end in [client, server] {
          #expect(try await end.value(of: .device) == network.device)
          #expect(try await end.value(of: .priority) == 0)
        }
        #expect(client.remote == listener.local)
        try await exchange(network, client, server)
        // Options without a device leave it as it is.
        try await client.setOptions(TCPOptions(noDelay: true))
        #expect(try await client.value(of: .device) == network.device)
        try await exchange(network, client, server)
      }
    }

    @Test("may have been connected before", arguments: World.all, Family.allCases)
    func connected(world: World, family: Family) async throws {
      try await world.run { network in
        let ends = try await network.connection(family)
        for device in [network.device, "", network.device] {
          for end in [ends.client, ends.server] {
            let refusal = await reason { try await end.set(.device, to: device) }
            // Linux lets only the privileged change it.
            if refusal == .permissionDenied, world.nodes == .kernel { return }
            #expect(refusal == nil)
            #expect(try await end.value(of: .device) == device)
          }
          try await exchange(network, ends.client, ends.server)
        }
      }
    }

    private func exchange(
      _ network: Network, _ client: TCPConnection, _ server: TCPConnection
    ) async throws {
      let bytes = noise(100_000)
      let writing = network.start { try await client.write(bytes, timeout: patience) }
      #expect(try await server.read(exactly: bytes.count) == bytes)
      try await writing.value
      try await server.write("thanks")
      #expect(try await client.read(exactly: 6) == Array("thanks".utf8))
    }

    @Test("takes no connections that come by another", arguments: withAnother, Family.allCases)
    func otherListener(world: World, family: Family) async throws {
      try await world.run { network in
        let options = TCPOptions(device: network.otherDevice)
        let listener = try await network.listen(family, options: options)
        #expect(await reason { try await network.connect(to: listener) } == .connectionRefused)
        // At the same port, another takes them.
        let second = try await network.server.listen(
          on: listener.local, options: TCPOptions(device: network.device))
        let client = try await network.connect(to: second)
        let server = try await second.accept(timeout: patience)
        #expect(server.remote == client.local)
      }
    }

    @Test("and is raw hears nothing that comes by another", arguments: withAnother)
    func raw(world: World) async throws {
      try await world.run { network in
        let here = try await network.openRaw(
          .server, .v4, 253, RawOptions(device: network.device))
        let elsewhere = try await network.openRaw(
          .server, .v4, 253, RawOptions(device: network.otherDevice))
        let client = try await network.openRaw(.client, .v4, 253)
        try await client.set(.device, to: network.device)
        #expect(try await client.value(of: .device) == network.device)
        let remote = Endpoint.ip(network.serverAddress(.v4))
        try await client.send([1].span, to: remote)
        #expect(try await here.receive(timeout: patience).bytes.last == 1)
        try await elsewhere.setOptions(RawOptions())
        #expect(try await elsewhere.value(of: .device).isEmpty)
        try await client.send([2].span, to: remote)
        #expect(try await elsewhere.receive(timeout: patience).bytes.last == 2)
      }
    }

    @Test("is bound to one that is there", arguments: World.all)
    func refusals(world: World) async throws {
      try await world.run { network in
        let none = SocketError.Reason.noSuchInterface("none")
        let listener = try await network.listen()
        let client = network.client
        #expect(
          await reason {
            try await client.connect(to: listener.local, options: TCPOptions(device: "none"))
          } == none)
        #expect(
          await reason { try await network.listen(options: TCPOptions(device: "none")) } == none)
        #expect(
          await reason { try await network.clientSocket(options: UDPOptions(device: "none")) }
            == none)
        #expect(
          await reason {
            try await client.openRaw(.v4, protocol: 253, options: RawOptions(device: "none"))
          } == none)
        #expect(await reason { try await listener.set(.device, to: "none") } == none)
        let socket = try await network.clientSocket()
        #expect(await reason { try await socket.set(.device, to: "none") } == none)
        #expect(try await socket.value(of: .device).isEmpty)
      }
    }

    @Test(
      "hears its own node, if it is bound to the device with the address",
      arguments: World.linked,
      Family.allCases)
    func itself(world: World, family: Family) async throws {
      try await world.run { network in
        let here = try await network.serverSocket(
          family, options: UDPOptions(device: network.device))
        let elsewhere = try await network.serverSocket(
          family, options: UDPOptions(device: network.otherDevice))
        let sender = try await network.serverSocket(family)
        try await sender.send([1], to: elsewhere.local)
        try await sender.send([2], to: here.local)
        #expect(try await here.receive(timeout: patience).bytes == [2])
        try await here.send([3], to: here.local)
        #expect(try await here.receive(timeout: patience).bytes == [3])
        #expect(
          await reason { try await elsewhere.receive(timeout: .milliseconds(20)) }
            == .deadlineExceeded)
        let listener = try await network.listen(
          family, options: TCPOptions(device: network.device))
        let connection = try await network.server.connect(to: listener.local)
        try await connection.write("by itself")
        let accepted = try await listener.accept(timeout: patience)
        #expect(try await accepted.read(exactly: 9) == Array("by itself".utf8))
      }
    }
  }

  @Suite("Priority and mark of a socket", .timeLimit(.minutes(2)))
  struct PriorityTests {
    /// Changes an option; the kernel may not allow that.
    ///
    /// - Returns: whether it has changed.
    private func set(
      _ option: SocketOption<Int>, of socket: some ConfigurableSocket, to number: Int,
      _ network: Network, needsPrivilege: Bool
    ) async throws {
      let refusal = await reason { try await socket.set(option, to: number) }
      if needsPrivilege, refusal != nil {
        let denial: SocketError.Reason? = .permissionDenied
        #expect(refusal == network.expected(denial, .client, (.privileges, nil)))
        return
      }
      #expect(refusal == nil)
      #expect(try await socket.value(of: option) == number)
    }

    private func check(_ socket: some ConfigurableSocket, _ network: Network) async throws {
      #expect(try await socket.value(of: .priority) == 0)
      #expect(try await socket.value(of: .mark) == 0)
      try await set(.priority, of: socket, to: 6, network, needsPrivilege: false)
      for number in [7, Int(Int32.max), -1] {
        try await set(.priority, of: socket, to: number, network, needsPrivilege: true)
        try await set(.mark, of: socket, to: number, network, needsPrivilege: true)
      }
    }

    @Test("are kept and told", arguments: World.all)
    func kept(world: World) async throws {
      try await world.run { network in
        try await check(network.connection().client, network)
        try await check(network.clientSocket(), network)
        try await check(network.openRaw(.client, .v4, 253), network)
        let listener = try await network.client.listen(
          on: .tcp(network.clientAddress(.v4), port: 0))
        try await check(listener, network)
      }
    }

    @Test("come with a type of service, the first of them", arguments: World.all)
    func service(world: World) async throws {
      try await world.run { network in
        let connection = try await network.connection().client
        let socket = try await network.clientSocket()
        let raw = try await network.openRaw(.client, .v4, 253)
        for octet in stride(from: UInt8(0), through: 252, by: 4) {
          let service = TrafficClass(rawValue: octet)
          let expected = [0, 0, 2, 2, 6, 6, 4, 4][Int(octet >> 2 & 7)]
          try await connection.set(.trafficClass, to: service)
          #expect(try await connection.value(of: .priority) == expected)
          try await socket.set(.trafficClass, to: service)
          #expect(try await socket.value(of: .priority) == expected)
          try await raw.set(.trafficClass, to: service)
          #expect(try await raw.value(of: .priority) == expected)
        }
        try await socket.set(.priority, to: 1)
        try await socket.set(.trafficClass, to: TrafficClass(rawValue: 252))
        // Nothing has changed, so nothing follows.
        #expect(try await socket.value(of: .priority) == 1)
        let options = UDPOptions(trafficClass: TrafficClass(rawValue: 16))
        let chosen = try await network.clientSocket(options: options)
        #expect(try await chosen.value(of: .priority) == 6)
      }
    }

    @Test("are a listener's connections' own: the mark alone is handed on", arguments: World.all)
    func accepted(world: World) async throws {
      try await world.run { network in
        let listener = try await network.listen()
        try await listener.set(.priority, to: 5)
        let refusal = await reason { try await listener.set(.mark, to: 77) }
        let client = try await network.connect(to: listener)
        let server = try await listener.accept(timeout: patience)
        #expect(try await server.value(of: .priority) == 0)
        #expect(try await server.value(of: .mark) == (refusal == nil ? 77 : 0))
        client.close()
      }
    }
  }
}

extension Network {
  /// The device by which the two sides reach each other.
  var device: String { world.nodes == .stackLoopback ? "lo" : interface }
  /// Another one of both.
  var otherDevice: String { world.nodes == .stackLoopback ? interface : "lo" }
}
