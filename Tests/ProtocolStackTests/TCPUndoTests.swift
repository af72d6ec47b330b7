import Packets
import ProtocolStack
import Testing

/// What was sent again without need gives the window back (RFC 3522, RFC 3708, RFC 4015, RFC 5682).
@Suite("TCP takes back what it did for losses that were none")
struct TCPUndoTests {
  /// A peer with SACK whose round trip is 100 ms, and ten segments on their way to it.
  private func conversation(timestamps: Bool = false) throws -> (TCPPeer, SocketHandle) {
    let peer = try TCPPeer()
    let listener = try peer.listens()
    var syn = TCPOptions()
    syn.maximumSegmentSize = 1_000
    syn.sackPermitted = true
    if timestamps {
      peer.timestamp = 1
      syn.timestamp = .init(value: 1, echo: 0)
    }
    peer.sends(.syn, options: syn)
    _ = peer.next()
    peer.waits(.milliseconds(100))
    peer.sends([], seq: 1, ack: 1)
    let handle = try #require(try peer.accepts(listener))
    try peer.writes(pattern(10_000), to: handle)
    _ = peer.all()
    peer.waits(.milliseconds(100))
    return (peer, handle)
  }

  private func acknowledges(
    _ peer: TCPPeer, _ number: Int, _ blocks: (Int, Int)..., echo: UInt32? = nil
  ) {
    var options = TCPOptions()
    for (left, right) in blocks {
      options.sackBlocks.append(
        SACKBlock(
          left: .init(rawValue: peer.theirs &+ UInt32(left)),
          right: .init(rawValue: peer.theirs &+ UInt32(right))))
    }
    if let echo, let own = peer.timestamp { options.timestamp = .init(value: own, echo: echo) }
    peer.sends([], seq: 1, ack: number, options: options)
  }

  @Test("a repetition that the peer reports to have had twice was needless")
  func reported() throws {
    let (peer, handle) = try conversation()
    let before = try #require(peer.info(handle))
    acknowledges(peer, 1, (1_001, 4_001))
    #expect(peer.all().map(\.sequence) == [1])
    acknowledges(peer, 10_001)
    #expect(try #require(peer.info(handle)).slowStartThreshold == 7_000)
    // RFC 2883 (test): below the acknowledgment.
    acknowledges(peer, 10_001, (1, 1_001))
    let after = try #require(peer.info(handle))
    #expect(after.slowStartThreshold == .max)
    #expect(after.congestionWindow >= before.congestionWindow)
    #expect(after.congestionState == .open)
  }

  @Test("one of two repetitions that arrived twice proves nothing of the other")
  func reportedInPart() throws {
    let (peer, handle) = try conversation()
    acknowledges(peer, 1, (2_001, 6_001))
    #expect(peer.all().map(\.sequence) == [1, 1_001])
    acknowledges(peer, 10_001)
    acknowledges(peer, 10_001, (1, 1_001))
    #expect(peer.info(handle)?.slowStartThreshold == 7_000)
    acknowledges(peer, 10_001, (1_001, 2_001))
    #expect(peer.info(handle)?.slowStartThreshold == .max)
  }

  @Test("a report of what was not sent again changes nothing")
  func unrelatedReport() throws {
    let (peer, handle) = try conversation()
    acknowledges(peer, 2_001)
    _ = peer.all()
    acknowledges(peer, 2_001, (3_001, 6_001))
    #expect(peer.all().map(\.sequence) == [2_001])
    // The network has doubled what arrived long before.
    acknowledges(peer, 2_001, (1, 1_001), (3_001, 6_001))
    let info = try #require(peer.info(handle))
    #expect(info.congestionState == .recovery)
    #expect(info.slowStartThreshold < .max)
    #expect(info.needlessRecoveries == 0)
  }

  @Test(
    "an answer to the first transmission shows that it was late only", arguments: [true, false])
  func answerToOriginal(isOriginal: Bool) throws {
    let (peer, handle) = try conversation(timestamps: true)
    let original = peer.echo
    // With timestamps a segment has 988 octets.
    acknowledges(peer, 1, (989, 3_953), echo: original)
    peer.waits(.milliseconds(50))
    _ = peer.all()
    let again = peer.echo
    acknowledges(peer, 9_881, echo: isOriginal ? original : again)
    let info = try #require(peer.info(handle))
    #expect(again != original)
    #expect(info.slowStartThreshold == (isOriginal ? .max : 7_000))
  }

  @Test("after a time-out, what was sent once and arrives shows that not all was lost")
  func timeout() throws {
    for isOriginal in [true, false] {
      let (peer, handle) = try conversation()
      while peer.info(handle)?.timeouts == 0, peer.waitsForTimer() { _ = peer.all() }
      #expect(peer.info(handle)?.congestionState == .loss)
      #expect(peer.info(handle)?.congestionWindow == 1_000)
      acknowledges(peer, isOriginal ? 2_001 : 1_001)
      let info = try #require(peer.info(handle))
      #expect(info.congestionState == (isOriginal ? .open : .loss))
      #expect(info.slowStartThreshold == (isOriginal ? .max : 7_000))
      #expect(info.bytesLost == (isOriginal ? 0 : 9_000))
      // Nothing but new data leaves, or what is lost.
      #expect(peer.all().isEmpty == isOriginal)
    }
  }

  @Test("a window that fell for a router's mark stays there")
  func marked() throws {
    let peer = try TCPPeer()
    let listener = try peer.listens()
    var syn = TCPOptions()
    syn.maximumSegmentSize = 1_000
    syn.sackPermitted = true
    peer.sends([.syn, .ece, .cwr], options: syn)
    _ = peer.next()
    peer.sends([], seq: 1, ack: 1)
    let handle = try #require(try peer.accepts(listener))
    try peer.writes(pattern(10_000), to: handle)
    _ = peer.all()
    acknowledges(peer, 1, (1_001, 4_001))
    #expect(peer.all().map(\.sequence) == [1])
    acknowledges(peer, 10_001)
    let threshold = try #require(peer.info(handle)).slowStartThreshold
    try peer.writes(pattern(5_000, from: 10_000), to: handle)
    _ = peer.all()
    peer.sends(.ece, seq: 1, ack: 11_001)
    let marked = try #require(peer.info(handle)).slowStartThreshold
    #expect(marked < threshold)
    acknowledges(peer, 11_001, (1, 1_001))
    #expect(peer.info(handle)?.slowStartThreshold == marked)
  }
}
