import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("TCP withstands")
struct TCPRobustnessTests {
  @Test(
    "TCP-33: only the exact next number resets; others in the window are challenged",
    arguments: [
      (1, true), (2, false), (60_000, false), (0, false), (-1000, false), (300_000, false),
    ])
  func blindReset(sequence: Int, resets: Bool) throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.rst, seq: sequence)
    if resets {
      #expect(throws: StackError.connectionReset) { try peer.reads(handle) }
    } else {
      #expect(peer.info(handle)?.state == .established)
      let inWindow = sequence > 0 && sequence < 65_536
      #expect(peer.all().count == (inWindow ? 1 : 0))
    }
  }

  @Test(
    "TCP-34: a SYN for a connection is challenged, wherever it lies",
    arguments: [1, 0, 500, 65_000])
  func blindSyn(sequence: Int) throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.syn, seq: sequence, options: .init())
    let challenge = try #require(peer.next())
    #expect(challenge.flags == .ack)
    #expect(challenge.acknowledgment == 1)
    #expect(peer.info(handle)?.state == .established)
  }

  @Test("TCP-37: ten thousand resets in the window cost ten answers a second and no memory")
  func challengeBudget() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    var answers = 0
    for _ in 0..<10_000 {
      peer.sends(.rst, seq: 100)
      answers += peer.all().count
    }
    #expect(answers == 10)
    #expect(peer.info(handle)?.state == .established)
  }

  @Test("TCP-38: data that was acknowledged before is acknowledged each time")
  func repeatedData() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    peer.sends(.psh, seq: 1, ack: 1, data: pattern(10))
    #expect(try peer.reads(handle) == pattern(10))
    for _ in 0..<50 {
      peer.sends(.psh, seq: 1, ack: 1, data: pattern(10))
      #expect(peer.next()?.acknowledgment == 11)
    }
    #expect(try peer.reads(handle) == [])
  }

  @Test("TCP-50: a segment from the future does not poison the timestamps")
  func poison() throws {
    let peer = try TCPPeer()
    var options = TCPDataTests.modern
    options.timestamp = .init(value: 1000, echo: 0)
    peer.timestamp = 1001
    let handle = try peer.opensToListener(options: options)
    var future = TCPOptions()
    future.timestamp = .init(value: 1001 &+ UInt32(Int32.max), echo: peer.echo)
    peer.sends([], seq: 500, ack: 1, options: future, data: pattern(10))
    peer.timestamp = 1002
    peer.sends([], seq: 1, ack: 1, data: pattern(10))
    #expect(try peer.reads(handle) == pattern(10))
  }

  @Test("TCP-51: an older timestamp is answered and dropped")
  func oldDuplicate() throws {
    let peer = try TCPPeer()
    var options = TCPDataTests.modern
    options.timestamp = .init(value: 1000, echo: 0)
    peer.timestamp = 1001
    let handle = try peer.opensToListener(options: options)
    peer.timestamp = 900
    peer.sends([], seq: 1, ack: 1, data: pattern(10))
    #expect(try peer.reads(handle) == [])
    #expect(peer.counters.oldDuplicates == 1)
    #expect(peer.next() != nil)
  }

  @Test("TCP-8: all flags in every state never trap and never break an invariant")
  func everyFlag() throws {
    for state in 0..<8 {
      for flags in 0..<64 {
        for position in [-100, 0, 1, 2, 50, 70_000, 2_000_000_000] {
          for ack in [nil, -5, 0, 1, 2, 3, 100_000] as [Int?] {
            let peer = try TCPPeer()
            guard try reach(state, peer) else { continue }
            let set = TCPFlags(rawValue: UInt16(flags) & ~(ack == nil ? 16 : 0))
            peer.sends(set, seq: position, ack: ack, data: flags % 3 == 0 ? pattern(20) : [])
            _ = peer.all()
            _ = peer.events()
            #expect(peer.counters.brokenInvariants == 0)
          }
        }
      }
    }
  }

  /// Brings a connection into one of eight states.
  private func reach(_ state: Int, _ peer: TCPPeer) throws -> Bool {
    switch state {
    case 0:
      _ = try peer.listens()
      return true
    case 1:
      _ = try peer.connects()
      peer.stackPort = try #require(peer.next()).sourcePort
      return true
    case 2:
      _ = try peer.listens()
      peer.sends(.syn, options: .init())
      _ = peer.next()
      return true
    default: break
    }
    let handle = try peer.opensToListener()
    switch state {
    case 3: return true
    case 4:
      try peer.stack.shutdownSend(handle, at: peer.now)
      _ = peer.all()
    case 5:
      try peer.stack.shutdownSend(handle, at: peer.now)
      _ = peer.all()
      peer.sends([], seq: 1, ack: 2)
    case 6:
      peer.sends(.fin, seq: 1, ack: 1)
      _ = peer.all()
    default:
      peer.sends(.fin, seq: 1, ack: 1)
      peer.stack.close(handle, at: peer.now)
      _ = peer.all()
    }
    return true
  }

  @Test("TCP-1, TCP-2: every cut of a segment, and every option kind and length")
  func hostileBytes() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    for length in 0..<60 { peer.deliver([UInt8](repeating: 0xFF, count: length)) }
    for kind in 0...255 {
      for length in 0...40 {
        var segment = [UInt8](repeating: 0, count: 60)
        segment[0] = UInt8(peer.port >> 8)
        segment[1] = UInt8(peer.port & 255)
        segment[3] = 80
        segment[12] = 0xF0
        segment[13] = 0x10
        segment[20] = UInt8(kind)
        segment[21] = UInt8(length)
        var sum = InternetChecksum.pseudoHeader(
          source: .v4(peer.address), destination: .v4(peer.stackAddress), protocol: .tcp,
          length: 60)
        sum.add(segment.span)
        var bytes = segment.mutableSpan
        bytes.store(sum.value, at: 16)
        peer.deliver(segment)
        _ = peer.all()
      }
    }
    #expect(peer.counters.malformed > 0)
    #expect(peer.info(handle)?.state == .established)
  }

  @Test("TCP-60: a keep-alive probe is answered, and ours go out when nothing else does")
  func keepAlive() throws {
    let peer = try TCPPeer()
    var socket = TCPSocketOptions()
    socket.keepAliveIdle = .seconds(10)
    socket.keepAliveInterval = .seconds(1)
    socket.keepAliveProbes = 3
    let handle = try peer.opensToListener(socket: socket)
    peer.sends([], seq: 0, ack: 1)
    #expect(try #require(peer.next()).acknowledgment == 1)
    peer.waits(.seconds(11))
    let probe = try #require(peer.next())
    #expect(probe.sequence == 0)
    #expect(probe.data.isEmpty)
    peer.sends([], seq: 1, ack: 1)
    #expect(peer.info(handle)?.state == .established)
    for _ in 0..<30 {
      peer.waits(.seconds(1))
      _ = peer.all()
    }
    #expect(peer.events().contains(.failed(handle, .timedOut)))
  }

  @Test("TCP-44: connections that never read are bounded by the budget, and others still work")
  func sockstress() throws {
    var tcp = TCPConfiguration()
    tcp.bufferMemory = 1 << 20
    let peer = try TCPPeer(tcp: tcp)
    let listener = try peer.listens()
    var taken = 0
    for port in 0..<100 {
      peer.port = UInt16(20_000 + port)
      peer.sends(.syn, window: 0, options: TCPDataTests.modern)
      _ = peer.next()
      peer.sends([], seq: 1, ack: 1, window: 0)
      let handle = try #require(try peer.accepts(listener))
      taken += try peer.writes(pattern(100_000), to: handle)
    }
    #expect(taken <= 1 << 20)
    #expect(peer.counters.bufferExhausted > 0)
  }

  @Test("TCP-61: every option with hostile values", arguments: [0, -1, 1, Int.max, Int.min])
  func hostileOptions(value: Int) throws {
    let peer = try TCPPeer()
    var socket = TCPSocketOptions()
    socket.sendBufferLimit = value
    socket.receiveBufferLimit = value
    socket.maximumSegmentSize = value
    socket.keepAliveIdle = Interval(nanoseconds: Int64(value))
    socket.keepAliveProbes = value
    socket.userTimeout = Interval(nanoseconds: Int64(value))
    let handle = try peer.opensToListener(options: TCPDataTests.modern, socket: socket)
    try peer.stack.setOptions(handle, socket, at: peer.now)
    #expect(try peer.writes(pattern(100), to: handle) == 100)
    for _ in 0..<20 {
      _ = peer.all()
      if !peer.waitsForTimer() { break }
    }
    #expect(peer.counters.brokenInvariants == 0)
  }
}
