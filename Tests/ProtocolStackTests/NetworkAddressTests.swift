import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Addresses, routes and identifiers") struct NetworkAddressTests {
  private func prefix(_ address: IPAddress, _ length: UInt8) throws -> Prefix {
    try #require(Prefix(address, length: length))
  }

  /// A stack with two IP links.
  private func twoLinks() throws -> (NetworkPeer, InterfaceIndex) {
    let peer = try NetworkPeer()
    let second = try peer.stack.addInterface("link1", LinkAbilities(mtu: 1_400), at: peer.now)
    try peer.stack.addAddress(
      try prefix(.v4(IPv4Address(192, 0, 2, 5)), 24), on: second, at: peer.now)
    try peer.stack.addAddress(
      try prefix(.v6(IPv6Address(0x2001, 0xDB8, 0, 0, 0, 0, 0, 5)), 64), on: second,
      at: peer.now)
    return (peer, second)
  }

  @Test("The longest prefix decides where packets leave, and from which address")
  func longestPrefix() throws {
    let (peer, second) = try twoLinks()
    let socket = try peer.bind(0)
    try peer.stack.addRoute(
      try prefix(.v4(.any), 0), via: .v4(peer.address4), on: peer.interface)
    try peer.stack.addRoute(
      try prefix(.v4(IPv4Address(198, 51, 100, 0)), 24), via: .v4(IPv4Address(192, 0, 2, 1)),
      on: second)
    try peer.stack.addRoute(
      try prefix(.v4(IPv4Address(198, 51, 100, 7)), 32), via: nil, on: peer.interface)
    let cases: [(IPv4Address, InterfaceIndex, IPv4Address)] = [
      (IPv4Address(203, 0, 113, 1), peer.interface, peer.stack4),
      (IPv4Address(198, 51, 100, 1), second, IPv4Address(192, 0, 2, 5)),
      (IPv4Address(198, 51, 100, 7), peer.interface, peer.stack4),
      (IPv4Address(192, 0, 2, 9), second, IPv4Address(192, 0, 2, 5)),
    ]
    for (destination, interface, source) in cases {
      #expect(try peer.send(socket, [1], to: .v4(destination)))
      guard let packet = peer.stack.nextPacket(for: interface, at: peer.now) else {
        Issue.record("nothing left for \(destination.rawValue)")
        continue
      }
      let header = try header4(array(packet.bytes))
      #expect(header.source == source && header.destination == destination)
    }
    peer.stack.removeRoute(try prefix(.v4(.any), 0), on: peer.interface)
    #expect(throws: StackError.networkUnreachable) {
      try peer.send(socket, [1], to: .v4(IPv4Address(203, 0, 113, 1)))
    }
  }

  @Test("The source has the scope, the label and the prefix of the destination (RFC 6724)")
  func sourceSelection() throws {
    let peer = try NetworkPeer()
    try peer.stack.addRoute(try prefix(.v6(.any), 0), via: nil, on: peer.interface)
    let linkLocal = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 5)
    let global = IPv6Address(0x2001, 0xDB8, 0, 1, 0, 0, 0, 5)
    let near = IPv6Address(0x2001, 0xDB8, 0, 2, 0, 0, 0, 5)
    for address in [linkLocal, global, near] { try peer.add(.v6(address), 64) }
    let socket = try peer.bind(0)
    let cases: [(IPv6Address, IPv6Address)] = [
      (IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 9), linkLocal),
      (IPv6Address(0x2001, 0xDB8, 0, 2, 0, 0, 0, 9), near),
      (IPv6Address(0x2001, 0xDB8, 0, 1, 0, 0, 0, 9), global),
      (IPv6Address(0xFD99, 0, 0, 0, 0, 0, 0, 9), peer.stack6),
    ]
    for (destination, source) in cases {
      #expect(try peer.send(socket, [1], to: .v6(destination)))
      let packet = try #require(peer.packets().first)
      #expect(try header6(packet).source == source)
    }
  }

  @Test("A packet for another interface's address is not for this one")
  func strongHost() throws {
    let (peer, second) = try twoLinks()
    let target = IPv4Address(192, 0, 2, 5)
    let request = peer.ipv4(
      peer.icmp4(.echoRequest(identifier: 1, sequence: 1)), .icmpv4, to: target)
    peer.deliver(request)
    #expect(peer.counters.foreignDestinations == 1)
    var packet = Packet(capacity: 256)
    let fits = packet.append(request.span)
    #expect(fits)
    peer.stack.receive(&packet, on: second, at: peer.now)
    // The sender is on the other link, and so is the way back.
    #expect(peer.counters.echoRequestsAnswered == 1)
    #expect(peer.packets().count == 1)
  }

  @Test("Addresses that no host can have are refused, and so are a second owner and one too many")
  func refusedAddresses() throws {
    let peer = try NetworkPeer { $0.addressLimit = 4 }
    let impossible: [(IPAddress, UInt8)] = [
      (.v4(.any), 24), (.v4(.broadcast), 24), (.v4(IPv4Address(224, 0, 0, 1)), 24),
      (.v4(IPv4Address(10, 8, 0, 255)), 24), (.v4(.loopback), 8), (.v6(.any), 64),
      (.v6(.allNodes), 64), (.v6(.loopback), 128),
    ]
    for (address, length) in impossible {
      #expect(throws: StackError.invalidOperation) { try peer.add(address, length) }
    }
    #expect(throws: StackError.addressInUse) { try peer.add(.v4(peer.stack4), 24) }
    try peer.add(.v4(IPv4Address(10, 8, 0, 1)), 24)
    try peer.add(.v4(IPv4Address(10, 8, 0, 2)), 24)
    #expect(throws: StackError.noBufferSpace) { try peer.add(.v4(IPv4Address(10, 8, 0, 3)), 24) }
    let nowhere = InterfaceIndex(rawValue: 77)
    #expect(throws: StackError.networkDown) {
      try peer.stack.addAddress(
        try prefix(.v4(IPv4Address(10, 9, 0, 1)), 24), on: nowhere, at: peer.now)
    }
    var packet = Packet(capacity: 64)
    peer.stack.receive(&packet, on: nowhere, at: peer.now)
    #expect(peer.counters.foreignFrames == 1)
    let isEmpty = peer.stack.nextPacket(for: nowhere, at: peer.now) == nil
    #expect(isEmpty)
  }

  @Test("A link's MTU stays between 576 bytes and its own, and IPv6 goes on with 1,280")
  func mtu() throws {
    let peer = try NetworkPeer()
    for (wanted, given) in [(-5, 576), (0, 576), (100, 576), (1_000, 1_000), (9_000, 1_500)] {
      peer.stack.setMTU(wanted, on: peer.interface)
      #expect(peer.stack.mtu(of: peer.interface) == given)
      peer.deliver(peer.echo4(pattern(3_000)))
      peer.deliver(peer.echo6(pattern(3_000)))
      for packet in peer.packets() {
        #expect(packet.count <= (packet[0] >> 4 == 4 ? given : max(given, 1_280)))
      }
    }
    #expect(peer.counters.echoRequestsAnswered == 10)
  }

  @Test("Groups and link-local addresses go where their zone says")
  func zones() throws {
    let peer = try NetworkPeer(.ethernet)
    let socket = try peer.bind(0)
    let other = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 9)
    let target = SocketAddress(
      .v6(other), port: 7, zone: UInt32(peer.interface.rawValue))
    #expect(
      try peer.stack.sendDatagram(
        socket, [UInt8](repeating: 1, count: 4).span, to: target,
        at: peer.now))
    let question = try #require(peer.frames().first)
    #expect(question.span.ipv6Address(at: 22).isLinkLocal)
    #expect(throws: StackError.networkUnreachable) {
      try peer.stack.sendDatagram(
        socket, [UInt8](repeating: 1, count: 4).span,
        to: SocketAddress(.v6(other), port: 7, zone: 99), at: peer.now)
    }
    let group = SocketAddress(
      .v6(IPv6Address(0xFF02, 0, 0, 0, 0, 0, 0, 0xFB)), port: 5_353,
      zone: UInt32(peer.interface.rawValue))
    #expect(
      try peer.stack.sendDatagram(
        socket, [UInt8](repeating: 1, count: 4).span, to: group,
        at: peer.now))
    let frame = try #require(peer.frames().first)
    #expect(frame.span.ethernetAddress(at: 0) == EthernetAddress(0x33, 0x33, 0, 0, 0, 0xFB))
    #expect(frame[21] == 1)
  }

  @Test("ID-1: ephemeral ports cannot be foretold, and run out in bounded time")
  func ephemeralPorts() throws {
    let peer = try NetworkPeer {
      $0.firstEphemeralPort = 40_000
      $0.lastEphemeralPort = 40_199
    }
    var ports: [UInt16] = []
    for _ in 0..<200 {
      let socket = try peer.bind(0)
      let local = peer.stack.localAddress(socket)
      ports.append(try #require(local).port.rawValue)
    }
    #expect(Set(ports).count == 200)
    #expect(ports.allSatisfy { (40_000...40_199).contains($0) })
    let steps = zip(ports, ports.dropFirst()).filter { $1 == $0 &+ 1 }.count
    #expect(steps < 60)
    #expect(throws: StackError.addressNotAvailable) { try peer.bind(0) }
  }

  @Test("ID-1: a listener that asks for a port gets another each time, also when none is open")
  func ephemeralListeners() throws {
    let peer = try NetworkPeer()
    var ports: [UInt16] = []
    for _ in 0..<50 {
      let listener = try peer.stack.listenTCP(
        on: SocketAddress(.v4(.any), port: .any), at: peer.now)
      let local = peer.stack.localAddress(listener)
      ports.append(try #require(local).port.rawValue)
      peer.stack.close(listener, at: peer.now)
    }
    #expect(ports.allSatisfy { (32_768...60_999).contains($0) })
    // RFC 6056 §3.3.1 (test): neither the same again nor the next one.
    let steps = zip(ports, ports.dropFirst()).filter { $1 &- $0 <= 1 }.count
    #expect(steps < 5)
    #expect(Set(ports).count > 40)
  }

  @Test("A connection to this host never gets the port that it goes to: it would reach itself")
  func noConnectionWithItself() throws {
    let peer = try NetworkPeer()
    for address in [IPAddress.v4(.loopback), .v6(.loopback)] {
      for number in UInt16(32_768)...60_999 {
        let remote = SocketAddress(address, port: PortNumber(rawValue: number))
        let socket = try peer.stack.connectTCP(to: remote, at: peer.now)
        #expect(peer.stack.localAddress(socket) != remote)
        peer.stack.abort(socket, at: peer.now)
        while let event = peer.stack.nextEvent() { _ = event }
      }
    }
  }

  @Test("ID-2: whole IPv4 packets carry no number; those in fragments carry one of their own path")
  func identifications4() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(0)
    for _ in 0..<10 {
      _ = try peer.send(socket, [1], to: .v4(peer.address4))
      let header = try header4(try #require(peer.packets().first))
      #expect(header.identification == 0 && header.dontFragment)
    }
    func numbers(_ host: UInt8, _ count: Int) throws -> [UInt16] {
      try (0..<count).map { _ in
        _ = try peer.send(socket, pattern(2_000), to: .v4(IPv4Address(10, 7, 0, host)))
        return try header4(try #require(peer.packets().first)).identification
      }
    }
    let first = try numbers(1, 50)
    #expect(Set(first).count == 50)
    // What another host sees says nothing about it, nor do its own steps.
    let second = try numbers(9, 50)
    #expect(Set(zip(first, second).map { $0 &- $1 }).count > 3)
    #expect(Set(zip(first, first.dropFirst()).map { $1 &- $0 }).count > 1)
  }

  @Test("ID-3: fragment numbers of IPv6 are each path's own as well")
  func identifications6() throws {
    func numbers(_ seed: UInt64) throws -> (one: [UInt32], other: [UInt32]) {
      let peer = try NetworkPeer()
      peer.stack = ProtocolStack(secrets: Secrets(seed, seed))
      _ = try peer.stack.addInterface("ip0", LinkAbilities(mtu: 1_500), at: peer.now)
      try peer.add(.v6(peer.stack6), 64)
      let socket = try peer.bind(0)
      func number(_ host: UInt16) throws -> UInt32 {
        _ = try peer.send(
          socket, pattern(2_000), to: .v6(IPv6Address(0xFD07, 0, 0, 0, 0, 0, 0, host)))
        let piece = try #require(peer.packets().first)
        return piece.span.uint32(at: 44)
      }
      var all: (one: [UInt32], other: [UInt32]) = ([], [])
      for _ in 0..<20 {
        all.one.append(try number(1))
        all.other.append(try number(9))
      }
      return all
    }
    let first = try numbers(1)
    #expect(Set(first.one).count == 20 && Set(first.other).count == 20)
    #expect(Set(zip(first.one, first.other).map { $0 &- $1 }).count > 3)
    #expect(try numbers(1).one == first.one)
    let secret = try numbers(2).one
    #expect(abs(Int64(secret[0]) - Int64(first.one[0])) > 100)
  }

  @Test("ID-5: sockets are found under a secret, so that nobody can make them collide")
  func hashFlooding() throws {
    // Keys that collide under one secret are spread out under another: behaviour is the same.
    for seed: UInt64 in 1...3 {
      let peer = try NetworkPeer()
      peer.stack = ProtocolStack(secrets: Secrets(seed, seed &* 77))
      _ = try peer.stack.addInterface("ip0", LinkAbilities(mtu: 1_500), at: peer.now)
      try peer.add(.v4(peer.stack4), 24)
      var sockets: [SocketHandle] = []
      for port in 0..<5_000 { sockets.append(try peer.bind(UInt16(1_000 + port))) }
      for port in stride(from: 0, to: 5_000, by: 7) {
        peer.deliver(peer.ipv4(peer.udp([1], to: UInt16(1_000 + port)), .udp))
        #expect(try #require(try peer.read(sockets[port])).1 == [1])
      }
      for socket in sockets.shuffledByHand { peer.stack.close(socket, at: peer.now) }
      #expect(peer.stack.socketCount == 0)
      peer.deliver(peer.ipv4(peer.udp([1], to: 1_000), .udp))
      #expect(peer.counters.datagramsToNobody == 1)
    }
  }

  @Test("ID-6: numbers drawn from the secrets wrap and never stop the program")
  func wrapping() {
    var secrets = Secrets(.max, .max)
    var seen: Set<UInt64> = []
    for _ in 0..<10_000 { seen.insert(secrets.next()) }
    #expect(seen.count == 10_000)
    for bound: UInt32 in [0, 1, 2, 1_000, .max] {
      let number = secrets.next(below: bound)
      #expect(number < bound || bound == 0 && number == 0)
    }
  }

  @Test("ID-7: a link-local address tells nothing about the station")
  func interfaceIdentifier() throws {
    func linkLocal(_ seed: UInt64) throws -> IPv6Address {
      let peer = try NetworkPeer(.ethernet, hasAddresses: false)
      peer.stack = ProtocolStack(secrets: Secrets(seed, 1))
      _ = try peer.stack.addInterface(
        "eth0", LinkAbilities(mtu: 1_500, framing: .ethernet(peer.stackStation)), at: peer.now)
      try peer.add(.v6(peer.stack6), 64)
      let all = peer.stack.addresses(on: peer.interface).map(\.address)
      guard case .v6(let address)? = all.first(where: \.isLinkLocal) else {
        Issue.record("there is no link-local address")
        return .any
      }
      #expect(address != IPv6Address(linkLocal: peer.stackStation))
      return address
    }
    let one = try linkLocal(1)
    #expect(try linkLocal(1) == one)
    #expect(try linkLocal(2) != one)
  }

  @Test("Datagrams and segments take turns")
  func fairness() throws {
    let peer = try NetworkPeer()
    let partner = try Partner(of: peer)
    _ = try partner.stack.listenTCP(on: SocketAddress(.v6(.any), port: 80), at: peer.now)
    let stream = try peer.stack.connectTCP(
      to: SocketAddress(.v4(peer.address4), port: 80), at: peer.now)
    partner.exchange(with: peer)
    let socket = try peer.bind(0)
    for _ in 0..<5 { _ = try peer.send(socket, [1], to: .v4(peer.address4)) }
    let bytes = pattern(14_000)
    let taken = try peer.stack.send(stream, bytes.span, at: peer.now)
    #expect(taken == bytes.count)
    let kinds = peer.packets().map { $0[9] }
    #expect(Array(kinds.prefix(10)) == [6, 17, 6, 17, 6, 17, 6, 17, 6, 17])
    #expect(kinds.count > 10)
  }
}

extension [SocketHandle] {
  /// In another order: every seventh first.
  fileprivate var shuffledByHand: [SocketHandle] {
    (0..<7).flatMap { start in stride(from: start, to: count, by: 7).map { self[$0] } }
  }
}
