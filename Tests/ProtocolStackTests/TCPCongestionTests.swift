import Packets
import ProtocolStack
import Testing

/// How the congestion window follows what is sent, and what routers say by marks.
@Suite("TCP fits its window to the path")
struct TCPCongestionTests {
  private func conversation(tcp: TCPConfiguration = .init()) throws -> (TCPPeer, SocketHandle) {
    let peer = try TCPPeer(tcp: tcp)
    var syn = TCPOptions()
    syn.maximumSegmentSize = 1_000
    syn.sackPermitted = true
    return (peer, try peer.opensToListener(options: syn))
  }

  @Test(
    "in slow start the window grows to twice what was sent, and no further",
    arguments: [(5, 10), (6, 12), (9, 18), (10, 20)])
  func applicationLimited(segments: Int, window: Int) throws {
    let (peer, handle) = try conversation()
    try peer.writes(pattern(segments * 1_000), to: handle)
    _ = peer.all()
    for count in 1...segments { peer.sends([], seq: 1, ack: 1 + count * 1_000) }
    #expect(peer.info(handle)?.congestionWindow == window * 1_000)
  }

  @Test("an idle time takes the window back to that of a new connection", arguments: [true, false])
  func idle(restarts: Bool) throws {
    var tcp = TCPConfiguration()
    tcp.restartsAfterIdle = restarts
    let (peer, handle) = try conversation(tcp: tcp)
    try peer.writes(pattern(10_000), to: handle)
    _ = peer.all()
    for count in 1...10 { peer.sends([], seq: 1, ack: 1 + count * 1_000) }
    #expect(peer.info(handle)?.congestionWindow == 20_000)
    peer.waits(.seconds(5))
    try peer.writes(pattern(20_000), to: handle)
    #expect(peer.all().count == (restarts ? 10 : 20))
  }

  /// Both ends agreed on marks; the stack listens.
  private func marked() throws -> (TCPPeer, SocketHandle) {
    let peer = try TCPPeer()
    let listener = try peer.listens()
    var syn = TCPOptions()
    syn.maximumSegmentSize = 1_000
    peer.sends([.syn, .ece, .cwr], options: syn)
    let answer = try #require(peer.next())
    // RFC 3168 §6.1.1 (test): ECE alone agrees.
    #expect(answer.flags == [.syn, .ack, .ece])
    peer.sends([], seq: 1, ack: 1)
    return (peer, try #require(try peer.accepts(listener)))
  }

  @Test("an echo of a mark takes the window back once for a window of data, and is answered")
  func echo() throws {
    let (peer, handle) = try marked()
    #expect(peer.info(handle)?.usesCongestionNotification == true)
    try peer.writes(pattern(30_000), to: handle)
    #expect(peer.all().count == 10)
    peer.sends(.ece, seq: 1, ack: 1_001)
    let window = try #require(peer.info(handle)).congestionWindow
    #expect(window < 10_000)
    #expect(peer.info(handle)?.congestionState == .reduced)
    peer.sends(.ece, seq: 1, ack: 2_001)
    #expect(try #require(peer.info(handle)).congestionWindow >= window)
    var new: [TCPPeer.Seen] = []
    for count in 3...10 {
      peer.sends([], seq: 1, ack: 1 + count * 1_000)
      new += peer.all().filter { !$0.data.isEmpty }
    }
    #expect(new.first?.flags.contains(.cwr) == true)
    #expect(new.dropFirst().allSatisfy { !$0.flags.contains(.cwr) })
  }

  @Test("marks are agreed on only where both ends want them")
  func negotiation() throws {
    var tcp = TCPConfiguration()
    #expect(tcp.explicitCongestionNotification == .whenAsked)
    // Nobody asked.
    let plain = try TCPPeer(tcp: tcp)
    let handle = try plain.opensToListener()
    #expect(plain.info(handle)?.usesCongestionNotification == false)
    // It is switched off.
    tcp.explicitCongestionNotification = .never
    let off = try TCPPeer(tcp: tcp)
    _ = try off.listens()
    off.sends([.syn, .ece, .cwr])
    #expect(off.next()?.flags == [.syn, .ack])
    // Our SYN asks; sent again, it does not (RFC 3168 §6.1.1.1).
    tcp.explicitCongestionNotification = .always
    let asking = try TCPPeer(tcp: tcp)
    _ = try asking.connects()
    #expect(asking.next()?.flags == [.syn, .ece, .cwr])
    #expect(asking.waitsForTimer())
    #expect(asking.next()?.flags == .syn)
  }

  @Test("a connection nobody holds is given up after eight retransmissions")
  func orphan() throws {
    let (peer, handle) = try conversation()
    try peer.writes(pattern(100), to: handle)
    peer.stack.close(handle, at: peer.now)
    var sent = 0
    while true {
      sent += peer.all().filter { !$0.data.isEmpty }.count
      guard peer.waitsForTimer(atMost: .seconds(1_000)) else { break }
    }
    // The first, a tail loss probe and eight by the timer.
    #expect(sent == 10)
    #expect(peer.socketCount == 1)
  }
}
