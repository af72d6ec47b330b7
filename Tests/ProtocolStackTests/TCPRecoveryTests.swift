import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("TCP recovers")
struct TCPRecoveryTests {
  private func sack(_ peer: TCPPeer, _ blocks: [(Int, Int)]) -> TCPOptions {
    var options = TCPOptions()
    for (left, right) in blocks {
      options.sackBlocks.append(
        SACKBlock(
          left: .init(rawValue: peer.theirs &+ UInt32(left)),
          right: .init(rawValue: peer.theirs &+ UInt32(right))))
    }
    return options
  }

  @Test("the last segment lost is sent again when the timer runs out, ever more rarely")
  func timeout() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    try peer.writes(pattern(100), to: handle)
    _ = peer.all()
    let start = peer.now
    var times: [Int64] = []
    while times.count < 5 {
      #expect(peer.waitsForTimer())
      for seen in peer.all() where !seen.data.isEmpty {
        #expect(seen.data == pattern(100))
        times.append(peer.now.since(start).milliseconds)
      }
    }
    // RFC 6298 §5.5 (test): each wait is twice the last.
    let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
    for (one, two) in zip(gaps, gaps.dropFirst()) { #expect(abs(two - one * 2) <= 2) }
    peer.sends([], seq: 1, ack: 101)
    #expect(peer.info(handle)?.bytesUnacknowledged == 0)
    #expect(peer.info(handle)?.congestionWindow ?? 0 >= 1460)
  }

  @Test("TCP-54: after fifteen retransmissions the connection times out")
  func givesUp() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    try peer.writes(pattern(100), to: handle)
    var sent = 0
    while true {
      sent += peer.all().filter { !$0.data.isEmpty }.count
      guard peer.waitsForTimer(atMost: .seconds(1000)) else { break }
    }
    #expect(sent == 16)
    #expect(peer.events().contains(.failed(handle, .timedOut)))
    peer.stack.close(handle, at: peer.now)
    _ = peer.events()
    #expect(peer.socketCount == 1)
  }

  @Test("the user timeout ends the wait earlier")
  func userTimeout() throws {
    let peer = try TCPPeer()
    var socket = TCPSocketOptions()
    socket.userTimeout = .seconds(5)
    let handle = try peer.opensToListener(socket: socket)
    try peer.writes(pattern(100), to: handle)
    _ = peer.all()
    let start = peer.now
    while !peer.events().contains(.failed(handle, .timedOut)) {
      #expect(peer.waitsForTimer())
      _ = peer.all()
      guard peer.now.since(start) < .seconds(60) else { break }
    }
    #expect(peer.now.since(start) >= .seconds(5))
    #expect(peer.now.since(start) < .seconds(15))
  }

  @Test("three selective acknowledgments beyond a hole send it again, once")
  func fastRetransmit() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: TCPDataTests.modern)
    try peer.writes(pattern(14_600), to: handle)
    #expect(peer.all().count == 10)
    for count in 1...3 {
      peer.sends([], seq: 1, ack: 1, options: sack(peer, [(1461, 1461 + 1460 * count)]))
      let seen = peer.all()
      if count < 3 {
        #expect(seen.isEmpty)
      } else {
        #expect(seen.first?.sequence == 1)
        #expect(seen.first?.data == pattern(1460))
      }
    }
    // RFC 6675 §5 (test): more of the same does not send it a third time.
    peer.sends([], seq: 1, ack: 1, options: sack(peer, [(1461, 1461 + 1460 * 4)]))
    #expect(peer.all().allSatisfy { $0.sequence != 1 })
    peer.sends([], seq: 1, ack: 14_601)
    let info = try #require(peer.info(handle))
    #expect(!info.isInRecovery)
    #expect(info.retransmittedSegments == 1)
    // RFC 9438 §4.6 (test): CUBIC keeps seven tenths.
    #expect(info.slowStartThreshold == 10_220)
  }

  @Test("several holes are sent again in order, without a time-out")
  func severalHoles() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: TCPDataTests.modern)
    try peer.writes(pattern(14_600), to: handle)
    _ = peer.all()
    peer.sends(
      [], seq: 1, ack: 1,
      options: sack(peer, [(8761, 14_601), (4381, 7301), (1461, 2921)]))
    var again: [Int] = peer.all().map(\.sequence)
    for _ in 0..<3 {
      peer.sends(
        [], seq: 1, ack: 1461, options: sack(peer, [(8761, 14_601), (4381, 7301), (1461, 2921)]))
      again += peer.all().map(\.sequence)
    }
    #expect(again.filter { $0 < 14_601 } == [1, 2921, 7301])
  }

  @Test("three duplicates without SACK start recovery, and partial acknowledgments go on with it")
  func newReno() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    try peer.writes(pattern(14_600), to: handle)
    #expect(peer.all().count == 10)
    peer.sends([], seq: 1, ack: 1)
    peer.sends([], seq: 1, ack: 1)
    #expect(peer.all().isEmpty)
    peer.sends([], seq: 1, ack: 1)
    #expect(peer.all().first?.sequence == 1)
    // RFC 6582 §3.2 (test): a partial acknowledgment means the next one is lost too.
    peer.sends([], seq: 1, ack: 2921)
    #expect(peer.all().first?.sequence == 2921)
    peer.sends([], seq: 1, ack: 14_601)
    #expect(try #require(peer.info(handle)).isInRecovery == false)
  }

  @Test(
    "TCP-25, TCP-26: selective acknowledgments of nonsense change nothing",
    arguments: [
      (-2_147_483_000, 2921), (1461, 1461), (2921, 1461), (14_601, 20_000), (1, 2_000_000_000),
      (-1460, 1),
    ])
  func sackJunk(block: (Int, Int)) throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: TCPDataTests.modern)
    try peer.writes(pattern(14_600), to: handle)
    _ = peer.all()
    var options = TCPOptions()
    options.sackBlocks.append(
      SACKBlock(
        left: .init(rawValue: peer.theirs &+ UInt32(truncatingIfNeeded: block.0)),
        right: .init(rawValue: peer.theirs &+ UInt32(truncatingIfNeeded: block.1))))
    for _ in 0..<10 { peer.sends([], seq: 1, ack: 1, options: options) }
    #expect(peer.all().isEmpty)
    #expect(peer.info(handle)?.retransmittedSegments == 0)
    peer.sends([], seq: 1, ack: 14_601)
    #expect(peer.info(handle)?.bytesUnacknowledged == 0)
  }

  @Test("TCP-29: after a time-out what was selectively acknowledged is sent again")
  func reneging() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: TCPDataTests.modern)
    try peer.writes(pattern(4380), to: handle)
    _ = peer.all()
    peer.sends([], seq: 1, ack: 1, options: sack(peer, [(1461, 4381)]))
    #expect(peer.all().isEmpty)
    var sequences: Set<Int> = []
    for _ in 0..<3 {
      #expect(peer.waitsForTimer())
      for seen in peer.all() {
        sequences.insert(seen.sequence)
        peer.sends([], seq: 1, ack: seen.sequence + seen.data.count)
      }
      for seen in peer.all() { sequences.insert(seen.sequence) }
    }
    #expect(sequences.isSuperset(of: [1, 1461, 2921]))
  }

  @Test(
    "TCP-30: acknowledgments of what was never sent, or of long ago, are refused",
    arguments: [2000, 1_000_000, -70_000, -2_000_000_000])
  func ghostAcknowledgments(number: Int) throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    try peer.writes(pattern(1000), to: handle)
    _ = peer.all()
    peer.sends([], seq: 1, ack: number, data: pattern(10))
    #expect(peer.counters.acknowledgmentsRefused == 1)
    #expect(try peer.reads(handle) == [])
    #expect(peer.info(handle)?.bytesUnacknowledged == 1000)
  }

  @Test("TCP-23: four gigabytes wrap the sequence numbers unnoticed")
  func wrap() throws {
    var tcp = TCPConfiguration()
    tcp.fixedInitialSequenceNumber = 0xFFFF_FFF0
    let peer = try TCPPeer(tcp: tcp)
    peer.initial = 0xFFFF_FFF0
    let handle = try peer.opensToListener(options: TCPDataTests.modern)
    try peer.writes(pattern(14_600), to: handle)
    let sent = peer.all()
    #expect(sent.first?.rawSequence == 0xFFFF_FFF1)
    #expect(sent.last?.sequence == 13_141)
    peer.sends([], seq: 1, ack: 1, options: sack(peer, [(1461, 7301)]))
    #expect(peer.all().first?.sequence == 1)
    peer.sends([], seq: 1, ack: 14_601, data: pattern(100))
    #expect(try peer.reads(handle) == pattern(100))
    #expect(peer.info(handle)?.bytesUnacknowledged == 0)
  }

  @Test("TCP-52: the millisecond clock wraps without a stall")
  func clockWrap() throws {
    let peer = try TCPPeer()
    peer.now = Instant(nanoseconds: (1 << 32) * 1_000_000 - 100_000_000)
    peer.stack.advance(to: peer.now)
    var options = TCPDataTests.modern
    options.timestamp = .init(value: 0xFFFF_FFF0, echo: 0)
    peer.timestamp = 0xFFFF_FFF0
    let handle = try peer.opensToListener(options: options)
    for step in 0..<10 {
      peer.waits(.milliseconds(50))
      peer.timestamp = peer.timestamp.map { $0 &+ 50 }
      peer.sends(.psh, seq: 1 + step * 10, ack: 1, data: pattern(10, from: step * 10))
    }
    #expect(try peer.reads(handle) == pattern(100))
  }
}
