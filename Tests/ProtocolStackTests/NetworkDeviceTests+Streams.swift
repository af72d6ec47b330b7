import Addresses
import Packets
import ProtocolStack
import Testing

/// Connections and listeners.
extension NetworkDeviceTests {
  @Test("Of two listeners at one port, each takes what comes by its device", arguments: [0, 1])
  func listeners(backlog: Int) throws {
    let (server, second) = try twoLinks()
    let client = try Partner(of: server)
    func listen(_ device: InterfaceIndex?) throws -> SocketHandle {
      var options = TCPSocketOptions()
      options.device = device
      options.priority = 5
      options.mark = 77
      return try server.stack.listenTCP(
        on: SocketAddress(.v6(.any), port: 80), backlog: 1 + backlog, options: options,
        at: server.now)
    }
    let other = try listen(second)
    let target = SocketAddress(.v4(server.stack4), port: 80)
    let refused = try client.stack.connectTCP(to: target, at: server.now)
    client.exchange(with: server)
    #expect(client.stack.nextEvent() == .failed(refused, .connectionRefused))
    let listener = try listen(server.interface)
    #expect(throws: StackError.addressInUse) { try listen(server.interface) }
    #expect(throws: StackError.addressInUse) { try listen(nil) }
    // The second comes with a cookie, where the backlog is one.
    for _ in 0..<2 {
      let connection = try client.stack.connectTCP(to: target, at: server.now)
      client.exchange(with: server)
      #expect(try client.stack.send(connection, [1, 2, 3].span, at: server.now) == 3)
      client.exchange(with: server)
    }
    #expect(try server.stack.acceptTCP(other, at: server.now) == nil)
    for _ in 0..<2 {
      let accepted = try #require(try server.stack.acceptTCP(listener, at: server.now))
      let chosen = server.stack.tcpOptions(accepted)
      let options = try #require(chosen)
      #expect(options.device == server.interface)
      #expect(options.mark == 77 && options.priority == 0)
      #expect(server.stack.remoteAddress(accepted)?.zone == 0)
      #expect(try receive(&server.stack, accepted, 3, at: server.now) == [1, 2, 3])
    }
    server.expectUnharmed()
  }

  @Test(
    "A listener answers a stranger on its link, over IPv4; one for all devices has no way to it",
    arguments: [false, true])
  func stranger(isBound: Bool) throws {
    let peer = try NetworkPeer(.ethernet)
    var options = TCPSocketOptions()
    options.device = isBound ? peer.interface : nil
    _ = try peer.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), backlog: 1, options: options, at: peer.now)
    var offload = Offload()
    offload.checksumIsValid = true
    // The second is answered with a cookie; to the third, of IPv6, no way leads.
    for port: PortNumber in [4_000, 4_001] {
      peer.deliver(peer.ipv4(syn(from: port), .tcp, from: foreign), offload)
    }
    let foreign6 = IPv6Address(0x2001, 0xDB8, 0, 0, 0, 0, 0, 9)
    peer.deliver(peer.ipv6(syn(from: 4_002), .tcp, from: foreign6), offload)
    #expect(peer.packets().isEmpty)
    #expect(peer.discovery.count == (isBound ? 1 : 0))
    peer.deliver(
      raw: peer.arp(.reply, from: foreign, peer.station, to: peer.stack4, peer.stackStation))
    let answers = peer.packets()
    #expect(answers.count == (isBound ? 2 : 0))
    for answer in answers {
      #expect(try header4(answer).destination == foreign)
      let header = try TCPHeader(parsing: Array(answer.dropFirst(20)).span)
      #expect(header.flags == [.syn, .ack])
    }
    #expect(peer.counters.unroutable == 1)
    #expect(peer.stack.tcpCounters.segmentsDropped == (isBound ? 1 : 3))
    peer.expectUnharmed()
  }

  private func syn(from port: PortNumber) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 20)
    var span = bytes.mutableSpan
    TCPHeader(
      sourcePort: port, destinationPort: 80, sequenceNumber: .init(rawValue: 1),
      acknowledgmentNumber: .init(rawValue: 0), flags: .syn, window: 1_000
    ).write(into: &span)
    return bytes
  }

  @Test("A connection is made and goes on by its device", arguments: [IPVersion.v4, .v6])
  func connection(version: IPVersion) throws {
    let (server, second) = try twoLinks()
    let client = try Partner(of: server)
    let target: IPAddress = version == .v4 ? .v4(server.address4) : .v6(server.address6)
    let listener = try client.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), at: server.now)
    var options = TCPSocketOptions()
    options.device = second
    let peer = SocketAddress(target, port: 80)
    if version == .v4 {
      // The way to everywhere is the device's.
      let elsewhere = try server.stack.connectTCP(to: peer, options: options, at: server.now)
      #expect(leaves(server, server.interface) == 0 && leaves(server, second) == 1)
      server.stack.abort(elsewhere, at: server.now)
    } else {
      #expect(throws: StackError.networkUnreachable) {
        try server.stack.connectTCP(to: peer, options: options, at: server.now)
      }
    }
    options.device = server.interface
    let connection = try server.stack.connectTCP(to: peer, options: options, at: server.now)
    client.exchange(with: server)
    #expect(server.stack.connectionInfo(connection)?.state == .established)
    #expect(server.stack.remoteAddress(connection) == peer)
    let accepted = try #require(try client.stack.acceptTCP(listener, at: server.now))
    // Bound and freed while bytes are on their way, it loses none.
    for (device, isReachable) in [
      (nil, true), (server.interface, true), (second, version == .v4), (server.interface, true),
      (nil, true),
    ] as [(InterfaceIndex?, Bool)] {
      let bytes = pattern(5_000)
      #expect(try server.stack.send(connection, bytes.span, at: server.now) == bytes.count)
      options.device = device
      if isReachable {
        try server.stack.setOptions(connection, options, at: server.now)
      } else {
        #expect(throws: StackError.networkUnreachable) {
          try server.stack.setOptions(connection, options, at: server.now)
        }
        options.device = server.interface
        #expect(server.stack.tcpOptions(connection)?.device == server.interface)
      }
      if options.device == second {
        client.exchange(with: server)
        #expect(leaves(server, second) > 0)
        options.device = server.interface
        try server.stack.setOptions(connection, options, at: server.now)
      }
      for _ in 0..<60 { client.advance(with: server, .milliseconds(50)) }
      #expect(try receive(&client.stack, accepted, bytes.count, at: server.now) == bytes)
    }
    #expect(try client.stack.send(accepted, [9].span, at: server.now) == 1)
    client.exchange(with: server)
    #expect(try receive(&server.stack, connection, 1, at: server.now) == [9])
    server.stack.close(connection, at: server.now)
    client.stack.close(accepted, at: server.now)
    for _ in 0..<100 { client.advance(with: server, .seconds(1)) }
    _ = server.events()
    #expect(server.stack.socketCount == 0)
    server.expectUnharmed()
  }

  @Test("Errors on the way are heard by a connection that is bound to the device")
  func pathErrors() throws {
    let (peer, _) = try twoLinks()
    var options = TCPSocketOptions()
    options.device = peer.interface
    let connection = try peer.stack.connectTCP(
      to: SocketAddress(.v4(peer.address4), port: 80), options: options, at: peer.now)
    let request = try #require(peer.packets().first)
    peer.deliver(
      peer.ipv4(
        peer.icmp4(
          .destinationUnreachable(.host, nextHopMTU: 0),
          Array(request.prefix(28))),
        .icmpv4))
    #expect(peer.events() == [.failed(connection, .hostUnreachable)])
  }
}
