import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("TCP closes")
struct TCPCloseTests {
  @Test("the peer closes first, then the user: nothing is left at once")
  func passiveClose() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.fin, seq: 1, ack: 1)
    #expect(try #require(peer.next()).acknowledgment == 2)
    #expect(try peer.reads(handle) == nil)
    // The half-close: this side still sends.
    try peer.writes(pattern(10), to: handle)
    #expect(try #require(peer.next()).data == pattern(10))
    peer.stack.close(handle, at: peer.now)
    peer.sends([], seq: 2, ack: 11)
    #expect(try #require(peer.next()).flags.contains(.fin))
    peer.sends([], seq: 2, ack: 12)
    _ = peer.events()
    #expect(peer.socketCount == 1)
  }

  @Test("the user closes first and waits two segment lifetimes in TIME-WAIT")
  func activeClose() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.stack.close(handle, at: peer.now)
    let fin = try #require(peer.next())
    #expect(fin.flags.contains(.fin))
    peer.sends([], seq: 1, ack: 2)
    peer.sends(.fin, seq: 1, ack: 2)
    #expect(try #require(peer.next()).acknowledgment == 2)
    // TCP-55 (test): RFC 1337, a reset does not end TIME-WAIT.
    peer.sends(.rst, seq: 2)
    #expect(peer.socketCount == 2)
    peer.waits(.seconds(59))
    #expect(peer.socketCount == 2)
    peer.waits(.seconds(2))
    #expect(peer.socketCount == 1)
  }

  @Test("both sides close at once")
  func simultaneousClose() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    try peer.stack.shutdownSend(handle, at: peer.now)
    #expect(try #require(peer.next()).flags.contains(.fin))
    peer.sends(.fin, seq: 1, ack: 1)
    #expect(try #require(peer.next()).acknowledgment == 2)
    #expect(peer.info(handle)?.state == .closing)
    peer.sends([], seq: 2, ack: 2)
    #expect(peer.info(handle)?.state == .timeWait)
    #expect(try peer.reads(handle) == nil)
  }

  @Test("TCP-57: a FIN behind a gap is taken once the gap is filled")
  func finBehindGap() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.fin, seq: 11, ack: 1, data: pattern(10, from: 10))
    #expect(try peer.reads(handle) == [])
    peer.sends([], seq: 1, ack: 1, data: pattern(10))
    #expect(try peer.reads(handle) == pattern(20))
    #expect(try peer.reads(handle) == nil)
    #expect(try #require(peer.all().last).acknowledgment == 22)
  }

  @Test("TCP-57: data behind a FIN is ignored")
  func dataBehindFin() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.fin, seq: 1, ack: 1)
    peer.sends([], seq: 2, ack: 1, data: pattern(10))
    #expect(try peer.reads(handle) == nil)
  }

  @Test("TCP-58: closing with bytes unread resets the peer")
  func closeWithUnread() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.psh, seq: 1, ack: 1, data: pattern(10))
    peer.stack.close(handle, at: peer.now)
    let reset = try #require(peer.all().last)
    #expect(reset.flags.contains(.rst))
    #expect(reset.sequence == 1)
    _ = peer.events()
    #expect(peer.socketCount == 1)
  }

  @Test("data for a user who has closed is answered with a reset")
  func dataAfterClose() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.stack.close(handle, at: peer.now)
    _ = peer.all()
    peer.sends([], seq: 1, ack: 2, data: pattern(10))
    #expect(try #require(peer.all().last).flags.contains(.rst))
    _ = peer.events()
    #expect(peer.socketCount == 1)
  }

  @Test("an orphan in FIN-WAIT-2 does not wait for ever")
  func orphan() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.stack.close(handle, at: peer.now)
    _ = peer.all()
    peer.sends([], seq: 1, ack: 2)
    peer.waits(.seconds(61))
    #expect(peer.socketCount == 1)
  }

  @Test("abort sends a reset and frees the connection")
  func abort() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.stack.abort(handle, at: peer.now)
    #expect(try #require(peer.next()).flags.contains(.rst))
    _ = peer.events()
    #expect(peer.socketCount == 1)
    #expect(throws: StackError.noSuchSocket) { try peer.writes([1], to: handle) }
  }

  @Test("all connections can be given up: peers are reset, users hear why")
  func abortAll() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    let areSomeLeft = peer.stack.abortConnections(because: .networkDown, at: peer.now)
    #expect(!areSomeLeft)
    #expect(try #require(peer.next()).flags.contains(.rst))
    #expect(peer.next() == nil)
    #expect(throws: StackError.networkDown) { try peer.reads(handle) }
    _ = peer.stack.abortConnections(because: .networkDown, at: peer.now)
    #expect(peer.next() == nil)
  }

  @Test("writing after the half-close is a broken pipe, reading goes on")
  func brokenPipe() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    try peer.stack.shutdownSend(handle, at: peer.now)
    #expect(throws: StackError.brokenPipe) { try peer.writes([1], to: handle) }
    _ = peer.all()
    peer.sends([], seq: 1, ack: 2, data: pattern(10))
    #expect(try peer.reads(handle) == pattern(10))
  }

  @Test("TCP-56: a later SYN takes a flow over from TIME-WAIT, an earlier one does not")
  func timeWaitReuse() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.stack.close(handle, at: peer.now)
    _ = peer.all()
    peer.sends(.fin, seq: 1, ack: 2)
    _ = peer.all()
    peer.sends(.syn, seq: -1000, options: .init())
    #expect(peer.all().allSatisfy { !$0.flags.contains(.syn) })
    peer.sends(.syn, seq: 1000, options: .init())
    #expect(try #require(peer.next()).flags == [.syn, .ack])
  }
}
