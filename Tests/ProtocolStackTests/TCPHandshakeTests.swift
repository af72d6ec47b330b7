import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("TCP opens")
struct TCPHandshakeTests {
  @Test("a listener answers a SYN, and the acknowledgment makes a connection")
  func passive() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    #expect(peer.info(handle)?.state == .established)
    #expect(peer.remoteAddress(handle) == peer.ownEnd)
    #expect(peer.localAddress(handle) == peer.stackEnd)
  }

  @Test("a connect sends a SYN with every option and acknowledges the answer")
  func active() throws {
    let peer = try TCPPeer()
    let handle = try peer.connects()
    let syn = try #require(peer.next())
    #expect(syn.flags == .syn)
    // RFC 9293 §3.7.1 MUST-16 (test): the option announces what the link takes.
    #expect(syn.options.maximumSegmentSize == 1460)
    #expect(syn.options.sackPermitted)
    #expect(syn.options.windowScale != nil)
    #expect(syn.options.timestamp != nil)
    peer.stackPort = syn.sourcePort
    peer.sends(.syn, ack: 1, options: .init())
    let acknowledgment = try #require(peer.next())
    #expect(acknowledgment.flags == .ack)
    #expect(acknowledgment.sequence == 1)
    #expect(acknowledgment.acknowledgment == 1)
    #expect(peer.events().contains(.connected(handle)))
  }

  @Test("a connect that is refused fails with connection refused")
  func refused() throws {
    let peer = try TCPPeer()
    let handle = try peer.connects()
    let syn = try #require(peer.next())
    peer.stackPort = syn.sourcePort
    peer.sends(.rst, ack: 1)
    #expect(peer.events().contains(.failed(handle, .connectionRefused)))
    #expect(throws: StackError.connectionRefused) { try peer.reads(handle) }
  }

  @Test("a SYN to a port where nobody listens is reset")
  func nobodyListens() throws {
    let peer = try TCPPeer()
    peer.sends(.syn, options: .init())
    let reset = try #require(peer.next())
    #expect(reset.flags == [.rst, .ack])
    #expect(reset.acknowledgment == 1)
    #expect(reset.rawSequence == 0)
  }

  @Test("a SYN without an answer is sent again after one, two and four seconds, then times out")
  func synRetransmission() throws {
    let peer = try TCPPeer()
    let handle = try peer.connects()
    let start = peer.now
    var times: [Int64] = []
    for _ in 0..<40 {
      for seen in peer.all() where seen.flags == .syn {
        times.append(peer.now.since(start).milliseconds)
      }
      guard peer.waitsForTimer(atMost: .seconds(400)) else { break }
    }
    #expect(times == [0, 1000, 3000, 7000, 15000, 31000, 63000])
    #expect(peer.events() == [.failed(handle, .timedOut)])
  }

  @Test("TCP-16: both sides open at once, and become one connection")
  func simultaneous() throws {
    let peer = try TCPPeer()
    let handle = try peer.connects()
    let syn = try #require(peer.next())
    peer.stackPort = syn.sourcePort
    peer.sends(.syn, options: .init())
    let answer = try #require(peer.next())
    #expect(answer.flags == [.syn, .ack])
    #expect(answer.sequence == 0)
    peer.sends([], seq: 1, ack: 1)
    #expect(peer.info(handle)?.state == .established)
    #expect(peer.events() == [.connected(handle)])
  }

  @Test(
    "TCP-13: an acknowledgment of anything but our SYN is reset, and the attempt goes on",
    arguments: [0, 2, -5, 100_000])
  func wrongAcknowledgment(number: Int) throws {
    let peer = try TCPPeer()
    let handle = try peer.connects()
    let syn = try #require(peer.next())
    peer.stackPort = syn.sourcePort
    peer.sends(.syn, ack: number)
    let reset = try #require(peer.next())
    #expect(reset.flags == .rst)
    #expect(reset.sequence == number)
    #expect(peer.info(handle)?.state == .synSent)
    peer.sends(.rst, ack: number)
    #expect(peer.info(handle)?.state == .synSent)
  }

  @Test("TCP-14: in SYN-RECEIVED an acknowledgment one too low is reset")
  func tooLow() throws {
    let peer = try TCPPeer()
    _ = try peer.listens()
    peer.sends(.syn, options: .init())
    _ = peer.next()
    peer.sends([], seq: 1, ack: 0)
    let reset = try #require(peer.next())
    #expect(reset.flags == .rst)
  }

  @Test(
    "TCP-15: the peer may begin anywhere in sequence space",
    arguments: [UInt32.max, 0x7FFF_FFFF, 0x8000_0000, 0])
  func initialNumbers(initial: UInt32) throws {
    let peer = try TCPPeer()
    peer.initial = initial
    let handle = try peer.opensToListener()
    peer.sends(.psh, seq: 1, ack: 1, data: pattern(100))
    #expect(try peer.reads(handle) == pattern(100))
  }

  @Test("TCP-4: a segment size below the floor is raised to it", arguments: [0, 1, 47, 63])
  func tinySegments(size: UInt16) throws {
    let peer = try TCPPeer()
    var options = TCPOptions()
    options.maximumSegmentSize = size
    let handle = try peer.opensToListener(options: options)
    try peer.writes(pattern(1000), to: handle)
    let first = try #require(peer.next())
    #expect(first.data.count == 64)
  }

  @Test("without the option a peer gets segments of 536 bytes")
  func defaultSegmentSize() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener(options: .init())
    try peer.writes(pattern(2000), to: handle)
    #expect(try #require(peer.next()).data.count == 536)
  }

  @Test("TCP-6: a window scale of fifteen or more counts as fourteen")
  func windowScale() throws {
    let peer = try TCPPeer()
    var options = TCPOptions()
    options.maximumSegmentSize = 1460
    options.windowScale = 255
    let handle = try peer.opensToListener(options: options, window: 1)
    #expect(peer.info(handle)?.sendWindow == 1 << 14)
  }

  @Test("TCP-10: a flood of SYNs takes no more than the backlog, and real peers still get in")
  func flood() throws {
    let peer = try TCPPeer()
    let listener = try peer.listens(backlog: 16)
    for port in 1000..<11_000 {
      peer.port = UInt16(port)
      peer.sends(.syn, options: .init())
      _ = peer.all()
    }
    #expect(peer.socketCount <= 17 + 1)
    // TCP-11: the cookie that comes back makes a connection, its options recovered.
    peer.port = 50_000
    var options = TCPOptions()
    options.maximumSegmentSize = 1460
    options.windowScale = 7
    options.sackPermitted = true
    options.timestamp = .init(value: 77, echo: 0)
    peer.sends(.syn, options: options)
    let cookie = try #require(peer.next())
    #expect(cookie.flags == [.syn, .ack])
    peer.timestamp = 78
    peer.sends(.psh, seq: 1, ack: 1, data: pattern(10))
    var handle: SocketHandle?
    for event in peer.events() where event == .acceptable(listener) {
      handle = try peer.accepts(listener)
    }
    let connection = try #require(handle)
    #expect(try peer.reads(connection) == pattern(10))
    let info = try #require(peer.info(connection))
    #expect(info.maximumSegmentSize == 1460)
    #expect(info.usesTimestamps)
    #expect(info.usesSelectiveAcknowledgment)
    #expect(info.sendWindow == 65_535 << 7)
  }

  @Test("TCP-11: forged cookies are reset")
  func forgedCookies() throws {
    let peer = try TCPPeer()
    _ = try peer.listens(backlog: 1)
    for port in [1000, 1001, 1002] {
      peer.port = UInt16(port)
      peer.sends(.syn, options: .init())
    }
    _ = peer.all()
    peer.port = 2000
    let before = peer.socketCount
    for guess in 0..<4096 { peer.sends([], seq: 1, ack: guess &* 1_048_573) }
    let answers = peer.all()
    #expect(answers.allSatisfy { $0.flags == .rst })
    #expect(peer.socketCount == before)
  }

  @Test("TCP-20: connections that nobody accepted are reset with their listener")
  func listenerCloses() throws {
    let peer = try TCPPeer()
    let listener = try peer.listens()
    peer.sends(.syn, options: .init())
    _ = peer.next()
    peer.sends([], seq: 1, ack: 1)
    peer.port = 40_001
    peer.sends(.syn, options: .init())
    _ = peer.next()
    peer.stack.close(listener, at: peer.now)
    let resets = peer.all().filter { $0.flags.contains(.rst) }
    #expect(resets.count == 2)
    _ = peer.events()
    #expect(peer.socketCount == 0)
  }

  @Test("a second listener on the same port is refused")
  func addressInUse() throws {
    let peer = try TCPPeer()
    _ = try peer.listens()
    #expect(throws: StackError.addressInUse) {
      try peer.listens(on: SocketAddress(.v4(.any), port: peer.stackEnd.port))
    }
  }

  @Test("TCP-21: sequence numbers of one flow move with the clock, those of two are unrelated")
  func initialSequenceNumbers() throws {
    let peer = try TCPPeer()
    var numbers: [UInt32] = []
    for port in 0..<64 {
      _ = try peer.connects(
        to: SocketAddress(.v4(peer.address), port: .init(rawValue: UInt16(1000 + port))))
      numbers.append(try #require(peer.next()).rawSequence)
    }
    #expect(Set(numbers).count == 64)
    let differences = zip(numbers, numbers.dropFirst()).map { $1 &- $0 }
    #expect(Set(differences).count == 63)
  }
}
