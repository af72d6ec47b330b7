import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Link and ARP") struct NetworkLinkTests {
  @Test("ETH-1: frames shorter than their header are runts")
  func runts() throws {
    let peer = try NetworkPeer(.ethernet)
    for length in 0..<14 { peer.deliver(raw: [UInt8](repeating: 2, count: length)) }
    #expect(peer.counters.runts == 14)
    // A header and nothing behind it is refused by what should be there.
    for type in [EtherType.ipv4, .ipv6, .arp] { peer.deliver(raw: peer.frame([], type)) }
    #expect(peer.counters.malformed[.truncated] == 3)
    let tunnel = try NetworkPeer(.ip)
    tunnel.deliver(raw: [])
    #expect(tunnel.counters.runts == 1)
    tunnel.deliver(raw: [0x00])
    #expect(tunnel.counters.malformed[.badVersion] == 1)
    peer.expectUnharmed()
    tunnel.expectUnharmed()
  }

  @Test("ETH-2: padding behind the IP length is not data, and ours is zeros")
  func padding() throws {
    let peer = try NetworkPeer(.ethernet)
    let socket = try peer.bind(7)
    let padding: [UInt8] = Array(repeating: 0xEE, count: 18)
    peer.deliver(peer.ipv4(peer.udp([]), .udp) + padding)
    peer.deliver(peer.ipv4(peer.udp([5]), .udp) + padding)
    #expect(try #require(try peer.read(socket)).1 == [])
    #expect(try #require(try peer.read(socket)).1 == [5])
    peer.deliver(peer.echo4([1, 2, 3]) + padding)
    let answer = try #require(peer.packets().first)
    #expect(answer.count == 31)
    peer.deliver(
      raw: peer.arp(
        .request, from: peer.address4, peer.station, to: peer.stack4,
        EthernetAddress(rawValue: 0)))
    let reply = try #require(peer.frames().first)
    #expect(reply.count == 60)
    #expect(reply.suffix(18).allSatisfy { $0 == 0 })
  }

  @Test("ETH-3: tags, LLC frames, unknown types and other stations' frames are dropped")
  func unknownTypes() throws {
    let peer = try NetworkPeer(.ethernet)
    for tags in 1...8 {
      var payload = peer.echo4()
      for _ in 0..<tags { payload = [0x00, 0x05, 0x08, 0x00] + payload }
      peer.deliver(raw: peer.frame(payload, .vlan))
    }
    peer.deliver(raw: peer.frame(peer.echo4(), EtherType(rawValue: 0x05DC)))
    peer.deliver(raw: peer.frame(peer.echo4(), EtherType(rawValue: 0x88CC)))
    #expect(peer.counters.unknownEtherTypes == 10)
    let others = [
      EthernetAddress(2, 0, 0, 0, 0, 3), EthernetAddress(0x33, 0x33, 0, 0, 0, 9),
      EthernetAddress(1, 0, 0x5E, 0, 0, 9),
    ]
    for other in others { peer.deliver(peer.echo4(), to: other) }
    peer.deliver(raw: peer.frame(peer.echo4(), .ipv4, from: .broadcast))
    #expect(peer.counters.foreignFrames == 4)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ARP-1: every cut and every wrong constant of an ARP packet is dropped")
  func malformedARP() throws {
    let peer = try NetworkPeer(.ethernet)
    let good = peer.arp(
      .request, from: peer.address4, peer.station, to: peer.stack4, EthernetAddress(rawValue: 0))
    for length in 14..<42 { peer.deliver(raw: Array(good.prefix(length))) }
    for offset in 14..<21 {
      for value: UInt8 in [0, 3, 5, 7, 0xFF] where value != good[offset] {
        var wrong = good
        wrong[offset] = value
        peer.deliver(raw: wrong)
      }
    }
    #expect(peer.counters.malformed.total > 50)
    #expect(peer.frames().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ARP-2: nobody is taken for a group, for nobody, or for us")
  func poisonedARP() throws {
    let peer = try NetworkPeer(.ethernet)
    let target = peer.stack4
    for station in [
      EthernetAddress.broadcast, EthernetAddress(1, 0, 0, 0, 0, 1),
      EthernetAddress(rawValue: 0), peer.stackStation,
    ] {
      peer.deliver(raw: peer.arp(.request, from: peer.address4, station, to: target, .broadcast))
    }
    for sender in [
      IPv4Address.broadcast, IPv4Address(224, 0, 0, 1), .loopback,
      IPv4Address(10, 7, 0, 255),
    ] {
      peer.deliver(raw: peer.arp(.request, from: sender, peer.station, to: target, .broadcast))
    }
    #expect(peer.counters.arpIgnored == 8)
    #expect(peer.frames().isEmpty)
    // Another station claims our address: it is told once, not each time (RFC 5227 §2.4).
    for _ in 0..<5 {
      peer.deliver(
        raw: peer.arp(.reply, from: peer.stack4, peer.station, to: peer.stack4, peer.stackStation))
    }
    #expect(peer.counters.addressConflicts == 5)
    let defence = peer.frames()
    #expect(defence.count == 1)
    #expect(peer.stack.occupancy.neighbors == 0)
    // A probe is answered.
    peer.deliver(raw: peer.arp(.request, from: .any, peer.station, to: target, .broadcast))
    #expect(peer.frames().count == 1)
    peer.expectUnharmed()
  }

  @Test("ARP-3: 65,536 replies that nobody asked for teach nothing")
  func unsolicitedReplies() throws {
    let peer = try NetworkPeer(.ethernet)
    for number in 0..<65_536 {
      let sender = IPv4Address(10, 7, UInt8(number >> 8), UInt8(truncatingIfNeeded: number))
      guard sender != peer.stack4, number & 255 != 255 else { continue }
      peer.deliver(
        raw: peer.arp(.reply, from: sender, peer.station, to: peer.stack4, peer.stackStation))
    }
    #expect(peer.counters.arpIgnored > 65_000)
    #expect(peer.stack.occupancy.neighbors == 0)
    // A reverse reply (operation 4).
    var reverse = peer.arp(
      .reply, from: peer.address4, peer.station, to: peer.stack4, peer.stackStation)
    reverse[21] = 4
    peer.deliver(raw: reverse)
    #expect(peer.counters.malformed[.badType] == 1)
    #expect(peer.frames().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ARP-3: a reply that was asked for is learned, and a later one may correct it")
  func learning() throws {
    let peer = try NetworkPeer(.ethernet)
    peer.isSilent = true
    let socket = try peer.bind(0)
    #expect(try peer.send(socket, [1], to: .v4(peer.address4)))
    #expect(peer.packets().isEmpty)
    #expect(peer.discovery.count == 1)
    let request = try ARPPacket(parsing: Array(peer.discovery[0].dropFirst(14)).span)
    #expect(request.targetProtocolAddress == peer.address4 && request.operation == .request)
    peer.deliver(
      raw: peer.arp(.reply, from: peer.address4, peer.station, to: peer.stack4, peer.stackStation))
    #expect(peer.packets().count == 1)
    let moved = EthernetAddress(2, 0, 0, 0, 0, 9)
    peer.deliver(raw: peer.arp(.request, from: peer.address4, moved, to: peer.address4, .broadcast))
    #expect(try peer.send(socket, [2], to: .v4(peer.address4)))
    let frame = try #require(peer.frames().first)
    #expect(frame.span.ethernetAddress(at: 0) == moved)
    #expect(frame.span.ethernetAddress(at: 6) == peer.stackStation)
  }

  @Test("ARP-4: packets for neighbours that do not answer are few, and then given up")
  func unresolved() throws {
    let peer = try NetworkPeer(.ethernet)
    peer.isSilent = true
    let socket = try peer.bind(0)
    for neighbor in 0..<1_000 {
      let target = IPv4Address(10, 7, 0, UInt8(3 + neighbor % 250))
      for _ in 0..<10 { _ = try peer.send(socket, [1], to: .v4(target)) }
      #expect(peer.stack.occupancy.unresolvedNeighbors <= 64)
    }
    #expect(peer.counters.neighborQueueDrops > 9_000)
    #expect(peer.counters.neighborEvictions > 500)
    #expect(peer.packets().isEmpty)
    for _ in 0..<4 { peer.advance(.seconds(1)) }
    #expect(peer.counters.neighborFailures == 64)
    #expect(peer.stack.occupancy.neighbors == 0)
    #expect(peer.packets().isEmpty)
    // Asked three times each, one second apart.
    peer.discovery = []
    let one = try peer.bind(0)
    try peer.stack.connectUDP(one, to: SocketAddress(.v4(peer.address4), port: 9), at: peer.now)
    for byte in 1...5 { #expect(try peer.send(one, [UInt8(byte)])) }
    for _ in 0..<4 {
      _ = peer.packets()
      peer.advance(.seconds(1))
    }
    #expect(peer.discovery.count == 3)
    #expect(throws: StackError.hostUnreachable) { try peer.read(one) }
    peer.isSilent = false
    peer.expectUnharmed()
  }

  @Test("The three latest packets wait for a neighbour, and leave in their order")
  func waiting() throws {
    let peer = try NetworkPeer(.ethernet)
    peer.isSilent = true
    let socket = try peer.bind(0)
    for byte in 1...5 {
      _ = try peer.send(socket, [UInt8(byte)], to: .v6(peer.address6))
    }
    #expect(peer.packets().isEmpty)
    peer.advertise(peer.address6, to: peer.stack6)
    #expect(peer.packets().map(\.last) == [3, 4, 5])
    #expect(peer.counters.neighborQueueDrops == 2)
  }

  @Test("A neighbour that is not heard of for long is asked again before it is given up")
  func unreachabilityDetection() throws {
    let peer = try NetworkPeer(.ethernet)
    let socket = try peer.bind(0)
    _ = try peer.send(socket, [1], to: .v6(peer.address6))
    #expect(peer.packets().count == 1)
    peer.advance(.seconds(50))
    peer.discovery = []
    peer.isSilent = true
    _ = try peer.send(socket, [2], to: .v6(peer.address6))
    // Stale: used at once, asked for five seconds later, by name rather than by group.
    #expect(peer.packets().count == 1)
    #expect(peer.discovery.isEmpty)
    peer.advance(.seconds(5))
    #expect(peer.packets().isEmpty)
    let probe = try #require(peer.discovery.first)
    #expect(probe.span.ethernetAddress(at: 0) == peer.station)
    for _ in 0..<4 {
      peer.advance(.seconds(1))
      #expect(peer.packets().isEmpty)
    }
    #expect(peer.discovery.count == 3)
    #expect(peer.counters.neighborFailures == 1)
    #expect(peer.stack.occupancy.neighbors == 0)
  }
}
