import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Flows below TCP") struct NetworkFlowTests {
  // RFC 4861 §7.3.1: the hint of the upper layer. (test)
  @Test(
    "A connection that gets on keeps its neighbours known without asking",
    arguments: [IPVersion.v4, .v6])
  func reachability(version: IPVersion) throws {
    let server = try NetworkPeer(.ethernet)
    let client = try Partner(of: server)
    let target: IPAddress = version == .v4 ? .v4(server.stack4) : .v6(server.stack6)
    let (connection, accepted) = try connect(client, server, target)
    let asked = questions(server, client)
    for _ in 0..<60 {
      #expect(try client.stack.send(connection, [1].span, at: server.now) == 1)
      client.advance(with: server, .seconds(5))
      #expect(try receive(&server.stack, accepted, 1, at: server.now) == [1])
    }
    #expect(questions(server, client) == asked)
    // Where nothing was said for longer, the neighbour is asked once more.
    for _ in 0..<60 { client.advance(with: server, .seconds(1)) }
    #expect(try client.stack.send(connection, [1].span, at: server.now) == 1)
    for _ in 0..<20 { client.advance(with: server, .seconds(1)) }
    #expect(questions(server, client) > asked)
  }

  @Test("Datagrams vouch for nobody: their neighbour is asked again after its time")
  func datagrams() throws {
    let server = try NetworkPeer(.ethernet)
    let client = try Partner(of: server)
    let socket = try client.stack.bindUDP(SocketAddress(.v4(.any), port: 0), at: server.now)
    let asked = questions(server, client)
    for _ in 0..<60 {
      _ = try client.stack.sendDatagram(
        socket, [1].span, to: SocketAddress(.v4(server.stack4), port: 9), at: server.now)
      client.advance(with: server, .seconds(5))
    }
    #expect(questions(server, client) > asked + 3)
  }

  // RFC 6437 §3: one label for a flow, from a keyed hash. (test)
  @Test("All packets of a flow carry one label, other flows others, and none is zero")
  func labels() throws {
    let server = try NetworkPeer()
    let client = try Partner(of: server)
    var labels: [PortNumber: Set<UInt32>] = [:]
    let listener = try server.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), at: server.now)
    for _ in 0..<3 {
      let connection = try client.stack.connectTCP(
        to: SocketAddress(.v6(server.stack6), port: 80), at: server.now)
      collect(&labels, client, server)
      _ = try client.stack.send(connection, pattern(5_000).span, at: server.now)
      collect(&labels, client, server)
      _ = try #require(try server.stack.acceptTCP(listener, at: server.now))
    }
    let socket = try client.stack.bindUDP(SocketAddress(.v6(.any), port: 0), at: server.now)
    for _ in 0..<3 {
      _ = try client.stack.sendDatagram(
        socket, [1].span, to: SocketAddress(.v6(server.stack6), port: 9), at: server.now)
    }
    collect(&labels, client, server)
    #expect(labels.count == 4)
    #expect(labels.values.allSatisfy { $0.count == 1 && !$0.contains(0) })
    #expect(labels.values.reduce(into: Set()) { $0.formUnion($1) }.count == 4)
  }

  @Test("A connection's next segments fit a link that has become narrower")
  func narrowerLink() throws {
    let server = try NetworkPeer()
    let client = try Partner(of: server)
    let (connection, accepted) = try connect(client, server, .v4(server.stack4))
    #expect(client.stack.connectionInfo(connection)?.maximumSegmentSize ?? 0 > 1_000)
    client.stack.setMTU(700, on: client.interface)
    let bytes = pattern(20_000)
    #expect(try client.stack.send(connection, bytes.span, at: server.now) == bytes.count)
    var largest = 0
    for _ in 0..<40 {
      while var packet = client.stack.nextPacket(for: client.interface, at: server.now) {
        largest = max(largest, packet.count)
        server.stack.receive(&packet, on: server.interface, at: server.now)
      }
      client.advance(with: server, .milliseconds(20))
    }
    #expect(largest <= 700 && largest > 600)
    #expect(try receive(&server.stack, accepted, bytes.count, at: server.now) == bytes)
  }

  @Test("A listener at the address is preferred to one of its version, and that to one of both")
  func listeners() throws {
    let server = try NetworkPeer()
    let client = try Partner(of: server)
    try server.add(.v4(IPv4Address(10, 7, 0, 3)), 24)
    for port: UInt16 in 1_000..<1_100 {
      _ = try server.stack.listenTCP(
        on: SocketAddress(.v6(.any), port: PortNumber(rawValue: port)), at: server.now)
    }
    let exact = try server.stack.listenTCP(
      on: SocketAddress(.v4(server.stack4), port: 80), at: server.now)
    let only6 = try server.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), ipv6Only: true, at: server.now)
    func accepted(_ target: IPAddress, by listener: SocketHandle) throws -> Bool {
      _ = try client.stack.connectTCP(to: SocketAddress(target, port: 80), at: server.now)
      client.exchange(with: server)
      _ = server.events()
      return try server.stack.acceptTCP(listener, at: server.now) != nil
    }
    #expect(try accepted(.v4(server.stack4), by: exact))
    #expect(try accepted(.v6(server.stack6), by: only6))
    #expect(try !accepted(.v4(IPv4Address(10, 7, 0, 3)), by: only6))
    server.stack.close(only6, at: server.now)
    server.stack.close(exact, at: server.now)
    let both = try server.stack.listenTCP(on: SocketAddress(.v6(.any), port: 80), at: server.now)
    #expect(try accepted(.v4(server.stack4), by: both))
    #expect(try accepted(.v6(server.stack6), by: both))
  }

  // RFC 6724 §5 rule 5.5. (test)
  @Test("Behind two routers with a prefix each, packets carry the one of their router")
  func routers() throws {
    let peer = try NetworkPeer(.ethernet, hasAddresses: false) {
      $0.acceptsRouterAdvertisements = true
    }
    try peer.add(.v6(IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 2)), 64)
    let first = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 0x11)
    let second = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 0x22)
    // The destination looks more like the second prefix, which only decides by rule 8.
    announce(peer, first, 0x2001_0DB8_0001_0000, lifetime: 1_800)
    announce(peer, second, 0x2001_0DB8_0002_0000, lifetime: 0)
    let destination = IPv6Address(0x2001, 0xDB8, 2, 1, 0, 0, 0, 9)
    let one = try peer.stack.connectTCP(
      to: SocketAddress(.v6(destination), port: 80), at: peer.now)
    #expect(source(peer, one)?.high == 0x2001_0DB8_0001_0000)
    announce(peer, first, 0x2001_0DB8_0001_0000, lifetime: 0)
    announce(peer, second, 0x2001_0DB8_0002_0000, lifetime: 1_800)
    let other = try peer.stack.connectTCP(
      to: SocketAddress(.v6(destination), port: 80), at: peer.now)
    #expect(source(peer, other)?.high == 0x2001_0DB8_0002_0000)
  }

  // MARK: - Steps

  private func announce(
    _ peer: NetworkPeer, _ router: IPv6Address, _ network: UInt64, lifetime: UInt16
  ) {
    var header = [UInt8](repeating: 0, count: 16)
    var bytes = header.mutableSpan
    RouterAdvertisement(routerLifetime: lifetime).write(into: &bytes)
    var option: [UInt8] = [3, 4, 64, 0xC0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    for place in 0..<8 { option.append(UInt8(truncatingIfNeeded: network >> (56 - 8 * place))) }
    option += [UInt8](repeating: 0, count: 8)
    var message = header + option
    var whole = message.mutableSpan
    ICMPv6Message.fillChecksum(in: &whole, source: router, destination: .allNodes)
    peer.deliver(
      peer.ipv6(message, .icmpv6, from: router, to: .allNodes, hops: 255),
      to: EthernetAddress(multicast: IPv6Address.allNodes))
  }

  private func source(_ peer: NetworkPeer, _ socket: SocketHandle) -> IPv6Address? {
    guard case .v6(let address)? = peer.stack.localAddress(socket)?.address else { return nil }
    return address
  }

  private func connect(
    _ client: Partner, _ server: NetworkPeer, _ target: IPAddress
  ) throws -> (SocketHandle, SocketHandle) {
    let listener = try server.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), at: server.now)
    let connection = try client.stack.connectTCP(
      to: SocketAddress(target, port: 80), at: server.now)
    client.exchange(with: server)
    return (connection, try #require(try server.stack.acceptTCP(listener, at: server.now)))
  }

  private func questions(_ server: NetworkPeer, _ client: Partner) -> UInt64 {
    let (a, b) = (server.stack.counters, client.stack.counters)
    return a.arpReceived + a.neighborDiscoveryReceived + b.arpReceived
      + b.neighborDiscoveryReceived
  }

  private func collect(
    _ labels: inout [PortNumber: Set<UInt32>], _ client: Partner, _ server: NetworkPeer
  ) {
    for _ in 0..<10 {
      while var packet = client.stack.nextPacket(for: client.interface, at: server.now) {
        if let header = try? IPv6Header(parsing: packet.bytes) {
          let port = PortNumber(rawValue: packet.bytes.uint16(at: 40))
          labels[port, default: []].insert(header.flowLabel)
        }
        server.stack.receive(&packet, on: server.interface, at: server.now)
      }
      client.exchange(with: server)
      client.advance(with: server, .milliseconds(50))
    }
  }
}
