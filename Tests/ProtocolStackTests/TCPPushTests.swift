import Packets
import ProtocolStack
import Testing

/// What users say about when and how queued bytes leave.
@Suite("TCP sends when it is told to")
struct TCPPushTests {
  private func conversation(
    socket: TCPSocketOptions = .init(), tcp: TCPConfiguration = .init()
  ) throws -> (TCPPeer, SocketHandle) {
    let peer = try TCPPeer(tcp: tcp)
    var syn = TCPOptions()
    syn.maximumSegmentSize = 1_000
    syn.sackPermitted = true
    return (peer, try peer.opensToListener(options: syn, socket: socket))
  }

  @Test("what waits for more leaves when the timer runs out, and asks to be handed on")
  func patience() throws {
    let (peer, handle) = try conversation()
    peer.stack.expectMore(handle, true)
    try peer.writes(pattern(40), to: handle)
    #expect(peer.all().isEmpty)
    let start = peer.now
    #expect(peer.waitsForTimer())
    // RFC 6298 §2 (test): the retransmission timeout, with its floor.
    #expect(peer.now.since(start) <= .milliseconds(250))
    let seen = try #require(peer.next())
    #expect(seen.data.count == 40)
    #expect(seen.flags.contains(.psh))
  }

  @Test("only the end of what its user wants handed on asks for that")
  func push() throws {
    let (peer, handle) = try conversation()
    peer.stack.expectMore(handle, true)
    try peer.writes(pattern(2_500), to: handle)
    #expect(peer.all().map { $0.flags.contains(.psh) } == [false, false])
    peer.stack.expectMore(handle, false)
    try peer.writes(pattern(500), to: handle)
    #expect(peer.all().map { $0.flags.contains(.psh) } == [true])
  }

  @Test("a flush sends what is corked")
  func flush() throws {
    var socket = TCPSocketOptions()
    socket.isCorked = true
    let (peer, handle) = try conversation(socket: socket)
    try peer.writes(pattern(80), to: handle)
    #expect(peer.all().isEmpty)
    peer.stack.flush(handle, at: peer.now)
    #expect(peer.all().map(\.data.count) == [80])
    try peer.writes(pattern(80), to: handle)
    #expect(peer.all().isEmpty)
  }

  @Test("records share no packet, neither when they are sent nor when they are sent again")
  func records() throws {
    let (peer, handle) = try conversation()
    for _ in 0..<3 {
      try peer.writes(pattern(400), to: handle)
      peer.stack.endRecord(handle)
    }
    try peer.writes(pattern(2_000), to: handle)
    #expect(peer.all().map(\.data.count) == [400, 400, 400, 1_000, 1_000])
    // The time-out sends all again, as far as the window goes.
    while try #require(peer.info(handle)).timeouts == 0 { #expect(peer.waitsForTimer()) }
    var again: [Int] = []
    var next = 1
    for _ in 0..<6 {
      for seen in peer.all() where seen.sequence == next {
        again.append(seen.data.count)
        next += seen.data.count
      }
      peer.sends([], seq: 1, ack: next)
    }
    #expect(again.prefix(3) == [400, 400, 400])
  }

  @Test("not more is queued than the low-water mark allows to wait")
  func notSentLowWater() throws {
    var socket = TCPSocketOptions()
    socket.notSentLowWater = 4_000
    let (peer, handle) = try conversation(socket: socket)
    // What half of the peer's window takes as one packet is filled.
    #expect(try peer.writes(pattern(59_000), to: handle) == 32_000)
    #expect(try peer.writes(pattern(1_000), to: handle) == 0)
    let isLimited = peer.stack.readiness(handle)?.isUnsentLimited
    #expect(isLimited == true)
    _ = peer.events()
    var acknowledged = 1
    while true {
      for seen in peer.all() { acknowledged = seen.sequence + seen.data.count }
      let unsent = peer.stack.readiness(handle)?.unsentBytes ?? 0
      let isTold = peer.events().contains(.writable(handle))
      // Half of the mark is to be free.
      #expect(isTold == (unsent < 2_000))
      guard unsent >= 2_000 else { break }
      peer.sends([], seq: 1, ack: acknowledged)
    }
  }

  @Test("a reset carries timestamps where they are in use")
  func resetTimestamp() throws {
    let peer = try TCPPeer()
    peer.timestamp = 100
    var syn = TCPDataTests.modern
    syn.timestamp = .init(value: 100, echo: 0)
    let handle = try peer.opensToListener(options: syn)
    peer.sends(.psh, seq: 1, ack: 1, data: pattern(10))
    _ = peer.all()
    peer.stack.close(handle, at: peer.now)
    let reset = try #require(peer.next())
    #expect(reset.flags == [.rst, .ack])
    #expect(reset.options.timestamp?.echo == 100)
  }

  @Test("the counters tell how long data was under way, and what held it back")
  func times() throws {
    let (peer, handle) = try conversation()
    peer.sends([], seq: 1, ack: 1, window: 0)
    try peer.writes(pattern(500), to: handle)
    #expect(peer.all().isEmpty)
    peer.waits(.milliseconds(100))
    #expect(peer.info(handle)?.windowLimitedTime == .milliseconds(100))
    peer.sends([], seq: 1, ack: 1, window: 1_000)
    #expect(peer.all().count == 1)
    peer.waits(.milliseconds(30))
    peer.sends([], seq: 1, ack: 501, window: 1_000)
    peer.waits(.milliseconds(70))
    let info = try #require(peer.info(handle))
    #expect(info.windowLimitedTime == .milliseconds(100))
    #expect(info.busyTime == .milliseconds(130))
    #expect(info.sinceDataSent == .milliseconds(100))
    #expect(info.sinceAcknowledgment == .milliseconds(70))
    #expect(info.dataSegmentsSent == 1)
    #expect(info.bytesAcknowledged == 500)
  }
}
