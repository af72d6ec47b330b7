import Packets
import ProtocolStack
import Testing

/// RACK-TLP (RFC 8985) and proportional rate reduction (RFC 9937), segment by segment.
@Suite("TCP finds losses by time")
struct TCPLossDetectionTests {
  /// A peer with SACK whose round trip is 100 ms, and ten segments on their way to it.
  private func conversation(_ segments: Int = 10) throws -> (TCPPeer, SocketHandle) {
    let peer = try TCPPeer()
    let listener = try peer.listens()
    var syn = TCPOptions()
    syn.maximumSegmentSize = 1_000
    syn.sackPermitted = true
    peer.sends(.syn, options: syn)
    _ = peer.next()
    peer.waits(.milliseconds(100))
    peer.sends([], seq: 1, ack: 1)
    let handle = try #require(try peer.accepts(listener))
    try peer.writes(pattern(segments * 1_000), to: handle)
    #expect(peer.all().count == segments)
    peer.waits(.milliseconds(100))
    return (peer, handle)
  }

  private func acknowledges(_ peer: TCPPeer, _ number: Int, _ blocks: (Int, Int)...) {
    var options = TCPOptions()
    for (left, right) in blocks {
      options.sackBlocks.append(
        SACKBlock(
          left: .init(rawValue: peer.theirs &+ UInt32(left)),
          right: .init(rawValue: peer.theirs &+ UInt32(right))))
    }
    peer.sends([], seq: 1, ack: number, options: options)
  }

  @Test("what is late by a quarter of the round trip is lost, though one segment alone tells of it")
  func reorderingTimer() throws {
    let (peer, handle) = try conversation()
    acknowledges(peer, 1, (7_001, 8_001))
    #expect(peer.all().isEmpty)
    #expect(peer.info(handle)?.congestionState == .disorder)
    let start = peer.now
    #expect(peer.waitsForTimer())
    #expect(peer.now.since(start) == .milliseconds(25))
    #expect(peer.all().map(\.sequence) == [1])
    let info = try #require(peer.info(handle))
    #expect(info.congestionState == .recovery)
    // All that was sent before what has arrived, and nothing behind it.
    #expect(info.bytesLost == 7_000)
    #expect(info.bytesResent == 1_000)
  }

  @Test("what comes within that time was only overtaken")
  func overtaken() throws {
    let (peer, handle) = try conversation()
    acknowledges(peer, 1, (1_001, 2_001))
    peer.waits(.milliseconds(20))
    acknowledges(peer, 2_001)
    #expect(peer.all().isEmpty)
    let info = try #require(peer.info(handle))
    #expect(info.retransmittedSegments == 0)
    #expect(info.congestionState == .open)
  }

  @Test("a repetition that is lost as well is sent a third time, without a time-out")
  func lostRepetition() throws {
    let (peer, handle) = try conversation()
    acknowledges(peer, 1, (2_001, 6_001))
    #expect(peer.all().map(\.sequence) == [1, 1_001])
    peer.waits(.milliseconds(10))
    acknowledges(peer, 1, (2_001, 10_001))
    _ = peer.all()
    peer.waits(.milliseconds(100))
    // The second hole was filled by what left with the first one's repetition.
    acknowledges(peer, 1, (1_001, 10_001))
    #expect(peer.all().map(\.sequence) == [1])
    peer.waits(.milliseconds(100))
    acknowledges(peer, 10_001)
    let info = try #require(peer.info(handle))
    #expect(info.timeouts == 0)
    #expect(info.retransmittedSegments == 3)
    #expect(info.congestionState == .open)
  }

  @Test("less than a segment of what was sent proves nothing")
  func partOfSegment() throws {
    let (peer, handle) = try conversation(4)
    acknowledges(peer, 1, (4_000, 4_001))
    #expect(peer.info(handle)?.bytesArrived == 0)
    // RFC 8985 §7 (test): so the tail is probed, two round trips after it was sent.
    let start = peer.now
    #expect(peer.waitsForTimer())
    #expect(peer.now.since(start) == .milliseconds(100))
    let probe = try #require(peer.next())
    #expect(probe.sequence == 3_001)
    #expect(probe.flags.contains(.psh))
  }

  @Test("the lost end of a flight is probed for, and the answer begins fast recovery")
  func tailLoss() throws {
    let (peer, handle) = try conversation()
    // The first four arrive, the rest is lost.
    acknowledges(peer, 4_001)
    var probes: [Int] = []
    while probes.isEmpty, peer.waitsForTimer() { probes = peer.all().map(\.sequence) }
    #expect(probes == [9_001])
    peer.waits(.milliseconds(100))
    acknowledges(peer, 4_001, (9_001, 10_001))
    #expect(peer.all().map(\.sequence).first == 4_001)
    #expect(peer.info(handle)?.congestionState == .recovery)
    #expect(peer.info(handle)?.timeouts == 0)
  }

  @Test("a probe is sent once; then the retransmission timer runs")
  func oneProbe() throws {
    let (peer, handle) = try conversation(2)
    var sequences: [Int] = []
    for _ in 0..<2 {
      #expect(peer.waitsForTimer())
      sequences += peer.all().map(\.sequence)
    }
    #expect(sequences == [1_001, 1])
    let info = try #require(peer.info(handle))
    #expect(info.timeouts == 1)
    #expect(info.congestionState == .loss)
    #expect(info.congestionWindow == 1_000)
  }

  @Test("a probe that repaired a loss takes the window back, one that was not needed does not")
  func probeRepairs() throws {
    for isReported in [false, true] {
      let (peer, handle) = try conversation(2)
      #expect(peer.waitsForTimer())
      #expect(peer.all().map(\.sequence) == [1_001])
      acknowledges(peer, 2_001)
      try peer.writes(pattern(1_000), to: handle)
      _ = peer.all()
      // RFC 2883 (test): the peer had it twice.
      if isReported { acknowledges(peer, 2_001, (1_001, 2_001)) }
      acknowledges(peer, 3_001)
      let threshold = try #require(peer.info(handle)).slowStartThreshold
      #expect(threshold == (isReported ? .max : 7_000))
    }
  }

  @Test("in recovery not more is sent than arrives, and the window ends at the threshold")
  func proportionalReduction() throws {
    let (peer, handle) = try conversation()
    try peer.writes(pattern(20_000), to: handle)
    #expect(peer.all().isEmpty)
    // The first is lost; each arrival lets one segment go.
    var sent: [Int] = []
    var window = 10_000
    for arrived in 1...9 {
      acknowledges(peer, 1, (1_001, 1_001 + arrived * 1_000))
      let now = peer.all()
      #expect(now.count <= 1)
      sent += now.map(\.sequence)
      if arrived >= 3 {
        let info = try #require(peer.info(handle))
        #expect(info.congestionWindow <= window)
        window = info.congestionWindow
        #expect(info.slowStartThreshold == 7_000)
      }
    }
    // RFC 3042 (test): the first two arrivals sent something new.
    #expect(sent.prefix(3) == [10_001, 11_001, 1])
    acknowledges(peer, 10_001)
    #expect(peer.info(handle)?.congestionWindow == 7_000)
  }

  @Test("blocks on an acknowledgment that was overtaken still count")
  func overtakenAcknowledgment() throws {
    let (peer, handle) = try conversation()
    acknowledges(peer, 2_001)
    acknowledges(peer, 1_001, (5_001, 7_001))
    #expect(peer.info(handle)?.bytesArrived == 2_000)
  }

  @Test("TCP-29: a peer that had what it denies now is sent all of it again")
  func deniedArrivals() throws {
    let (peer, handle) = try conversation(4)
    acknowledges(peer, 1, (1_001, 3_001))
    acknowledges(peer, 1_001)
    #expect(peer.info(handle)?.bytesArrived == 0)
    var next = 1_001
    for _ in 0..<20 where next < 4_001 {
      for seen in peer.all() where seen.sequence == next { next += seen.data.count }
      acknowledges(peer, next)
      #expect(next == 4_001 || peer.waitsForTimer())
    }
    #expect(next == 4_001)
  }

  @Test("TCP-28: holes without number cost a bounded table, and the transfer still ends")
  func manyHoles() throws {
    let peer = try TCPPeer()
    var socket = TCPSocketOptions()
    socket.noDelay = true
    var syn = TCPDataTests.modern
    syn.windowScale = 7
    let handle = try peer.opensToListener(options: syn, socket: socket)
    var written = 0
    for step in 0..<6_000 {
      written += try peer.writes([UInt8(truncatingIfNeeded: step)], to: handle)
      for seen in peer.all() where seen.sequence.isMultiple(of: 2) {
        acknowledges(peer, 1, (seen.sequence, seen.sequence + seen.data.count))
      }
    }
    _ = peer.all()
    acknowledges(peer, 1 + (peer.info(handle)?.bytesUnacknowledged ?? 0))
    while let left = peer.info(handle), left.bytesQueued > 0 {
      _ = peer.all()
      let sent = peer.info(handle)?.bytesUnacknowledged ?? 0
      #expect(sent > 0)
      guard sent > 0 else { break }
      acknowledges(peer, 1 + written - left.bytesQueued + sent)
    }
    #expect(peer.info(handle)?.bytesQueued == 0)
  }
}
