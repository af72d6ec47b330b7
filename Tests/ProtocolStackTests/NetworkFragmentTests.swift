import Addresses
import Packets
import ProtocolStack
import Testing

/// Each test runs for both versions where both can be attacked that way: one policy serves both.
@Suite("Fragments") struct NetworkFragmentTests {
  static let versions = [IPVersion.v4, .v6]

  @Test("A datagram comes together in every order of its fragments", arguments: versions)
  func anyOrder(version: IPVersion) throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let pieces = peer.cut(peer.udp(pattern(60), isIPv4: version == .v4), 24, version)
    #expect(pieces.count == 3)
    for (number, order) in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]
      .enumerated()
    {
      let pieces = peer.cut(
        peer.udp(pattern(60), isIPv4: version == .v4), 24, version, id: UInt32(number))
      for place in order { peer.deliver(pieces[place]) }
      #expect(try #require(try peer.read(socket)).1 == pattern(60))
    }
    #expect(peer.counters.datagramsReassembled == 6)
    #expect(peer.counters.fragmentsReceived == 18)
    peer.expectUnharmed()
  }

  @Test(
    "FRAG-1 teardrop: a fragment that ends inside another ends the datagram", arguments: versions)
  func teardrop(version: IPVersion) throws {
    let peer = try NetworkPeer()
    _ = try peer.bind(7)
    peer.deliver(peer.fragment(0, 40, more: true, version))
    peer.deliver(peer.fragment(24, 4, more: false, version))
    #expect(peer.counters.fragmentsConflicting == 1)
    #expect(peer.stack.occupancy.fragmentBytes == 0)
    peer.deliver(peer.fragment(40, 8, more: false, version))
    #expect(peer.counters.fragmentsLate == 1)
    #expect(peer.counters.datagramsReassembled == 0)
    peer.advance(.seconds(61))
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("FRAG-2 bonk: fragments beyond the end they name end the datagram", arguments: versions)
  func bonk(version: IPVersion) throws {
    let peer = try NetworkPeer()
    peer.deliver(peer.fragment(0, 32, more: true, version))
    peer.deliver(peer.fragment(64, 8, more: false, version))
    peer.deliver(peer.fragment(128, 32, more: true, version))
    #expect(peer.counters.fragmentsConflicting == 1)
    peer.deliver(peer.fragment(0, 32, more: true, version, id: 2))
    peer.deliver(peer.fragment(128, 32, more: true, version, id: 2))
    peer.deliver(peer.fragment(64, 8, more: false, version, id: 2))
    #expect(peer.counters.fragmentsConflicting == 2)
    #expect(peer.stack.occupancy.fragmentBytes == 0)
    peer.expectUnharmed()
  }

  @Test("FRAG-3 ping of death: nothing reaches past 65,535 bytes", arguments: versions)
  func pingOfDeath(version: IPVersion) throws {
    let peer = try NetworkPeer()
    peer.deliver(peer.fragment(0, 1_480, more: true, version))
    #expect(peer.stack.occupancy.fragmentBytes > 0)
    peer.deliver(peer.fragment(65_528, 8, more: false, version))
    #expect(peer.counters.fragmentsInvalid == 1)
    #expect(peer.stack.occupancy.fragmentBytes == 0)
    peer.deliver(peer.fragment(1_480, 1_480, more: true, version))
    #expect(peer.counters.fragmentsLate == 1)
    for error in peer.packets() { #expect(error[version == .v4 ? 20 : 40] == 4) }
    peer.expectUnharmed()
  }

  @Test("FRAG-4 jolt2: the same last fragment for ever costs and holds nothing")
  func jolt() throws {
    let peer = try NetworkPeer()
    let fragment = peer.ipv4([UInt8](repeating: 1, count: 9), .icmpv4) {
      $0.fragmentOffset = 65_520 - 40
      $0.identification = 0x455
      // More is claimed than is there.
      $0.totalLength = 68
    }
    for _ in 0..<10_000 { peer.deliver(fragment) }
    #expect(peer.counters.malformed[.badLength] == 10_000)
    let honest = peer.fragment(65_480, 9, more: false, .v4)
    for _ in 0..<10_000 { peer.deliver(honest) }
    #expect(peer.counters.fragmentsDuplicate == 9_999)
    #expect(peer.stack.occupancy.partialDatagrams == 1)
    #expect(peer.stack.occupancy.fragmentBytes < 512)
    peer.expectUnharmed()
  }

  @Test("FRAG-5 Rose: datagrams that never end stay within their bounds", arguments: versions)
  func rose(version: IPVersion) throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    for number in 0..<20_000 {
      let id = UInt32(number)
      peer.deliver(peer.fragment(0, 8, more: true, version, id: id, host: 3 + number % 200))
      peer.deliver(peer.fragment(64_000, 8, more: false, version, id: id, host: 3 + number % 200))
      #expect(peer.stack.occupancy.partialDatagrams <= 64)
      #expect(peer.stack.occupancy.fragmentBytes <= 256 << 10)
    }
    #expect(peer.counters.reassemblyEvictions >= 19_900)
    // One source has its share only, and an honest datagram still comes through.
    let pieces = peer.cut(peer.udp(pattern(60), isIPv4: version == .v4), 24, version)
    peer.deliver(pieces[0])
    for number in 0..<1_000 {
      peer.deliver(peer.fragment(0, 8, more: true, version, id: UInt32(number), host: 99))
    }
    peer.deliver(pieces[1])
    peer.deliver(pieces[2])
    #expect(try #require(try peer.read(socket)).1 == pattern(60))
    peer.expectUnharmed()
  }

  @Test("FRAG-6 FragmentSmack: a datagram has 64 fragments at most", arguments: versions)
  func smack(version: IPVersion) throws {
    let peer = try NetworkPeer()
    for place in 0..<8_000 {
      // 3001 is prime to 8000: all places once, in a wild order.
      peer.deliver(peer.fragment(8 + place * 3_001 % 8_000 * 8, 8, more: true, version))
      #expect(peer.stack.occupancy.fragmentBytes <= 64 * 256)
    }
    #expect(peer.counters.fragmentsConflicting == 1)
    #expect(peer.counters.fragmentsLate == 8_000 - 65)
    #expect(peer.stack.occupancy.fragmentBytes == 0)
    peer.expectUnharmed()
  }

  @Test("FRAG-6: all fragments together hold 256 KiB at most", arguments: versions)
  func memory(version: IPVersion) throws {
    let peer = try NetworkPeer(mtu: 9_000)
    for number in 0..<400 {
      peer.deliver(
        peer.fragment(8_000, 8_000, more: true, version, id: UInt32(number), host: 3 + number % 200)
      )
      #expect(peer.stack.occupancy.fragmentBytes <= 256 << 10)
    }
    #expect(peer.counters.reassemblyEvictions > 300)
    peer.expectUnharmed()
  }

  @Test("FRAG-7: a first fragment holds the transport's header, and nothing rewrites it")
  func tiny() throws {
    let peer = try NetworkPeer()
    peer.deliver(peer.fragment(0, 8, more: true, .v4, kind: .tcp))
    peer.deliver(peer.fragment(0, 16, more: true, .v4, id: 2, kind: .tcp))
    peer.deliver(peer.fragment(8, 32, more: false, .v4, id: 3, kind: .tcp))
    #expect(peer.counters.fragmentsInvalid == 3)
    peer.deliver(peer.fragment(0, 24, more: true, .v4, id: 4, kind: .tcp))
    #expect(peer.counters.fragmentsInvalid == 3)
    peer.deliver(peer.fragment(0, 8, more: true, .v6, kind: .tcp))
    #expect(peer.counters.malformed[.badOption] == 1)
    #expect(peer.counters.datagramsReassembled == 0)
    peer.expectUnharmed()
  }

  @Test("FRAG-8: lengths that are no multiple of eight, empty fragments, impossible flags")
  func odd() throws {
    let peer = try NetworkPeer()
    peer.deliver(peer.fragment(0, 27, more: true, .v4))
    peer.deliver(peer.fragment(16, 0, more: true, .v4, id: 2))
    peer.deliver(peer.fragment(16, 0, more: false, .v4, id: 3))
    peer.deliver(peer.fragment(16, 8, more: true, .v4, id: 4) { $0.dontFragment = true })
    peer.deliver(peer.fragment(16, 8, more: true, .v4, id: 5) { $0.reservedFlag = true })
    #expect(peer.counters.fragmentsInvalid == 5)
    #expect(peer.packets().isEmpty)
    // RFC 8200 §4.5: told where the payload length is.
    peer.deliver(peer.fragment(0, 27, more: true, .v6))
    let problem = try #require(peer.packets().first)
    #expect(try message6(problem) == .parameterProblem(code: 0, pointer: 4))
    peer.deliver(peer.fragment(16, 0, more: false, .v6, id: 2))
    #expect(peer.counters.malformed[.badFragment] == 1)
    peer.expectUnharmed()
  }

  @Test("FRAG-9: two ends, or bytes beyond the end, end the datagram", arguments: versions)
  func disagreeing(version: IPVersion) throws {
    let peer = try NetworkPeer()
    peer.deliver(peer.fragment(64, 8, more: false, version))
    peer.deliver(peer.fragment(32, 8, more: false, version))
    #expect(peer.counters.fragmentsConflicting == 1)
    peer.deliver(peer.fragment(64, 8, more: true, version, id: 2))
    peer.deliver(peer.fragment(64, 8, more: false, version, id: 2))
    #expect(peer.counters.fragmentsConflicting == 2)
    // Another protocol is another datagram on IPv4.
    peer.deliver(peer.fragment(0, 64, more: true, .v4, id: 3, kind: .udp))
    peer.deliver(peer.fragment(64, 8, more: false, .v4, id: 3, kind: .icmpv4))
    #expect(peer.counters.datagramsReassembled == 0)
    peer.expectUnharmed()
  }

  @Test(
    "FRAG-10: an overlap drops what is there and what comes later; a copy does not",
    arguments: versions)
  func overlap(version: IPVersion) throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let message = peer.udp(pattern(60), isIPv4: version == .v4)
    for shift in [-16, -8, 8, 16] {
      let id = UInt32(100 + shift)
      let pieces = peer.cut(message, 24, version, id: id)
      peer.deliver(pieces[0])
      peer.deliver(pieces[1])
      peer.deliver(peer.fragment(24 + shift, 24, more: true, version, id: id))
      peer.deliver(pieces[2])
    }
    #expect(peer.counters.fragmentsConflicting == 4)
    #expect(peer.counters.fragmentsLate == 4)
    #expect(try peer.read(socket) == nil)
    let pieces = peer.cut(message, 24, version, id: 200)
    for place in [0, 0, 1, 1, 0, 2] { peer.deliver(pieces[place]) }
    #expect(peer.counters.fragmentsDuplicate == 3)
    #expect(try #require(try peer.read(socket)).1 == pattern(60))
    // After the time is over the identification may be used again.
    peer.advance(.seconds(61))
    for piece in peer.cut(message, 24, version, id: 92) { peer.deliver(piece) }
    #expect(try #require(try peer.read(socket)).1 == pattern(60))
    peer.expectUnharmed()
  }

  @Test("FRAG-11: an atomic fragment is its own datagram, whatever waits under its number")
  func atomic() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let pieces = peer.cut(peer.udp(pattern(60), isIPv4: false), 24, .v6, id: 5)
    peer.deliver(pieces[0])
    let whole = peer.udp([9], isIPv4: false)
    peer.deliver(peer.fragment(of: whole, at: 0, more: false, .v6, id: 5))
    #expect(try #require(try peer.read(socket)).1 == [9])
    #expect(peer.stack.occupancy.partialDatagrams == 1)
    peer.deliver(pieces[1])
    peer.deliver(pieces[2])
    #expect(try #require(try peer.read(socket)).1 == pattern(60))
    peer.expectUnharmed()
  }

  @Test("FRAG-12: a path below 1,280 bytes is not believed, and makes no atomic fragment")
  func noAtomic() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(5_000)
    try peer.stack.connectUDP(socket, to: SocketAddress(.v6(peer.address6), port: 7), at: peer.now)
    _ = try peer.send(socket, pattern(1_300))
    let sent = try #require(peer.packets().first)
    for mtu: UInt32 in [0, 1, 40, 68, 1_000, 1_279] {
      peer.deliver(peer.ipv6(peer.icmp6(.packetTooBig(mtu: mtu), sent), .icmpv6))
    }
    #expect(peer.counters.pathUpdatesIgnored == 6)
    _ = try peer.send(socket, pattern(1_300))
    let packets = peer.packets()
    #expect(packets.count == 1 && packets[0][6] == 17)
    peer.expectUnharmed()
  }

  @Test("FRAG-13: a first fragment holds the whole chain of headers")
  func headerChain() throws {
    let peer = try NetworkPeer()
    // Destination options of 24 bytes, cut after 8.
    let chain: [UInt8] = [17, 2, 1, 4, 0, 0, 0, 0]
    peer.deliver(peer.fragment(of: chain, at: 0, more: true, .v6, kind: .destinationOptions))
    let problem = try #require(peer.packets().first)
    #expect(try message6(problem) == .parameterProblem(code: 3, pointer: 0))
    #expect(peer.stack.occupancy.fragmentBytes == 0)
    peer.expectUnharmed()
  }

  @Test("FRAG-14: a fragment inside a datagram put together from fragments is dropped")
  func nested() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let inner = peer.udp([1], isIPv4: false)
    let header: [UInt8] = [17, 0, 0, 0, 0, 0, 0, 9]
    let whole = header + inner + [UInt8](repeating: 0, count: 7)
    for piece in peer.cut(whole, 16, .v6, id: 7, kind: .fragment) { peer.deliver(piece) }
    #expect(try peer.read(socket) == nil)
    #expect(peer.counters.datagramsReceived == 0)
    // Unfragmentable headers that push the whole past 65,535 bytes.
    let options: [UInt8] =
      [44, 255, 1, 254] + [UInt8](repeating: 0, count: 254)
      + [1, 254] + [UInt8](repeating: 0, count: 254) + [1, 254]
      + [UInt8](repeating: 0, count: 254) + [1, 254] + [UInt8](repeating: 0, count: 254)
      + [1, 254] + [UInt8](repeating: 0, count: 254) + [1, 254]
      + [UInt8](repeating: 0, count: 254) + [1, 254] + [UInt8](repeating: 0, count: 254)
      + [1, 252] + [UInt8](repeating: 0, count: 252)
    let big = try NetworkPeer(mtu: 65_535)
    var offset = 0
    while offset < 64_000 {
      let length = min(16_000, 64_000 - offset)
      let fragment: [UInt8] =
        [17, 0, UInt8(offset >> 8), UInt8(offset & 0xF8) | (offset + length < 64_000 ? 1 : 0)]
        + [0, 0, 0, 1]
      big.deliver(
        big.ipv6(options + fragment + [UInt8](repeating: 7, count: length), .destinationOptions))
      offset += length
    }
    #expect(big.counters.datagramsReassembled == 0)
    #expect(big.counters.fragmentsInvalid == 1)
    #expect(big.stack.occupancy.fragmentBytes == 0)
    peer.expectUnharmed()
    big.expectUnharmed()
  }

  @Test("FRAG-15: errors, fragments and the timer together do no harm")
  func batch() throws {
    let peer = try NetworkPeer()
    for number in 0..<200 {
      let unknown: [UInt8] = [59, 0, 0x80, 4, 0, 0, 0, 0]
      peer.deliver(peer.ipv6(unknown, .destinationOptions))
      peer.deliver(peer.fragment(0, 1_280, more: true, .v6, id: UInt32(number)))
      peer.deliver(peer.fragment(64_000, 8, more: true, .v6, id: UInt32(number)))
    }
    let errors = peer.packets()
    #expect((1...24).contains(errors.count))
    #expect(peer.counters.errorsLimited > 150)
    for _ in 0..<7 {
      peer.advance(.seconds(10))
      for error in peer.packets() { #expect(error.count <= 1_280) }
    }
    #expect(peer.counters.reassemblyTimeouts == 16)
    #expect(peer.stack.occupancy.fragmentBytes == 0)
    peer.expectUnharmed()
  }

  @Test("FRAG-16: a fragment for an address that is gone meanwhile is ignored")
  func goneAddress() throws {
    let peer = try NetworkPeer()
    let pieces = peer.cut(peer.udp(pattern(60)), 24, .v4)
    peer.deliver(pieces[0])
    try peer.stack.removeAddress(.v4(peer.stack4), on: peer.interface, at: peer.now)
    peer.deliver(pieces[1])
    peer.deliver(pieces[2])
    #expect(peer.counters.foreignDestinations == 2)
    peer.advance(.seconds(61))
    #expect(peer.packets().isEmpty)
    #expect(peer.stack.occupancy.partialDatagrams == 0)
    try peer.add(.v4(peer.stack4), 24)
    peer.expectUnharmed()
  }

  @Test("FRAG-17: who sent a first fragment to this host alone is told that time is over")
  func timeExceeded() throws {
    let peer = try NetworkPeer()
    peer.deliver(peer.fragment(0, 1_480, more: true, .v4))
    peer.deliver(peer.fragment(1_480, 8, more: true, .v4, id: 2))
    peer.advance(.seconds(29))
    #expect(peer.counters.reassemblyTimeouts == 0)
    peer.advance(.seconds(1))
    #expect(peer.counters.reassemblyTimeouts == 2)
    let errors = peer.packets()
    #expect(errors.count == 1 && errors[0].count == 576)
    #expect(try message4(errors[0]) == .timeExceeded(code: 1))
    let first = peer.fragment(0, 1_400, more: true, .v6)
    peer.deliver(first)
    peer.deliver(peer.fragment(1_400, 8, more: true, .v6, id: 2))
    peer.deliver(
      peer.ipv6(Array(first.dropFirst(40)), .fragment, to: IPv6Address.allNodes))
    peer.advance(.seconds(60))
    let errors6 = peer.packets()
    #expect(errors6.count == 1 && errors6[0].count == 1_280)
    #expect(try message6(errors6[0]) == .timeExceeded(code: 1))
    #expect(Array(errors6[0][48...]) == Array(first.prefix(1_232)))
    // A broadcast's fragments time out in silence.
    peer.deliver(
      peer.ipv4(pattern(64), .udp, to: .broadcast) { $0.moreFragments = true })
    peer.advance(.seconds(60))
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("A congestion mark on one fragment marks the whole", arguments: versions)
  func congestion(version: IPVersion) throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    func marked(_ packet: [UInt8], _ ecn: UInt8) -> [UInt8] {
      var copy = packet
      if version == .v6 {
        copy[1] |= ecn << 4
        return copy
      }
      copy[1] |= ecn
      var bytes = copy.mutableSpan
      bytes.store(0 as UInt16, at: 10)
      var sum = InternetChecksum()
      sum.add(bytes.span.slice(from: 0, length: 20))
      bytes.store(sum.value, at: 10)
      return copy
    }
    let message = peer.udp(pattern(60), isIPv4: version == .v4)
    for (place, piece) in peer.cut(message, 24, version).enumerated() {
      peer.deliver(marked(piece, place == 1 ? 3 : 2))
    }
    #expect(try #require(try peer.read(socket)).0.ecn == .congestionExperienced)
    for (place, piece) in peer.cut(message, 24, version, id: 2).enumerated() {
      peer.deliver(marked(piece, place == 1 ? 3 : 0))
    }
    #expect(try peer.read(socket) == nil)
    peer.expectUnharmed()
  }
}

extension NetworkPeer {
  /// One fragment of zeros.
  func fragment(
    _ offset: Int, _ length: Int, more: Bool, _ version: IPVersion, id: UInt32 = 1,
    host: Int = 1, kind: IPProtocol = .udp, _ change: (inout IPv4Header) -> Void = { _ in }
  ) -> [UInt8] {
    fragment(
      of: [UInt8](repeating: 0, count: length), at: offset, more: more, version, id: id,
      host: host, kind: kind, change)
  }

  /// One fragment of a datagram, from a host of the peer's network.
  func fragment(
    of data: [UInt8], at offset: Int, more: Bool, _ version: IPVersion, id: UInt32 = 1,
    host: Int = 1, kind: IPProtocol = .udp, _ change: (inout IPv4Header) -> Void = { _ in }
  ) -> [UInt8] {
    if version == .v4 {
      return ipv4(data, kind, from: IPv4Address(10, 7, 0, UInt8(host))) {
        $0.identification = UInt16(truncatingIfNeeded: id)
        $0.fragmentOffset = offset
        $0.moreFragments = more
        change(&$0)
      }
    }
    var header = [UInt8](repeating: 0, count: 8)
    var bytes = header.mutableSpan
    FragmentHeader(nextHeader: kind, offset: offset, moreFragments: more, identification: id)
      .write(into: &bytes)
    return ipv6(
      header + data, .fragment, from: IPv6Address(0xFD07, 0, 0, 0, 0, 0, 0, UInt16(host)))
  }

  /// All fragments of a datagram.
  func cut(
    _ whole: [UInt8], _ step: Int, _ version: IPVersion, id: UInt32 = 1,
    kind: IPProtocol = .udp
  ) -> [[UInt8]] {
    stride(from: 0, to: whole.count, by: step).map { offset in
      fragment(
        of: Array(whole.dropFirst(offset).prefix(step)), at: offset,
        more: offset + step < whole.count, version, id: id, kind: kind)
    }
  }
}
