import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("IPv4") struct NetworkIPv4Tests {
  @Test("IP4-1: wrong versions, header lengths and every cut are dropped")
  func headers() throws {
    let peer = try NetworkPeer(.ethernet)
    let good = peer.echo4()
    for version in 0..<16 where version != 4 {
      var wrong = good
      wrong[0] = UInt8(version << 4 | 5)
      peer.deliver(raw: peer.frame(wrong, .ipv4))
    }
    for length in 0..<5 {
      var wrong = good
      wrong[0] = UInt8(0x40 | length)
      peer.deliver(raw: peer.frame(wrong, .ipv4))
    }
    for length in 0..<20 { peer.deliver(raw: peer.frame(Array(good.prefix(length)), .ipv4)) }
    #expect(peer.counters.malformed[.badVersion] == 15)
    #expect(peer.counters.malformed[.badHeaderLength] == 5)
    #expect(peer.counters.malformed[.truncated] == 20)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("IP4-2: lengths that contradict each other are dropped in silence")
  func lengths() throws {
    let peer = try NetworkPeer()
    let good = peer.echo4()
    for total in [0, 1, 19, good.count + 1, 65_535] {
      peer.deliver(peer.ipv4(Array(good.dropFirst(20)), .icmpv4) { $0.totalLength = total })
    }
    #expect(peer.counters.malformed[.badLength] == 5)
    var long = good
    long[0] = 0x4F
    peer.deliver(Array(long.prefix(40)))
    #expect(peer.counters.malformed[.badHeaderLength] + peer.counters.malformed[.badLength] == 6)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("IP4-3: no kind and length of an option does harm")
  func options() throws {
    let peer = try NetworkPeer()
    let message = Array(peer.echo4().dropFirst(20))
    for kind in 0..<256 {
      for length in 0...40 {
        var options = [UInt8](repeating: 1, count: 40)
        options[0] = UInt8(kind)
        options[1] = UInt8(length)
        peer.deliver(peer.ipv4(message, .icmpv4, options: options))
        #expect(peer.packets().count <= 1)
      }
    }
    #expect(peer.counters.malformed[.badOption] > 500)
    peer.expectUnharmed()
  }

  @Test("IP4-4: record route and timestamp pointers that point nowhere are dropped")
  func pointers() throws {
    let peer = try NetworkPeer()
    let message = Array(peer.echo4().dropFirst(20))
    let wrong: [[UInt8]] = [
      [7, 7, 0, 0, 0, 0, 0, 0], [7, 7, 3, 0, 0, 0, 0, 0], [7, 7, 9, 0, 0, 0, 0, 0],
      [68, 8, 4, 0, 0, 0, 0, 0], [68, 8, 0, 0, 0, 0, 0, 0], [68, 8, 9, 0xF0, 0, 0, 0, 0],
    ]
    for option in wrong { peer.deliver(peer.ipv4(message, .icmpv4, options: option)) }
    #expect(peer.counters.malformed[.badOption] == 6)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("IP4-5: source routes are never followed, and nobody is told")
  func sourceRoutes() throws {
    let peer = try NetworkPeer()
    let message = Array(peer.echo4().dropFirst(20))
    for kind: UInt8 in [131, 137] {
      let options: [UInt8] = [kind, 7, 4, 10, 7, 0, 9, 0]
      peer.deliver(peer.ipv4(message, .icmpv4, options: options))
      peer.deliver(
        peer.ipv4(message, .icmpv4, to: IPv4Address(224, 0, 0, 1), options: options))
      peer.deliver(
        peer.ipv4(message + [0, 0, 0, 0, 0], .icmpv4, options: options) {
          $0.moreFragments = true
        })
    }
    #expect(peer.counters.sourceRoutes == 6)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("IP4-6: an error quotes no more than 576 bytes of packet in all")
  func quote() throws {
    let peer = try NetworkPeer()
    let options = [UInt8](repeating: 1, count: 40)
    peer.deliver(peer.ipv4(peer.udp(pattern(1_400)), .udp, options: options))
    let error = try #require(peer.packets().first)
    #expect(error.count == 576)
    let message = try message4(error)
    #expect(message == .destinationUnreachable(.port, nextHopMTU: 0))
    #expect(Array(error[48..<88]) == options)
    peer.expectUnharmed()
  }

  @Test("IP4-7: what may not be a source is dropped before any socket sees it")
  func martians() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let listener = try peer.stack.listenTCP(
      on: SocketAddress(.v4(.any), port: 80), at: peer.now)
    let sources = [
      IPv4Address.any, IPv4Address(0, 1, 2, 3), .broadcast, IPv4Address(224, 0, 0, 1),
      IPv4Address(239, 1, 2, 3), .loopback, IPv4Address(127, 9, 9, 9), IPv4Address(240, 0, 0, 1),
      IPv4Address(10, 7, 0, 255), peer.stack4,
    ]
    for source in sources {
      peer.deliver(peer.ipv4(peer.udp([1]), .udp, from: source))
      peer.deliver(peer.ipv4(Array(peer.echo4().dropFirst(20)), .icmpv4, from: source))
      peer.deliver(peer.ipv4(syn(), .tcp, from: source))
    }
    #expect(peer.counters.martianSources == 30)
    #expect(try peer.read(socket) == nil)
    #expect(peer.stack.socketCount(.tcpConnection) == 0)
    #expect(peer.packets().isEmpty)
    #expect(peer.events().isEmpty)
    peer.stack.close(listener, at: peer.now)
    peer.expectUnharmed()
  }

  @Test("IP4-8: packets inside packets are not unpacked, however deep")
  func tunnels() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    for kind in [IPProtocol.ipv4, .ipv6] {
      var inner = kind == .ipv4 ? peer.ipv4(peer.udp([1]), .udp) : peer.echo6()
      for _ in 0..<64 where inner.count < 1_400 { inner = peer.ipv4(inner, kind) }
      for _ in 0..<100 { peer.deliver(inner) }
    }
    #expect(peer.counters.unknownProtocols == 200)
    #expect(try peer.read(socket) == nil)
    let errors = peer.packets()
    // The first is answered; a flood is not.
    #expect((1...24).contains(errors.count))
    #expect(try message4(errors[0]) == .destinationUnreachable(.protocol, nextHopMTU: 0))
    #expect(peer.counters.errorsLimited >= 176)
    peer.expectUnharmed()
  }

  @Test("IP4-9: packets for others are not sent on")
  func forwarding() throws {
    let peer = try NetworkPeer()
    peer.deliver(
      peer.ipv4(peer.udp([1]), IPProtocol(rawValue: 250), to: IPv4Address(10, 7, 0, 9)))
    #expect(peer.counters.foreignDestinations == 1)
    #expect(peer.packets().isEmpty)
  }

  @Test("IP4-10: an error is believed only with a whole header and eight bytes behind it")
  func quotedHeaders() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(5_000)
    try peer.stack.connectUDP(socket, to: SocketAddress(.v4(peer.address4), port: 7), at: peer.now)
    #expect(try peer.send(socket, [1, 2, 3]))
    let sent = try #require(peer.packets().first)
    let unreachable = ICMPv4Message.destinationUnreachable(.port, nextHopMTU: 0)
    for length in 0..<28 {
      peer.deliver(peer.ipv4(peer.icmp4(unreachable, Array(sent.prefix(length))), .icmpv4))
    }
    for length: UInt8 in 6...15 {
      var quoted = Array(sent.prefix(28))
      quoted[0] = 0x40 | length
      peer.deliver(peer.ipv4(peer.icmp4(unreachable, quoted), .icmpv4))
    }
    var fragment = Array(sent.prefix(28))
    fragment[7] = 1
    peer.deliver(peer.ipv4(peer.icmp4(unreachable, fragment), .icmpv4))
    #expect(peer.counters.errorsReceived == 39)
    #expect(try peer.read(socket) == nil)
    #expect(peer.events().isEmpty)
    peer.deliver(peer.ipv4(peer.icmp4(unreachable, Array(sent.prefix(28))), .icmpv4))
    #expect(peer.events() == [.readable(socket)])
    #expect(throws: StackError.connectionRefused) { try peer.read(socket) }
    peer.expectUnharmed()
  }

  @Test("IP4-11: a wrong header checksum is dropped; a low time to live is not a host's business")
  func checksums() throws {
    let peer = try NetworkPeer()
    let good = peer.echo4()
    for value: UInt16 in [0, 0xFFFF, good.span.uint16(at: 10) ^ 1] {
      var wrong = good
      var bytes = wrong.mutableSpan
      bytes.store(value, at: 10)
      peer.deliver(wrong)
    }
    #expect(peer.counters.malformed[.badChecksum] == 3)
    #expect(peer.packets().isEmpty)
    for lifetime: UInt8 in [0, 1] {
      peer.deliver(
        peer.ipv4(Array(good.dropFirst(20)), .icmpv4) { $0.timeToLive = lifetime })
    }
    #expect(peer.packets().count == 2)
  }

  @Test("IP4-12: what uses an address that is taken away is told so")
  func removedAddress() throws {
    let peer = try NetworkPeer()
    let bound = try peer.bind(7, .v4(peer.stack4))
    let wildcard = try peer.bind(8)
    let connection = try peer.stack.connectTCP(
      to: SocketAddress(.v4(peer.address4), port: 80), at: peer.now)
    #expect(peer.packets().count == 1)
    peer.deliver(
      peer.ipv4([UInt8](repeating: 0, count: 8), .udp) { $0.moreFragments = true })
    try peer.stack.removeAddress(.v4(peer.stack4), on: peer.interface, at: peer.now)
    let events = peer.events()
    #expect(events.contains(.readable(bound)))
    #expect(events.contains(.failed(connection, .addressNotAvailable)))
    #expect(!events.contains(.readable(wildcard)))
    #expect(throws: StackError.addressNotAvailable) { try peer.read(bound) }
    #expect(throws: StackError.addressNotAvailable) {
      try peer.send(bound, [1], to: .v4(peer.address4))
    }
    #expect(throws: StackError.networkUnreachable) {
      try peer.send(wildcard, [1], to: .v4(peer.address4))
    }
    peer.deliver(peer.echo4())
    #expect(peer.counters.foreignDestinations == 1)
    #expect(throws: StackError.addressNotAvailable) {
      try peer.stack.removeAddress(.v4(peer.stack4), on: peer.interface, at: peer.now)
    }
    peer.advance(.seconds(40))
    #expect(peer.packets().isEmpty)
    #expect(peer.stack.occupancy.partialDatagrams == 0)
    try peer.add(.v4(peer.stack4), 24)
    peer.expectUnharmed()
  }

  private func syn() -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 20)
    var span = bytes.mutableSpan
    TCPHeader(
      sourcePort: 4_000, destinationPort: 80, sequenceNumber: .init(rawValue: 1),
      acknowledgmentNumber: .init(rawValue: 0), flags: .syn, window: 1_000
    ).write(into: &span)
    return bytes
  }
}
