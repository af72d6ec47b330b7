import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("TCP moves data")
struct TCPDataTests {
  /// Options of a modern peer: no timestamps, so that data segments are 1460 bytes.
  static var modern: TCPOptions {
    var options = TCPOptions()
    options.maximumSegmentSize = 1460
    options.windowScale = 7
    options.sackPermitted = true
    return options
  }

  @Test("data arrives in order and is acknowledged within the delay")
  func inOrder() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.psh, seq: 1, ack: 1, data: pattern(500))
    #expect(peer.next() == nil)
    #expect(try peer.reads(handle) == pattern(500))
    // RFC 9293 §3.8.6.3 MUST-58 (test): a lone segment is acknowledged within half a second.
    peer.waits(.milliseconds(40))
    #expect(try #require(peer.next()).acknowledgment == 501)
  }

  @Test("every second full segment is acknowledged at once")
  func everySecond() throws {
    let peer = try TCPPeer()
    _ = try peer.opensToListener()
    peer.sends([], seq: 1, ack: 1, data: pattern(1460))
    #expect(peer.next() == nil)
    peer.sends([], seq: 1461, ack: 1, data: pattern(1460, from: 1460))
    #expect(try #require(peer.next()).acknowledgment == 2921)
    #expect(peer.next() == nil)
  }

  @Test("a hole is reported by SACK, the latest run first, and filled in any order")
  func holes() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: Self.modern)
    peer.sends([], seq: 101, ack: 1, data: pattern(100, from: 100))
    var seen = try #require(peer.next())
    #expect(seen.acknowledgment == 1)
    #expect(seen.options.sackBlocks.count == 1)
    peer.sends([], seq: 301, ack: 1, data: pattern(100, from: 300))
    seen = try #require(peer.next())
    #expect(seen.options.sackBlocks.count == 2)
    #expect(seen.options.sackBlocks[0].left.rawValue == peer.initial &+ 301)
    #expect(seen.options.sackBlocks[1].left.rawValue == peer.initial &+ 101)
    #expect(try peer.reads(handle) == [])
    peer.sends([], seq: 1, ack: 1, data: pattern(100))
    #expect(try #require(peer.next()).acknowledgment == 201)
    peer.sends([], seq: 201, ack: 1, data: pattern(100, from: 200))
    #expect(try #require(peer.next()).acknowledgment == 401)
    #expect(try peer.reads(handle) == pattern(400))
  }

  @Test("TCP-24: selective acknowledgments wrap with the sequence numbers")
  func sackAtWrap() throws {
    let peer = try TCPPeer()
    peer.initial = 0xFFFF_FFFB
    let handle = try peer.opensToListener(options: Self.modern)
    peer.sends([], seq: 11, ack: 1, data: pattern(10, from: 10))
    let seen = try #require(peer.next())
    #expect(seen.options.sackBlocks[0].left.rawValue == 6)
    #expect(seen.options.sackBlocks[0].right.rawValue == 16)
    peer.sends([], seq: 1, ack: 1, data: pattern(10))
    #expect(try peer.reads(handle) == pattern(20))
  }

  @Test("TCP-46: of overlapping copies that differ, the first byte to arrive wins")
  func overlaps() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: Self.modern)
    peer.sends([], seq: 6, ack: 1, data: [1, 1, 1, 1, 1])
    peer.sends([], seq: 4, ack: 1, data: [2, 2, 2, 2, 2, 2, 2, 2, 2])
    peer.sends([], seq: 1, ack: 1, data: [3, 3, 3, 3, 3, 3, 3])
    #expect(try peer.reads(handle) == [3, 3, 3, 2, 2, 1, 1, 1, 1, 1, 2, 2])
  }

  @Test("TCP-41: bytes beyond the announced window are cut off")
  func beyondWindow() throws {
    let peer = try TCPPeer()
    var socket = TCPSocketOptions()
    socket.receiveBufferLimit = 2048
    let handle = try peer.opensToListener(socket: socket)
    peer.sends([], seq: 1, ack: 1, data: pattern(1460))
    peer.sends([], seq: 1461, ack: 1, data: pattern(1460, from: 1460))
    let seen = try #require(peer.all().last)
    #expect(seen.acknowledgment == 2049)
    #expect(seen.window == 0)
    #expect(try peer.reads(handle) == pattern(2048))
    // The window opens again once there is room for something worthwhile.
    #expect(try #require(peer.next()).window == 2048)
  }

  @Test("TCP-45: one-byte segments all over the window are bounded")
  func scattered() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: Self.modern)
    for index in 0..<1000 { peer.sends([], seq: 3 + index * 2, ack: 1, data: [7]) }
    _ = peer.all()
    #expect(peer.counters.reassemblyLimit > 0)
    peer.sends([], seq: 1, ack: 1, data: [7, 7])
    #expect(try peer.reads(handle) == [7, 7, 7])
  }

  @Test("written bytes leave in full segments, the last one pushed")
  func segments() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: Self.modern)
    try peer.writes(pattern(4000), to: handle)
    let seen = peer.all()
    // Nagle's rule (RFC 9293 §3.7.4): the tail waits for what is on its way.
    #expect(seen.map(\.data.count) == [1460, 1460])
    peer.sends([], seq: 1, ack: 2921)
    let tail = try #require(peer.next())
    #expect(tail.data == pattern(1080, from: 2920))
    #expect(tail.flags.contains(.psh))
  }

  @Test("without Nagle's rule the tail leaves at once")
  func noDelay() throws {
    let peer = try TCPPeer()
    var socket = TCPSocketOptions()
    socket.noDelay = true
    let handle = try peer.opensToListener(options: Self.modern, socket: socket)
    try peer.writes(pattern(1500), to: handle)
    #expect(peer.all().map(\.data.count) == [1460, 40])
  }

  @Test("ten segments leave at first, then two for each acknowledged one")
  func slowStart() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: Self.modern)
    try peer.writes(pattern(100_000), to: handle)
    // RFC 6928 §2 (test).
    #expect(peer.all().count == 10)
    peer.sends([], seq: 1, ack: 1 + 2 * 1460)
    #expect(peer.all().count == 4)
  }

  @Test("the peer's window holds the sender back")
  func window() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(window: 3000)
    try peer.writes(pattern(10_000), to: handle)
    #expect(peer.all().map(\.data.count) == [1460, 1460])
    peer.sends([], seq: 1, ack: 2921, window: 1460)
    #expect(peer.all().map(\.data.count) == [1460])
  }

  @Test("TCP-40: a window that shrinks below what is on its way sends nothing and breaks nothing")
  func shrunkWindow() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(window: 8760)
    try peer.writes(pattern(20_000), to: handle)
    #expect(peer.all().count == 6)
    peer.sends([], seq: 1, ack: 1461, window: 10)
    #expect(peer.all().isEmpty)
    peer.sends([], seq: 1, ack: 8761, window: 8760)
    #expect(peer.all().count == 6)
  }

  @Test("TCP-43: a closed window is probed with one byte, ever more rarely, and never given up")
  func zeroWindow() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(window: 0)
    try peer.writes(pattern(1000), to: handle)
    #expect(peer.next() == nil)
    var gaps: [Int64] = []
    var last = peer.now
    while gaps.count < 20 {
      #expect(peer.waitsForTimer())
      for probe in peer.all() {
        #expect(probe.data == pattern(1))
        gaps.append(peer.now.since(last).milliseconds)
        last = peer.now
        // RFC 9293 §3.8.6.1 MUST-37 (test): answered probes keep the connection.
        peer.sends([], seq: 1, ack: 1, window: 0)
      }
    }
    #expect(gaps[3] > gaps[1])
    #expect(try #require(gaps.last) <= 120_000)
    #expect(peer.info(handle)?.state == .established)
    peer.sends([], seq: 1, ack: 1, window: 65_535)
    var received: [Int: [UInt8]] = [:]
    for _ in 0..<4 {
      for seen in peer.all() where !seen.data.isEmpty { received[seen.sequence] = seen.data }
      peer.sends([], seq: 1, ack: 2, window: 65_535)
    }
    #expect(received[1]?.first == pattern(1)[0])
    #expect(received.values.map(\.count).reduce(0, +) >= 1000)
  }

  @Test("TCP-59: urgent pointers change nothing", arguments: [0, 1, 500, 65_535] as [UInt16])
  func urgent(pointer: UInt16) throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.urg, seq: 1, ack: 1, data: pattern(100), urgent: pointer)
    #expect(try peer.reads(handle) == pattern(100))
  }

  @Test("a bad checksum is dropped and counted")
  func badChecksum() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends([], seq: 1, ack: 1, data: pattern(10), badChecksum: true)
    #expect(try peer.reads(handle) == [])
    #expect(peer.counters.badChecksum == 1)
  }

  @Test("a full send buffer takes part of a write, and says when there is room again")
  func backPressure() throws {
    let peer = try TCPPeer()
    var socket = TCPSocketOptions()
    socket.sendBufferLimit = 8192
    let handle = try peer.opensToListener(socket: socket)
    #expect(try peer.writes(pattern(10_000), to: handle) == 8192)
    #expect(try peer.writes(pattern(10), to: handle) == 0)
    let count = peer.all().map(\.data.count).reduce(0, +)
    _ = peer.events()
    peer.sends([], seq: 1, ack: 1 + count)
    #expect(peer.events().contains(.writable(handle)))
  }
}
