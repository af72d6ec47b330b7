import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("ICMP") struct NetworkICMPTests {
  /// A stack with a TCP connection to port 80 of the peer, and the last segment it sent.
  private struct Connected {
    let peer: NetworkPeer
    let partner: Partner
    let socket: SocketHandle
    let accepted: SocketHandle
    var segment: [UInt8]
  }

  private func connected(mtu: Int = 1500) throws -> Connected {
    let peer = try NetworkPeer(mtu: mtu)
    let partner = try Partner(of: peer, mtu: mtu)
    let listener = try partner.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), at: peer.now)
    let socket = try peer.stack.connectTCP(
      to: SocketAddress(.v4(peer.address4), port: 80), at: peer.now)
    partner.exchange(with: peer)
    let waiting = try partner.stack.acceptTCP(listener, at: peer.now)
    let accepted = try #require(waiting)
    #expect(peer.events() == [.connected(socket)])
    let taken = try peer.stack.send(socket, pattern(1_000).span, at: peer.now)
    #expect(taken == 1_000)
    let segment = try #require(peer.packets().first)
    return Connected(
      peer: peer, partner: partner, socket: socket, accepted: accepted, segment: segment)
  }

  /// The lost segment is sent again, and everything arrives.
  private func expectAlive(_ connected: Connected, _ count: Int = 1_000) throws {
    for _ in 0..<200 { connected.partner.advance(with: connected.peer, .milliseconds(100)) }
    var bytes = [UInt8](repeating: 0, count: 70_000)
    var span = bytes.mutableSpan
    let result = try connected.partner.stack.read(
      connected.accepted, into: &span, at: connected.peer.now)
    #expect(result == .bytes(count))
    let info = connected.peer.stack.connectionInfo(connected.socket)
    #expect(info?.state == .established)
  }

  @Test("ICMP-1: no unreachable message ends an established connection")
  func blindReset() throws {
    let connected = try connected()
    let peer = connected.peer
    for code: UInt8 in 0...15 where code != 4 {
      for shift: UInt32 in [0, 5_000_000] {
        var quoted = Array(connected.segment.prefix(28))
        let sequence = quoted.span.uint32(at: 24) &- shift
        var bytes = quoted.mutableSpan
        bytes.store(sequence, at: 24)
        peer.deliver(
          peer.ipv4(
            peer.icmp4(
              .destinationUnreachable(.init(rawValue: code), nextHopMTU: 0), quoted), .icmpv4))
      }
    }
    #expect(peer.counters.errorsReceived == 30)
    #expect(peer.stack.tcpCounters.pathErrors == 15)
    #expect(peer.stack.tcpCounters.pathErrorsIgnored == 15)
    #expect(peer.events().isEmpty)
    try expectAlive(connected)
  }

  @Test("ICMP-1: while connecting, port unreachable is the answer")
  func refusedWhileConnecting() throws {
    let peer = try NetworkPeer()
    let socket = try peer.stack.connectTCP(
      to: SocketAddress(.v6(peer.address6), port: 80), at: peer.now)
    let syn = try #require(peer.packets().first)
    peer.deliver(peer.ipv6(peer.icmp6(.destinationUnreachable(.port), syn), .icmpv6))
    #expect(peer.events().contains(.failed(socket, .connectionRefused)))
    peer.stack.close(socket, at: peer.now)
    #expect(peer.stack.socketCount == 0)
  }

  @Test("ICMP-2: a source quench is ignored")
  func sourceQuench() throws {
    let connected = try connected()
    let peer = connected.peer
    let before = peer.stack.connectionInfo(connected.socket)?.congestionWindow
    for _ in 0..<100 {
      peer.deliver(
        peer.ipv4(
          peer.icmp4(
            .other(type: 4, code: 0, word: 0), Array(connected.segment.prefix(28))), .icmpv4))
    }
    #expect(peer.counters.icmpIgnored == 100)
    #expect(peer.stack.connectionInfo(connected.socket)?.congestionWindow == before)
    try expectAlive(connected)
  }

  @Test("ICMP-3: a path MTU that cannot be is ignored, and none makes segments tiny")
  func blindPathMTU() throws {
    let connected = try connected()
    let peer = connected.peer
    let quoted = Array(connected.segment.prefix(28))
    for mtu: UInt16 in [0, 1, 20, 68, 551, 1_500, 9_000, 65_535] {
      peer.deliver(
        peer.ipv4(
          peer.icmp4(
            .destinationUnreachable(.fragmentationNeeded, nextHopMTU: mtu), quoted), .icmpv4))
    }
    let before = peer.stack.connectionInfo(connected.socket)
    let segment = try #require(before).maximumSegmentSize
    #expect(segment > 1_400)
    peer.deliver(
      peer.ipv4(
        peer.icmp4(
          .destinationUnreachable(.fragmentationNeeded, nextHopMTU: 552), quoted), .icmpv4))
    let after = peer.stack.connectionInfo(connected.socket)
    let lowered = try #require(after).maximumSegmentSize
    #expect(lowered >= 500 && lowered < 552)
    try expectAlive(connected)
    // For datagrams as well.
    let socket = try peer.bind(5_000)
    try peer.stack.connectUDP(socket, to: SocketAddress(.v4(peer.address4), port: 7), at: peer.now)
    _ = try peer.send(socket, pattern(1_400))
    let sent = Array(try #require(peer.packets().first).prefix(28))
    for mtu: UInt16 in [0, 1, 20, 68, 551, 1_500, 9_000] {
      peer.deliver(
        peer.ipv4(
          peer.icmp4(
            .destinationUnreachable(.fragmentationNeeded, nextHopMTU: mtu), sent), .icmpv4))
    }
    #expect(peer.counters.pathUpdatesIgnored == 7 && peer.counters.pathUpdates == 0)
    peer.deliver(
      peer.ipv4(
        peer.icmp4(
          .destinationUnreachable(.fragmentationNeeded, nextHopMTU: 1_000), sent), .icmpv4))
    _ = try peer.send(socket, pattern(1_400))
    let pieces = peer.packets()
    #expect(pieces.count == 2 && pieces.allSatisfy { $0.count <= 1_000 })
    for piece in pieces { #expect(try !header4(piece).dontFragment) }
  }

  @Test("ICMP-4: redirects are ignored, from whomever they come")
  func redirects() throws {
    let connected = try connected()
    let peer = connected.peer
    for number in 0..<1_000 {
      peer.deliver(
        peer.ipv4(
          peer.icmp4(
            .redirect(code: UInt8(number & 3), gateway: IPv4Address(10, 7, 0, 9)),
            Array(connected.segment.prefix(28))),
          .icmpv4, from: IPv4Address(10, 7, 0, UInt8(3 + number % 100))))
    }
    #expect(peer.counters.icmpIgnored == 1_000)
    #expect(peer.stack.occupancy.paths == 0)
    try expectAlive(connected)
  }

  @Test("ICMP-5: echo requests to groups are not answered")
  func smurf() throws {
    let peer = try NetworkPeer(.ethernet)
    let request = Array(peer.echo4().dropFirst(20))
    for group in [IPv4Address.broadcast, IPv4Address(10, 7, 0, 255), .allSystems] {
      peer.deliver(peer.ipv4(request, .icmpv4, to: group), to: .broadcast)
    }
    peer.deliver(
      peer.ipv6(
        peer.icmp6(.echoRequest(identifier: 1, sequence: 1), to: .allNodes), .icmpv6,
        to: .allNodes), to: EthernetAddress(multicast: IPv6Address.allNodes))
    #expect(peer.counters.echoRequestsIgnored == 4)
    // A frame for all with a packet for one.
    peer.deliver(peer.echo4(), to: .broadcast)
    #expect(peer.counters.foreignDestinations == 1)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ICMP-6: an echo goes to its sender alone, and brings no options back")
  func echoOptions() throws {
    let peer = try NetworkPeer()
    let message = Array(peer.echo4().dropFirst(20))
    // Record route, with room for three.
    let options: [UInt8] = [7, 15, 4, 10, 7, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    peer.deliver(peer.ipv4(message, .icmpv4, options: options))
    let reply = try #require(peer.packets().first)
    let header = try header4(reply)
    #expect(header.headerLength == 20 && header.destination == peer.address4)
    #expect(Array(reply.dropFirst(28)) == [1, 2, 3])
    peer.expectUnharmed()
  }

  @Test("ICMP-7: masks, clocks, information and routers are neither told nor believed")
  func deprecated() throws {
    let peer = try NetworkPeer()
    for type: UInt8 in [1, 2, 6, 7, 9, 10, 13, 14, 15, 16, 17, 18, 30, 37, 41, 255] {
      for code: UInt8 in [0, 1, 255] {
        peer.deliver(
          peer.ipv4(
            peer.icmp4(.other(type: type, code: code, word: 0), [UInt8](repeating: 0, count: 12)),
            .icmpv4))
      }
    }
    for type: UInt8 in [5, 100, 127, 130, 131, 132, 138, 139, 140, 200, 255] {
      peer.deliver(
        peer.ipv6(
          peer.icmp6(.other(type: type, code: 0, word: 0), [UInt8](repeating: 0, count: 16)),
          .icmpv6))
    }
    #expect(peer.counters.icmpIgnored + peer.counters.membershipIgnored == 48 + 11)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ICMP-8: messages without a header, and errors that quote nothing, are dropped")
  func short() throws {
    let peer = try NetworkPeer()
    for length in 0..<8 {
      for type: UInt8 in [0, 3, 5, 8, 11, 12] {
        peer.deliver(peer.ipv4(Array([type, 0, 0, 0, 0, 0, 0, 0].prefix(length)), .icmpv4))
      }
    }
    #expect(peer.counters.malformed[.truncated] == 48)
    for message: ICMPv4Message in [
      .destinationUnreachable(.port, nextHopMTU: 0), .timeExceeded(code: 0),
      .parameterProblem(code: 0, pointer: 0),
    ] {
      peer.deliver(peer.ipv4(peer.icmp4(message), .icmpv4))
    }
    #expect(peer.counters.malformed[.truncated] == 51)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("ICMP-9: what one host is told does not show what another was told")
  func sideChannel() throws {
    let attacker = IPv4Address(10, 7, 0, 66)
    let victim = IPv4Address(10, 7, 0, 77)
    func answers(toAttackerAfter spoofed: Int, seed: UInt64) throws -> (attacker: Int, victim: Int)
    {
      let peer = try NetworkPeer()
      peer.stack = ProtocolStack(secrets: Secrets(seed, 9))
      let interface = try peer.stack.addInterface("ip0", LinkAbilities(mtu: 1_500), at: peer.now)
      #expect(interface == peer.interface)
      try peer.add(.v4(peer.stack4), 24)
      let probe = peer.udp([1]).withoutUDPChecksum
      for _ in 0..<spoofed { peer.deliver(peer.ipv4(probe, .udp, from: victim)) }
      for _ in 0..<5 { peer.deliver(peer.ipv4(probe, .udp, from: attacker)) }
      var count = (attacker: 0, victim: 0)
      for packet in peer.packets() {
        if try header4(packet).destination == attacker {
          count.attacker += 1
        } else {
          count.victim += 1
        }
      }
      return count
    }
    var budgets: Set<Int> = []
    for seed in 1..<40 as Range<UInt64> {
      let quiet = try answers(toAttackerAfter: 0, seed: seed)
      let flooded = try answers(toAttackerAfter: 1_000, seed: seed)
      #expect(quiet.attacker == 5 && flooded.attacker == 5)
      #expect((6...12).contains(flooded.victim))
      budgets.insert(flooded.victim)
    }
    // And how many that are cannot be foretold.
    #expect(budgets.count > 3)
  }

  @Test("ICMP-9: errors to one host flow on at their rate")
  func rate() throws {
    let peer = try NetworkPeer()
    let probe = peer.ipv4(peer.udp([1]), .udp)
    var sent = 0
    for _ in 0..<1_000 {
      peer.deliver(probe)
      sent += peer.packets().count
      peer.advance(.milliseconds(10))
    }
    // Ten seconds at one in a tenth of a second, and the burst.
    #expect((80...130).contains(sent))
    #expect(peer.counters.errorsSent == UInt64(sent))
    #expect(peer.counters.errorsLimited == UInt64(1_000 - sent))
    peer.expectUnharmed()
  }

  @Test("ICMP-10: no error answers an error, a group, a later fragment or nobody")
  func neverAnswered() throws {
    let peer = try NetworkPeer(.ethernet)
    let kind = IPProtocol(rawValue: 200)
    let payload = [UInt8](repeating: 0, count: 16)
    let groups = [IPv4Address.broadcast, .allSystems, IPv4Address(10, 7, 0, 255)]
    for group in groups { peer.deliver(peer.ipv4(payload, kind, to: group), to: .broadcast) }
    peer.deliver(
      peer.ipv6(payload, kind, to: .allNodes),
      to: EthernetAddress(multicast: IPv6Address.allNodes))
    // Errors about an error: its own quoted packet is of an unknown protocol.
    let error = peer.icmp4(.destinationUnreachable(.port, nextHopMTU: 0), peer.ipv4(payload, kind))
    peer.deliver(peer.ipv4(error, .icmpv4))
    var routed = peer.icmp6(.destinationUnreachable(.port), peer.ipv6(payload, kind))
    routed = [58, 0, 3, 1, 0, 0, 0, 0] + routed
    peer.deliver(peer.ipv6(routed, .routing))
    // A later fragment with an option that asks for an answer, and one from nobody.
    let later: [UInt8] = [44, 0, 0x9E, 4, 0, 0, 0, 0, 17, 0, 0, 8, 0, 0, 0, 1] + payload
    peer.deliver(peer.ipv6(later, .destinationOptions))
    peer.deliver(
      peer.ipv6([17, 0, 0x9E, 4, 0, 0, 0, 0] + payload, .destinationOptions, from: .any))
    #expect(peer.packets().isEmpty)
    #expect(peer.counters.errorsForbidden == 3)
    #expect(peer.counters.unknownProtocols == 4)
    peer.expectUnharmed()
  }

  @Test("Unknown protocols and closed ports are reported, with the right checksums")
  func reported() throws {
    let peer = try NetworkPeer()
    let kind = IPProtocol(rawValue: 200)
    let packet4 = peer.ipv4([1, 2, 3, 4, 5, 6, 7, 8], kind)
    peer.deliver(packet4)
    peer.deliver(peer.ipv6([1, 2, 3, 4, 5, 6, 7, 8], kind))
    peer.deliver(peer.ipv4(peer.udp([1]), .udp))
    peer.deliver(peer.ipv6(peer.udp([1], isIPv4: false), .udp))
    let errors = peer.packets()
    try #require(errors.count == 4)
    #expect(try message4(errors[0]) == .destinationUnreachable(.protocol, nextHopMTU: 0))
    #expect(Array(errors[0].dropFirst(28)) == packet4)
    #expect(try message6(errors[1]) == .parameterProblem(code: 1, pointer: 6))
    #expect(try message4(errors[2]) == .destinationUnreachable(.port, nextHopMTU: 0))
    #expect(try message6(errors[3]) == .destinationUnreachable(.port))
    #expect(peer.counters.errorsSent == 4)
  }
}
