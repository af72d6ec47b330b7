import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Echo") struct NetworkEchoTests {
  @Test("A ping is answered with the same bytes", arguments: [NetworkPeer.Link.ip, .ethernet])
  func answered(link: NetworkPeer.Link) throws {
    let peer = try NetworkPeer(link)
    peer.deliver(peer.echo4(pattern(56)))
    peer.deliver(peer.echo6(pattern(56)))
    let answers = peer.packets()
    try #require(answers.count == 2)
    let first = try header4(answers[0])
    #expect(first.source == peer.stack4 && first.destination == peer.address4)
    #expect(first.timeToLive == 64 && first.identification == 0 && first.dontFragment)
    let reply = try message4(answers[0])
    #expect(reply == .echoReply(identifier: 9, sequence: 1))
    #expect(Array(answers[0].dropFirst(28)) == pattern(56))
    let second = try header6(answers[1])
    #expect(second.source == peer.stack6 && second.destination == peer.address6)
    #expect(try message6(answers[1]) == .echoReply(identifier: 9, sequence: 1))
    #expect(peer.counters.echoRequestsAnswered == 2)
  }

  @Test("Pings of up to 60,000 bytes come and go in fragments", arguments: [1_500, 4_000, 60_000])
  func large(size: Int) throws {
    for link in [NetworkPeer.Link.ip, .ethernet] {
      let a = try NetworkPeer(link)
      // The peer's end is a stack too: what one cuts the other puts together.
      let b = try Partner(of: a)
      for version in [IPVersion.v4, .v6] {
        let target: IPAddress = version == .v4 ? .v4(a.stack4) : .v6(a.stack6)
        let socket = try b.stack.openEcho(nil, version: version, at: a.now)
        try b.stack.sendEcho(
          socket, to: target, zone: 0, sequence: 77, payload: pattern(size).span, hopLimit: 64,
          at: a.now)
        b.exchange(with: a)
        var bytes = [UInt8](repeating: 0, count: 65_535)
        var span = bytes.mutableSpan
        let reply = try #require(try b.stack.receiveEcho(socket, into: &span, at: a.now))
        #expect(reply.count == size && reply.kind == .reply && reply.sequence == 77)
        #expect(reply.source == target && reply.hopLimit == 64)
        #expect(Array(bytes.prefix(size)) == pattern(size))
        b.stack.close(socket, at: a.now)
      }
      #expect(a.stack.occupancy.partialDatagrams == 0)
      #expect(b.stack.socketCount == 0)
      if size > 1_500 { #expect(a.counters.datagramsReassembled == 2) }
    }
  }

  @Test("An echo socket hears of hosts that cannot be reached")
  func unreachable() throws {
    let peer = try NetworkPeer()
    let socket = try peer.stack.openEcho(nil, version: .v4, at: peer.now)
    try peer.stack.sendEcho(
      socket, to: .v4(peer.address4), sequence: 5, payload: pattern(8).span, at: peer.now)
    let request = try #require(peer.packets().first)
    peer.deliver(
      peer.ipv4(
        peer.icmp4(.destinationUnreachable(.host, nextHopMTU: 0), Array(request.prefix(28))),
        .icmpv4))
    #expect(peer.events() == [.readable(socket)])
    var bytes: [UInt8] = [0]
    var span = bytes.mutableSpan
    let news = try #require(try peer.stack.receiveEcho(socket, into: &span, at: peer.now))
    #expect(news.kind == .unreachable(code: 1) && news.sequence == 5)
    var again = bytes.mutableSpan
    #expect(try peer.stack.receiveEcho(socket, into: &again, at: peer.now) == nil)
  }
}
