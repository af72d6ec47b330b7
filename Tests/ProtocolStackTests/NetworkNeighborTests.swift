import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Neighbor discovery") struct NetworkNeighborTests {
  @Test("ND-1: options of length zero, past the end, or without number discard the message")
  func options() throws {
    let peer = try routed()
    for options: [UInt8] in [
      [1, 0], [1, 0, 2, 0, 0, 0, 0, 1], [1, 2, 2, 0, 0, 0, 0, 1], [1, 255, 0, 0, 0, 0, 0, 0],
      Array([[UInt8]](repeating: [200, 1, 0, 0, 0, 0, 0, 0], count: 150).joined()),
    ] {
      peer.deliver(solicitation(peer, options: options), to: group(peer))
      advertise(peer, RouterAdvertisement(routerLifetime: 1_800), options)
    }
    #expect(peer.counters.malformed[.badOption] == 8)
    #expect(peer.counters.malformed[.tooMany] == 2)
    #expect(peer.frames().isEmpty)
    #expect(peer.stack.occupancy.routes == routes(peer))
    peer.deliver(solicitation(peer), to: group(peer))
    #expect(peer.frames().count == 1)
    peer.expectUnharmed()
  }

  @Test("ND-2: other hop limits, codes, checksums, targets and forms of a probe are discarded")
  func validation() throws {
    let peer = try NetworkPeer(.ethernet)
    for hops: UInt8 in [0, 1, 64, 254] {
      peer.deliver(solicitation(peer, hops: hops), to: group(peer))
    }
    var code = solicitation(peer)
    code[41] = 1
    peer.deliver(code, to: group(peer))
    var checksum = solicitation(peer)
    checksum[42] ^= 0xFF
    peer.deliver(checksum, to: group(peer))
    peer.deliver(solicitation(peer, target: .allNodes), to: group(peer))
    // A probe that says who asks; one that is not sent to the group.
    peer.deliver(
      solicitation(peer, from: .any, options: [1, 1, 2, 0, 0, 0, 0, 1]), to: group(peer))
    peer.deliver(solicitation(peer, from: .any, to: peer.stack6))
    #expect(peer.counters.malformed.total == 9)
    #expect(peer.counters.neighborDiscoveryReceived == 9)
    #expect(peer.counters.addressConflicts == 0)
    #expect(peer.frames().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ND-3: a resolver option of an even length is ignored")
  func resolvers() throws {
    let peer = try routed()
    let option: [UInt8] = [25, 4] + [UInt8](repeating: 0, count: 30)
    advertise(peer, RouterAdvertisement(routerLifetime: 1_800), option)
    #expect(peer.counters.routerAdvertisements == 1)
    #expect(peer.stack.occupancy.routes == routes(peer) + 1)
    peer.expectUnharmed()
  }

  @Test("ND-4: prefix lengths and lifetimes that cannot be are ignored, others saturate")
  func prefixes() throws {
    let peer = try routed()
    for length: UInt8 in [129, 200, 255] {
      advertise(peer, RouterAdvertisement(routerLifetime: 0), prefix(1, length: length))
    }
    advertise(
      peer, RouterAdvertisement(routerLifetime: 0), prefix(1, valid: 100, preferred: 200))
    advertise(peer, RouterAdvertisement(routerLifetime: 0), prefix(1, valid: 0, preferred: 0))
    #expect(peer.stack.occupancy.routes == routes(peer))
    advertise(
      peer, RouterAdvertisement(routerLifetime: 0), prefix(1, valid: .max, preferred: .max))
    #expect(peer.stack.occupancy.routes == routes(peer) + 1)
    let made = try #require(peer.stack.addresses(on: peer.interface).last)
    #expect(made.isAutomatic && made.prefix.length == 64 && made.validUntil == .distantFuture)
    peer.advance(.seconds(1 << 32))
    #expect(peer.stack.addresses(on: peer.interface).last == made)
    peer.expectUnharmed()
  }

  @Test("An advertised address is used, deprecated and forgotten in its time")
  func ageing() throws {
    let peer = try routed()
    advertise(
      peer, RouterAdvertisement(routerLifetime: 100), prefix(1, valid: 8_000, preferred: 50))
    let made = try #require(peer.stack.addresses(on: peer.interface).last)
    #expect(made.state == .preferred)
    peer.advance(.seconds(60))
    #expect(peer.stack.addresses(on: peer.interface).last?.state == .deprecated)
    peer.advance(.seconds(60))
    // The router's time is over, the prefix's is not.
    #expect(peer.stack.occupancy.routes == routes(peer) + 1)
    // A forged end is put off to two hours.
    advertise(
      peer, RouterAdvertisement(routerLifetime: 0), prefix(1, valid: 1, preferred: 1))
    peer.advance(.seconds(7_000))
    #expect(peer.stack.addresses(on: peer.interface).last?.address == made.address)
    peer.advance(.seconds(1_000))
    #expect(peer.stack.addresses(on: peer.interface).last?.address != made.address)
    #expect(peer.stack.occupancy.routes == routes(peer))
    peer.expectUnharmed()
  }

  @Test("ND-5: link-layer options that are not eight bytes long are ignored")
  func linkLayerOptions() throws {
    let peer = try NetworkPeer(.ethernet)
    for units in 1...3 {
      let option: [UInt8] =
        [1, UInt8(units), 2, 0, 0, 0, 0, 9] + [UInt8](repeating: 0, count: units * 8 - 8)
      peer.deliver(solicitation(peer, options: option), to: group(peer))
    }
    let stations = peer.frames().map { $0.span.ethernetAddress(at: 0) }
    #expect(
      stations == [EthernetAddress(2, 0, 0, 0, 0, 9), peer.station, peer.station])
    peer.expectUnharmed()
  }

  @Test("ND-6: 100,000 router advertisements make 8 routers, 16 prefixes and 16 addresses")
  func flood() throws {
    let peer = try routed()
    for number in 0..<100_000 {
      let router = IPv6Address(high: 0xFE80 << 48, low: UInt64(number + 1))
      advertise(
        peer, RouterAdvertisement(routerLifetime: 1_800),
        prefix(UInt16(truncatingIfNeeded: number)), from: router)
    }
    #expect(peer.counters.routerAdvertisements == 100_000)
    #expect(peer.stack.occupancy.routes == routes(peer) + 8 + 16)
    #expect(peer.stack.addresses(on: peer.interface).count == 16)
    peer.advance(.seconds(2_000))
    #expect(peer.stack.occupancy.routes == routes(peer) + 16)
    peer.expectUnharmed()
  }

  @Test("ND-6: by default routers decide nothing")
  func refused() throws {
    let peer = try NetworkPeer(.ethernet)
    let before = peer.stack.occupancy.routes
    advertise(peer, RouterAdvertisement(routerLifetime: 1_800), prefix(1))
    #expect(peer.counters.neighborDiscoveryIgnored == 1)
    #expect(peer.stack.occupancy.routes == before)
    peer.expectUnharmed()
  }

  @Test("ND-7: a router cannot make packets die early, or too small, or too large")
  func parameters() throws {
    let peer = try routed()
    for hops: UInt8 in [1, 2, 63] {
      advertise(
        peer,
        RouterAdvertisement(
          currentHopLimit: hops, routerLifetime: 0, reachableTime: .max, retransmitTimer: .max))
    }
    for mtu: UInt32 in [0, 1, 1_279, 1_501, .max] {
      var option = [UInt8](repeating: 0, count: 8)
      var bytes = option.mutableSpan
      RouterAdvertisement.write(mtu: mtu, into: &bytes, at: 0)
      advertise(peer, RouterAdvertisement(routerLifetime: 0), option)
    }
    #expect(peer.stack.mtu(of: peer.interface) == 1_500)
    peer.deliver(peer.echo6())
    let reply = try #require(peer.packets().first)
    #expect(try header6(reply).hopLimit == 64)
    var option = [UInt8](repeating: 0, count: 8)
    var bytes = option.mutableSpan
    RouterAdvertisement.write(mtu: 1_400, into: &bytes, at: 0)
    advertise(peer, RouterAdvertisement(currentHopLimit: 128, routerLifetime: 0), option)
    #expect(peer.stack.mtu(of: peer.interface) == 1_400)
    peer.deliver(peer.echo6())
    let second = try #require(peer.packets().first)
    #expect(try header6(second).hopLimit == 128)
    peer.expectUnharmed()
  }

  @Test("ND-8: asking for a whole network, or being asked by one, does not displace neighbours")
  func exhaustion() throws {
    let peer = try NetworkPeer(.ethernet)
    let socket = try peer.bind(0)
    #expect(try peer.send(socket, [1], to: .v6(peer.address6)))
    #expect(peer.packets().count == 1)
    peer.isSilent = true
    for number in 0..<65_536 {
      let target = IPv6Address(high: peer.stack6.high, low: 0x1_0000 + UInt64(number))
      _ = try peer.send(socket, [1], to: .v6(target))
      if number & 63 == 0 { _ = peer.frames() }
    }
    #expect(peer.stack.occupancy.unresolvedNeighbors == 64)
    #expect(peer.stack.occupancy.neighbors == 65)
    for number in 0..<65_536 {
      let source = IPv6Address(high: peer.stack6.high, low: 0x10_0000 + UInt64(number))
      peer.deliver(solicitation(peer, from: source), to: group(peer))
      if number & 63 == 0 { _ = peer.frames() }
    }
    #expect(peer.stack.occupancy.neighbors == 65)
    _ = peer.frames()
    peer.discovery = []
    #expect(try peer.send(socket, [2], to: .v6(peer.address6)))
    #expect(peer.packets().count == 1)
    #expect(peer.discovery.isEmpty)
    peer.isSilent = false
    for _ in 0..<5 { peer.advance(.seconds(1)) }
    peer.expectUnharmed()
  }

  @Test("ND-9: redirects are not believed")
  func redirects() throws {
    let peer = try NetworkPeer(.ethernet)
    let routes = peer.stack.occupancy.routes
    var message = [UInt8](repeating: 0, count: 40)
    message[0] = 137
    message[8] = 0xFE
    message[9] = 0x80
    message[23] = 5
    var bytes = message.mutableSpan
    bytes.store(peer.address6, at: 24)
    ICMPv6Message.fillChecksum(in: &bytes, source: linkLocal, destination: peer.stack6)
    peer.deliver(
      peer.ipv6(message, .icmpv6, from: linkLocal, hops: 255))
    #expect(peer.counters.neighborDiscoveryIgnored == 1)
    #expect(peer.stack.occupancy.routes == routes)
    peer.expectUnharmed()
  }

  @Test("ND-10: discovery in fragments is ignored, in a single one too")
  func fragments() throws {
    let peer = try NetworkPeer(.ethernet)
    let message = Array(solicitation(peer, to: peer.stack6).dropFirst(40))
    for pieces in [
      peer.cut(message, 16, .v6, kind: .icmpv6),
      peer.cut(message, 64, .v6, kind: .icmpv6),
    ] {
      for piece in pieces {
        var copy = piece
        copy[7] = 255
        peer.deliver(copy)
      }
    }
    #expect(peer.counters.neighborDiscoveryIgnored == 2)
    #expect(peer.counters.neighborDiscoveryReceived == 0)
    #expect(peer.frames().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ND-11: our own probe that comes back is not another host's")
  func loopedProbe() throws {
    let peer = try NetworkPeer(.ethernet, probes: 1)
    let probes = peer.frames()
    #expect(probes.count == 3)
    let own = try #require(probes.first { $0.count > 54 && $0[54] == 135 && !isLinkLocal($0) })
    peer.deliver(raw: own)
    #expect(peer.counters.addressConflicts == 0)
    for _ in 0..<3 { peer.advance(.milliseconds(500)) }
    let states = peer.stack.addresses(on: peer.interface).map(\.state)
    #expect(states == [.preferred, .preferred, .preferred])
    peer.expectUnharmed()
  }

  @Test("ND-11: there is no discovery on links without stations")
  func withoutStations() throws {
    let peer = try NetworkPeer(.ip)
    peer.deliver(solicitation(peer))
    peer.advertise(peer.address6, to: peer.stack6)
    #expect(peer.counters.neighborDiscoveryIgnored == 2)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("An address that another host has, or wants at the same time, is not used")
  func duplicate() throws {
    for isProbe in [true, false] {
      let peer = try NetworkPeer(.ethernet, probes: 1)
      _ = peer.frames()
      if isProbe {
        peer.deliver(solicitation(peer, from: .any), to: group(peer))
      } else {
        let message = NeighborAdvertisement(
          target: peer.stack6, isSolicited: false, overrides: true,
          targetLinkLayerAddress: peer.station)
        var bytes = [UInt8](repeating: 0, count: message.size)
        var span = bytes.mutableSpan
        message.write(into: &span, source: peer.stack6, destination: .allNodes)
        peer.deliver(
          peer.ipv6(bytes, .icmpv6, from: peer.stack6, to: .allNodes, hops: 255),
          to: EthernetAddress(multicast: IPv6Address.allNodes))
      }
      peer.deliver(
        raw: peer.arp(
          isProbe ? .request : .reply, from: isProbe ? .any : peer.stack4, peer.station,
          to: peer.stack4, EthernetAddress(rawValue: 0)))
      #expect(peer.counters.addressConflicts == 2)
      for _ in 0..<5 { peer.advance(.seconds(1)) }
      let states = peer.stack.addresses(on: peer.interface).map(\.state)
      #expect(states == [.duplicate, .duplicate, .preferred])
      _ = peer.frames()
      peer.deliver(peer.echo4())
      peer.deliver(peer.echo6())
      peer.deliver(solicitation(peer), to: group(peer))
      #expect(peer.frames().isEmpty)
      #expect(throws: StackError.addressNotAvailable) { try peer.bind(7, .v6(peer.stack6)) }
    }
  }

  @Test("A probed address is announced, and answers for itself from then on")
  func announced() throws {
    let peer = try NetworkPeer(.ethernet, probes: 2)
    var sent = peer.frames()
    peer.deliver(peer.echo4())
    #expect(peer.counters.foreignDestinations == 1)
    for _ in 0..<21 {
      peer.advance(.milliseconds(100))
      sent += peer.frames()
    }
    // Two probes and an announcement for each of three addresses.
    #expect(sent.count == 9)
    let announcement = try #require(sent.last { $0.span.uint16(at: 12) == 0x0806 })
    let arp = try ARPPacket(parsing: Array(announcement.dropFirst(14)).span)
    #expect(arp.senderProtocolAddress == peer.stack4 && arp.targetProtocolAddress == peer.stack4)
    peer.deliver(solicitation(peer), to: group(peer))
    #expect(peer.frames().count == 1)
    peer.expectUnharmed()
  }

  @Test("Routers are asked three times, until one answers")
  func solicitingRouters() throws {
    let peer = try routed()
    let first = peer.frames().filter { $0.count > 54 && $0[54] == 133 }
    peer.advance(.seconds(4))
    let second = peer.frames().filter { $0.count > 54 && $0[54] == 133 }
    #expect(first.count + second.count == 1 + first.count)
    advertise(peer, RouterAdvertisement(routerLifetime: 1_800))
    peer.advance(.seconds(60))
    #expect(peer.frames().isEmpty)
    // And what is not on the link goes to the router.
    let socket = try peer.bind(0)
    _ = try peer.send(socket, [1], to: .v6(IPv6Address(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1)))
    let question = try #require(peer.frames().first)
    #expect(question.span.ipv6Address(at: 62) == linkLocal)
  }

  // MARK: - Messages

  private let linkLocal = IPv6Address(high: 0xFE80 << 48, low: 0x77)

  private func routed() throws -> NetworkPeer {
    try NetworkPeer(.ethernet) { $0.acceptsRouterAdvertisements = true }
  }

  /// The routes a peer's stack begins with: both prefixes and the link-local one.
  private func routes(_ peer: NetworkPeer) -> Int { 3 }

  private func group(_ peer: NetworkPeer) -> EthernetAddress {
    EthernetAddress(multicast: peer.stack6.solicitedNode)
  }

  private func isLinkLocal(_ frame: [UInt8]) -> Bool { frame[62] == 0xFE }

  private func solicitation(
    _ peer: NetworkPeer, target: IPv6Address? = nil, from source: IPv6Address? = nil,
    to destination: IPv6Address? = nil, hops: UInt8 = 255, options: [UInt8] = []
  ) -> [UInt8] {
    let source = source ?? peer.address6
    let destination = destination ?? peer.stack6.solicitedNode
    var message = [UInt8](repeating: 0, count: 24) + options
    message[0] = 135
    var bytes = message.mutableSpan
    bytes.store(target ?? peer.stack6, at: 8)
    ICMPv6Message.fillChecksum(in: &bytes, source: source, destination: destination)
    return peer.ipv6(message, .icmpv6, from: source, to: destination, hops: hops)
  }

  private func advertise(
    _ peer: NetworkPeer, _ advertisement: RouterAdvertisement, _ options: [UInt8] = [],
    from router: IPv6Address? = nil
  ) {
    let router = router ?? linkLocal
    var message = [UInt8](repeating: 0, count: 16) + options
    var bytes = message.mutableSpan
    advertisement.write(into: &bytes)
    ICMPv6Message.fillChecksum(in: &bytes, source: router, destination: .allNodes)
    peer.deliver(
      peer.ipv6(message, .icmpv6, from: router, to: .allNodes, hops: 255),
      to: EthernetAddress(multicast: IPv6Address.allNodes))
  }

  private func prefix(
    _ number: UInt16, length: UInt8 = 64, valid: UInt32 = 86_400, preferred: UInt32 = 14_400
  ) -> [UInt8] {
    var option = [UInt8](repeating: 0, count: 32)
    var bytes = option.mutableSpan
    PrefixInformation(
      prefix: IPv6Address(0x2001, 0xDB8, 0, number, 0, 0, 0, 0), prefixLength: length,
      validLifetime: valid, preferredLifetime: preferred
    ).write(into: &bytes)
    return option
  }
}
