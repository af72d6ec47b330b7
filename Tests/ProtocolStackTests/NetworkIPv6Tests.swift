import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("IPv6") struct NetworkIPv6Tests {
  @Test("IP6-1: payload lengths that contradict the packet, and every cut, are dropped")
  func lengths() throws {
    let peer = try NetworkPeer()
    let good = peer.echo6()
    for length: UInt16 in [UInt16(good.count - 39), 1_000, 65_535] {
      var wrong = good
      var bytes = wrong.mutableSpan
      bytes.store(length, at: 4)
      peer.deliver(wrong)
    }
    #expect(peer.counters.malformed[.badLength] == 3)
    for length in 0..<8 {
      var short = good
      var bytes = short.mutableSpan
      bytes.store(UInt16(length), at: 4)
      peer.deliver(short)
    }
    for length in 1..<good.count { peer.deliver(Array(good.prefix(length))) }
    #expect(peer.packets().isEmpty)
    #expect(peer.counters.malformed.total > 50)
    peer.expectUnharmed()
  }

  @Test("IP6-2: extension headers longer than the packet are refused, with a pointer")
  func headerLengths() throws {
    let peer = try NetworkPeer { $0.errorBurst = 64 }
    for kind in [IPProtocol.hopByHopOptions, .destinationOptions, .routing] {
      for length in 1...255 {
        let header: [UInt8] = [17, UInt8(length), 1, 4, 0, 0, 0, 0]
        peer.deliver(peer.ipv6(header, kind))
      }
    }
    #expect(peer.counters.malformed[.badOption] == 765)
    let problem = try #require(peer.packets().first)
    #expect(try message6(problem) == .parameterProblem(code: 0, pointer: 41))
    peer.expectUnharmed()
  }

  @Test("IP6-3: options that reach past their header, or do not advance, end the walk")
  func optionWalk() throws {
    let peer = try NetworkPeer()
    for length: UInt8 in [5, 6, 100, 255] {
      peer.deliver(peer.ipv6([17, 0, 1, length, 0, 0, 0, 0], .destinationOptions))
    }
    // An unknown one of length zero, which may be passed over, six times.
    let message = peer.udp([1], isIPv4: false)
    let socket = try peer.bind(7)
    peer.deliver(peer.ipv6([17, 0, 0x1E, 0, 0x1E, 0, 0x1E, 0] + message, .destinationOptions))
    #expect(peer.counters.malformed[.badOption] == 4)
    #expect(try #require(try peer.read(socket)).1 == [1])
    peer.expectUnharmed()
  }

  @Test("IP6-4: what to do about an unknown option is written in it")
  func unknownOptions() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let message = peer.udp([1], isIPv4: false)
    func send(_ kind: UInt8, to destination: IPv6Address? = nil) {
      peer.deliver(
        peer.ipv6([17, 0, kind, 4, 0, 0, 0, 0] + message, .hopByHopOptions, to: destination))
    }
    send(0x1E)
    #expect(try #require(try peer.read(socket)).1 == [1])
    send(0x5E)
    #expect(peer.counters.malformed[.unrecognizedOption] == 1)
    #expect(peer.packets().isEmpty)
    for kind: UInt8 in [0x9E, 0xDE] {
      send(kind)
      let problem = try #require(peer.packets().first)
      #expect(try message6(problem) == .parameterProblem(code: 2, pointer: 42))
    }
    // To a group only the one kind gets an answer, from an address of ours.
    send(0x9E, to: .allNodes)
    let problem = try #require(peer.packets().first)
    #expect(try header6(problem).source == peer.stack6)
    send(0xDE, to: .allNodes)
    #expect(peer.packets().isEmpty)
    #expect(try peer.read(socket) == nil)
    peer.expectUnharmed()
  }

  @Test("IP6-5: more than 8 headers or 64 options are too many")
  func longChains() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let message = peer.udp([1], isIPv4: false)
    func chain(_ count: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      for place in 0..<count { bytes += [place + 1 < count ? 60 : 17, 0, 1, 4, 0, 0, 0, 0] }
      return bytes + message
    }
    peer.deliver(peer.ipv6(chain(8), .destinationOptions))
    #expect(try #require(try peer.read(socket)).1 == [1])
    for count in [9, 50, 155] { peer.deliver(peer.ipv6(chain(count), .destinationOptions)) }
    let many: [UInt8] = [17, 17] + [UInt8](repeating: 0, count: 142)
    peer.deliver(peer.ipv6(many + message, .destinationOptions))
    #expect(peer.counters.malformed[.tooMany] == 4)
    // Hop-by-hop options anywhere but in front are a next header that means nothing.
    peer.deliver(
      peer.ipv6([0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0] + message, .destinationOptions))
    peer.deliver(
      peer.ipv6([0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0] + message, .hopByHopOptions))
    for problem in peer.packets() {
      #expect(try message6(problem) == .parameterProblem(code: 1, pointer: 40))
    }
    #expect(try peer.read(socket) == nil)
    peer.expectUnharmed()
  }

  @Test("IP6-6, IP6-7: routing headers of every type are passed over or refused, never followed")
  func routingHeaders() throws {
    let peer = try NetworkPeer { $0.errorBurst = 64 }
    let socket = try peer.bind(7)
    let message = peer.udp([1], isIPv4: false)
    for type: UInt8 in [0, 1, 2, 3, 4, 253, 255] {
      peer.deliver(peer.ipv6([17, 0, type, 0, 0, 0, 0, 0] + message, .routing))
      #expect(try #require(try peer.read(socket)).1 == [1])
      for left: UInt8 in [1, 2, 255] {
        let route: [UInt8] = [17, 2, type, left, 0xFF, 0x70, 0, 0] + Array(repeating: 1, count: 16)
        peer.deliver(peer.ipv6(route + message, .routing))
        let problem = try #require(peer.packets().first)
        #expect(try message6(problem) == .parameterProblem(code: 0, pointer: 42))
      }
    }
    #expect(try peer.read(socket) == nil)
    peer.expectUnharmed()
  }

  @Test("IP6-8: encryption and authentication are protocols nobody speaks here")
  func security() throws {
    let peer = try NetworkPeer()
    for kind in [IPProtocol.authentication, .encapsulatingSecurityPayload] {
      peer.deliver(peer.ipv6([17, 0, 0, 0, 0, 0, 0, 0], kind))
      let problem = try #require(peer.packets().first)
      #expect(try message6(problem) == .parameterProblem(code: 1, pointer: 6))
    }
    #expect(peer.counters.unknownProtocols == 2)
    peer.expectUnharmed()
  }

  @Test("IP6-9: jumbo payloads are an option like any other that is not known")
  func jumbo() throws {
    let peer = try NetworkPeer()
    let jumbo: [UInt8] = [17, 0, 0xC2, 4, 0, 1, 0, 0]
    peer.deliver(peer.ipv6(jumbo + peer.udp([1], isIPv4: false), .hopByHopOptions))
    let problem = try #require(peer.packets().first)
    #expect(try message6(problem) == .parameterProblem(code: 2, pointer: 42))
    var zero = peer.ipv6(jumbo + peer.udp([1], isIPv4: false), .hopByHopOptions)
    var bytes = zero.mutableSpan
    bytes.store(0 as UInt16, at: 4)
    peer.deliver(zero)
    #expect(peer.counters.malformed[.truncated] == 1)
    #expect(peer.counters.datagramsToNobody == 0)
    peer.expectUnharmed()
  }

  @Test("IP6-10: a path's MTU is believed between 1,280 and the link's, of packets that are ours")
  func packetTooBig() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(5_000)
    try peer.stack.connectUDP(socket, to: SocketAddress(.v6(peer.address6), port: 7), at: peer.now)
    _ = try peer.send(socket, pattern(1_400))
    let sent = try #require(peer.packets().first)
    for mtu: UInt32 in [0, 1, 40, 1_279, 1_500, 65_536, .max] {
      peer.deliver(peer.ipv6(peer.icmp6(.packetTooBig(mtu: mtu), sent), .icmpv6))
    }
    #expect(peer.counters.pathUpdatesIgnored == 7)
    var foreign = sent
    foreign[41] ^= 1
    peer.deliver(peer.ipv6(peer.icmp6(.packetTooBig(mtu: 1_300), foreign), .icmpv6))
    #expect(peer.counters.pathUpdatesIgnored == 8 && peer.counters.errorsUnmatched == 1)
    #expect(peer.stack.occupancy.paths == 0)
    peer.deliver(peer.ipv6(peer.icmp6(.packetTooBig(mtu: 1_300), sent), .icmpv6))
    #expect(peer.counters.pathUpdates == 1)
    _ = try peer.send(socket, pattern(1_400))
    let pieces = peer.packets()
    #expect(pieces.count == 2 && pieces.allSatisfy { $0.count <= 1_300 && $0[6] == 44 })
    // After ten minutes the path is tried again.
    peer.advance(.seconds(601))
    _ = try peer.send(socket, pattern(1_400))
    #expect(peer.packets().count == 1)
    peer.expectUnharmed()
  }

  @Test("IP6-11: reports about a hundred thousand destinations leave nothing behind")
  func manyPaths() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(5_000)
    _ = try peer.send(socket, pattern(1_400), to: .v6(peer.address6))
    var sent = try #require(peer.packets().first)
    for number: UInt32 in 0..<100_000 {
      var bytes = sent.mutableSpan
      bytes.store(number, at: 36)
      // From another port than any of ours, and from ours.
      bytes.store(number & 1 == 0 ? 6_000 : 5_000 as UInt16, at: 40)
      peer.deliver(peer.ipv6(peer.icmp6(.packetTooBig(mtu: 1_280), sent), .icmpv6))
    }
    #expect(peer.stack.occupancy.paths <= 256)
    #expect(peer.counters.errorsUnmatched == 50_000)
    #expect(peer.packets().isEmpty)
    peer.expectUnharmed()
  }

  @Test("IP6-12, IP6-13: ICMPv6 messages cut at every byte are dropped")
  func shortMessages() throws {
    let peer = try NetworkPeer()
    let inner = peer.echo6()
    for type: UInt8 in [1, 2, 3, 4, 128, 129, 133, 134, 135, 136, 137] {
      let whole = [type, 0, 0, 0, 0, 0, 5, 0] + inner
      for length in 0..<48 {
        var message = Array(whole.prefix(length))
        if length >= 4 {
          var bytes = message.mutableSpan
          ICMPv6Message.fillChecksum(
            in: &bytes, source: peer.address6, destination: peer.stack6)
        }
        peer.deliver(peer.ipv6(message, .icmpv6))
      }
    }
    for packet in peer.packets() {
      // Only whole echo requests were answered.
      #expect(packet[40] == 129)
    }
    #expect(peer.counters.echoRequestsAnswered == 40)
    #expect(peer.counters.malformed.total > 100)
    peer.expectUnharmed()
  }

  @Test("IP6-14: without a usable address nothing is sent, and the user is told why")
  func noSource() throws {
    let peer = try NetworkPeer(hasAddresses: false)
    let socket = try peer.bind(0)
    #expect(throws: StackError.networkUnreachable) {
      try peer.send(socket, [1], to: .v6(peer.address6))
    }
    let everything = try #require(Prefix(.v6(.any), length: 0))
    try peer.stack.addRoute(everything, via: nil, on: peer.interface)
    #expect(throws: StackError.addressNotAvailable) {
      try peer.send(socket, [1], to: .v6(peer.address6))
    }
    #expect(throws: StackError.addressNotAvailable) {
      try peer.stack.connectTCP(to: SocketAddress(.v6(peer.address6), port: 80), at: peer.now)
    }
    let tentative = try NetworkPeer(.ethernet, probes: 1)
    let other = try tentative.bind(0)
    #expect(throws: StackError.addressNotAvailable) {
      try tentative.send(other, [1], to: .v6(tentative.address6))
    }
    for _ in 0..<3 { tentative.advance(.milliseconds(600)) }
    #expect(try tentative.send(other, [1], to: .v6(tentative.address6)))
  }

  @Test("IP6-15: sources that cannot be are dropped; flow labels and classes do not matter")
  func martians() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let sources = [
      IPv6Address.any, .loopback, .allNodes, IPv6Address(mapping: peer.address4), peer.stack6,
    ]
    for source in sources {
      peer.deliver(peer.ipv6(peer.udp([1], isIPv4: false), .udp, from: source))
    }
    #expect(peer.counters.martianSources == 5)
    // An echo request from nobody in particular cannot be answered.
    peer.deliver(
      peer.ipv6(
        peer.icmp6(.echoRequest(identifier: 1, sequence: 1), from: .any), .icmpv6, from: .any))
    #expect(peer.counters.martianSources == 6)
    #expect(try peer.read(socket) == nil)
    #expect(peer.packets().isEmpty)
    var odd = peer.ipv6(peer.udp([2], isIPv4: false), .udp)
    odd[0] = 0x6F
    odd[1] = 0xFF
    odd[2] = 0xFF
    peer.deliver(odd)
    #expect(try #require(try peer.read(socket)).1 == [2])
    for destination in [IPv6Address.loopback, .any, IPv6Address(mapping: peer.stack4)] {
      peer.deliver(peer.ipv6(peer.udp([1], isIPv4: false), .udp, to: destination))
    }
    #expect(peer.counters.foreignDestinations == 3)
    peer.expectUnharmed()
  }
}
