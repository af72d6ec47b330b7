import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Two stacks, or one with itself") struct NetworkConversationTests {
  @Test(
    "TCP connects, carries bytes and closes over every link and version",
    arguments: [NetworkPeer.Link.ip, .ethernet], [IPVersion.v4, .v6])
  func tcp(link: NetworkPeer.Link, version: IPVersion) throws {
    let server = try NetworkPeer(link)
    let client = try Partner(of: server)
    let listener = try server.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), at: server.now)
    let target: IPAddress = version == .v4 ? .v4(server.stack4) : .v6(server.stack6)
    let connection = try client.stack.connectTCP(
      to: SocketAddress(target, port: 80), at: server.now)
    client.exchange(with: server)
    #expect(client.stack.nextEvent() == .connected(connection))
    #expect(server.events() == [.acceptable(listener)])
    let accepted = try #require(try server.stack.acceptTCP(listener, at: server.now))
    let bytes = pattern(20_000)
    #expect(try client.stack.send(connection, bytes.span, at: server.now) == bytes.count)
    client.exchange(with: server)
    for _ in 0..<20 { client.advance(with: server, .milliseconds(50)) }
    #expect(try receive(&server.stack, accepted, bytes.count, at: server.now) == bytes)
    client.stack.close(connection, at: server.now)
    client.exchange(with: server)
    server.stack.close(accepted, at: server.now)
    client.exchange(with: server)
    server.stack.close(listener, at: server.now)
    for _ in 0..<200 { client.advance(with: server, .seconds(1)) }
    // A slot is free when its last news has been told.
    _ = server.events()
    while client.stack.nextEvent() != nil {}
    #expect(server.stack.socketCount == 0)
    #expect(client.stack.socketCount == 0)
    if link == .ethernet { #expect(server.stack.occupancy.neighbors > 0) }
  }

  @Test("A stack speaks TCP with itself, at its own address and at the loopback one")
  func ownAddress() throws {
    for address: IPAddress in [.v4(.loopback), .v6(.loopback), .v4(IPv4Address(10, 7, 0, 2))] {
      let peer = try NetworkPeer()
      let listener = try peer.stack.listenTCP(
        on: SocketAddress(address, port: 80), at: peer.now)
      let client = try peer.stack.connectTCP(
        to: SocketAddress(address, port: 80), at: peer.now)
      #expect(peer.packets().isEmpty)
      let server = try #require(try peer.stack.acceptTCP(listener, at: peer.now))
      let bytes = pattern(100_000)
      #expect(try peer.stack.send(client, bytes.span, at: peer.now) == bytes.count)
      for _ in 0..<10 {
        #expect(peer.packets().isEmpty)
        peer.advance(.milliseconds(50))
      }
      #expect(try receive(&peer.stack, server, bytes.count, at: peer.now) == bytes)
      #expect(peer.stack.remoteAddress(server)?.address == address)
      #expect(peer.counters.packetsLooped > 3)
    }
  }

  @Test("A stack sends itself datagrams, and hears when nobody listens")
  func ownDatagrams() throws {
    let peer = try NetworkPeer()
    let server = try peer.bind(7)
    let client = try peer.bind(0)
    #expect(try peer.send(client, pattern(60_000), to: .v4(peer.stack4)))
    #expect(try peer.send(client, [1], to: .v6(.loopback)))
    #expect(peer.packets().isEmpty)
    #expect(peer.events() == [.readable(server)])
    let (first, bytes) = try #require(try peer.read(server))
    #expect(bytes == pattern(60_000) && first.interface == ProtocolStack.loopback)
    #expect(try #require(try peer.read(server)).1 == [1])
    try peer.stack.connectUDP(
      client, to: SocketAddress(.v4(peer.stack4), port: 9), at: peer.now)
    #expect(try peer.send(client, [2]))
    #expect(peer.packets().isEmpty)
    #expect(throws: StackError.connectionRefused) { try peer.read(client) }
    #expect(try peer.read(client) == nil)
  }

  @Test("Work on the loopback interface is due at once")
  func loopbackDeadline() throws {
    let peer = try NetworkPeer()
    let server = try peer.bind(7)
    let client = try peer.bind(0)
    #expect(peer.stack.nextDeadline == nil)
    #expect(try peer.send(client, [1], to: .v4(.loopback)))
    #expect(peer.stack.nextDeadline == peer.now)
    peer.stack.advance(to: peer.now)
    #expect(peer.stack.nextDeadline == nil)
    #expect(peer.events() == [.readable(server)])
  }

  @Test("A clock that leaps, to the very end of time, stops nothing")
  func clockJumps() throws {
    let peer = try NetworkPeer(.ethernet)
    let socket = try peer.bind(0)
    for seconds: Int64 in [3_600, 1 << 31, 1 << 33, 1 << 34, 1] {
      _ = try peer.send(socket, [1], to: .v4(peer.address4))
      _ = try peer.send(socket, [1], to: .v4(IPv4Address(10, 7, 0, 99)))
      peer.deliver(peer.fragment(0, 64, more: true, .v4))
      _ = peer.packets()
      peer.advance(.seconds(seconds))
    }
    #expect(peer.now == .distantFuture)
    _ = peer.packets()
    peer.deliver(peer.echo4())
    #expect(peer.counters.echoRequestsAnswered == 1)
  }

  @Test("The same inputs give the same packets")
  func deterministic() throws {
    func run() throws -> [[UInt8]] {
      let peer = try NetworkPeer(.ethernet, probes: 1)
      var all = peer.frames()
      for _ in 0..<5 {
        peer.advance(.milliseconds(700))
        all += peer.frames()
      }
      let socket = try peer.bind(0)
      _ = try peer.send(socket, pattern(3_000), to: .v6(peer.address6))
      peer.deliver(peer.echo4())
      return all + peer.frames()
    }
    let first = try run()
    #expect(try first == run())
    #expect(first.count > 5)
  }
}
