import Addresses
import Packets
import ProtocolStack
import Testing

/// What users choose of a connection's packets, of its answers, and of when it is given out.
@Suite("TCP does as its user chose")
struct TCPOptionTests {
  @Test("packets have the services and the hop limit that were chosen, from the next one on")
  func packetFields() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    try peer.writes(pattern(10), to: handle)
    let plain = try #require(peer.next())
    #expect(plain.hopLimit == 64)
    #expect(plain.trafficClass == 0)
    var options = TCPSocketOptions()
    options.trafficClass = 0xBB
    options.hopLimit = 7
    try peer.stack.setOptions(handle, options, at: peer.now)
    peer.sends([], seq: 1, ack: 11)
    try peer.writes(pattern(10, from: 10), to: handle)
    let chosen = try #require(peer.next())
    #expect(chosen.hopLimit == 7)
    // RFC 3168 §5 (test): the lower two bits are not the user's.
    #expect(chosen.trafficClass == 0xB8)
  }

  @Test("a listener's choice holds for the connections it takes, from the SYN-ACK on")
  func inherited() throws {
    let peer = try TCPPeer()
    var options = TCPSocketOptions()
    options.trafficClass = 0x20
    options.hopLimit = 200
    _ = try peer.listens(options: options)
    peer.sends(.syn)
    let answer = try #require(peer.next())
    #expect(answer.flags == [.syn, .ack])
    #expect(answer.hopLimit == 200)
    #expect(answer.trafficClass == 0x20)
  }

  @Test("segments are acknowledged at once while that is asked for")
  func quickAcknowledgments() throws {
    let peer = try TCPPeer()
    let handle = try peer.opensToListener()
    #expect(peer.stack.acknowledgesQuickly(handle) == false)
    peer.sends([], seq: 1, ack: 1, data: pattern(10))
    #expect(peer.all().isEmpty)
    // What waits is told at once, too.
    try peer.stack.setQuickAcknowledgment(handle, true, at: peer.now)
    #expect(peer.all().map(\.acknowledgment) == [11])
    #expect(peer.stack.acknowledgesQuickly(handle) == true)
    peer.sends([], seq: 11, ack: 1, data: pattern(10))
    #expect(peer.all().map(\.acknowledgment) == [21])
    try peer.stack.setQuickAcknowledgment(handle, false, at: peer.now)
    peer.sends([], seq: 21, ack: 1, data: pattern(10))
    #expect(peer.all().isEmpty)
    let listener = try peer.listens(on: SocketAddress(.v4(.any), port: 81))
    #expect(throws: StackError.noSuchSocket) {
      try peer.stack.setQuickAcknowledgment(listener, true, at: peer.now)
    }
    #expect(peer.stack.acknowledgesQuickly(listener) == nil)
  }

  private func deferring() throws -> (TCPPeer, SocketHandle) {
    let peer = try TCPPeer()
    var options = TCPSocketOptions()
    options.deferAccept = .seconds(3)
    let listener = try peer.listens(options: options)
    peer.sends(.syn)
    _ = peer.next()
    peer.sends([], seq: 1, ack: 1)
    #expect(try peer.accepts(listener) == nil)
    #expect(!peer.events().contains(.acceptable(listener)))
    return (peer, listener)
  }

  @Test("a connection is given out with its first data, where that was asked for")
  func deferredToData() throws {
    let (peer, listener) = try deferring()
    peer.sends([], seq: 1, ack: 1, data: pattern(5))
    #expect(peer.events().contains(.acceptable(listener)))
    let handle = try #require(try peer.accepts(listener))
    #expect(try peer.reads(handle) == pattern(5))
    // The patience of its listener is over for it.
    peer.waits(.seconds(10))
    #expect(peer.info(handle)?.state == .established)
  }

  @Test("or with its end, or when the time is over")
  func deferredToEnd() throws {
    let (peer, listener) = try deferring()
    peer.sends(.fin, seq: 1, ack: 1)
    let ended = try #require(try peer.accepts(listener))
    #expect(try peer.reads(ended) == nil)
    let (other, second) = try deferring()
    other.waits(.milliseconds(2_999))
    #expect(try other.accepts(second) == nil)
    other.waits(.milliseconds(1))
    #expect(other.events().contains(.acceptable(second)))
    let late = try #require(try other.accepts(second))
    other.waits(.seconds(10))
    #expect(other.info(late)?.state == .established)
  }

  @Test("one that is reset while it is held back leaves nothing, and its place is free")
  func deferredAndReset() throws {
    let (peer, listener) = try deferring()
    peer.sends(.rst, seq: 1)
    #expect(peer.socketCount == 1)
    #expect(try peer.accepts(listener) == nil)
    let (other, second) = try deferring()
    other.stack.close(second, at: other.now)
    #expect(other.all().last?.flags.contains(.rst) == true)
    #expect(other.socketCount == 0)
  }

  @Test("ports that are not chosen lie within the bounds, for connections and listeners")
  func ephemeralPorts() throws {
    var configuration = StackConfiguration()
    configuration.firstEphemeralPort = 50_003
    configuration.lastEphemeralPort = 50_000
    var stack = ProtocolStack(configuration: configuration, secrets: Secrets(1, 2))
    let now = Instant(nanoseconds: 1)
    let interface = try stack.addInterface("ip0", LinkAbilities(mtu: 1_500), at: now)
    try stack.addAddress(Prefix(parsing: "10.7.0.2/24"), on: interface, at: now)
    let remote = SocketAddress(.v4(IPv4Address(10, 7, 0, 1)), port: 80)
    var ports: Set<UInt16> = []
    for _ in 0..<4 {
      let handle = try stack.connectTCP(to: remote, at: now)
      if let local = stack.localAddress(handle) { ports.insert(local.port.rawValue) }
    }
    #expect(ports == [50_000, 50_001, 50_002, 50_003])
    var refusal: StackError?
    do {
      _ = try stack.connectTCP(to: remote, at: now)
    } catch {
      refusal = error
    }
    #expect(refusal == .addressNotAvailable)
    var listening: Set<UInt16> = []
    for _ in 0..<4 {
      let handle = try stack.listenTCP(on: SocketAddress(.v4(.any), port: .any), at: now)
      if let local = stack.localAddress(handle) { listening.insert(local.port.rawValue) }
    }
    #expect(listening == ports)
  }

  @Test("a connection begins at an address of the peer's IP version, wildcards included")
  func mixedVersions() throws {
    let peer = try TCPPeer()
    #expect(throws: StackError.addressFamilyNotSupported) {
      try peer.stack.connectTCP(
        to: peer.ownEnd, from: SocketAddress(.v6(.any), port: .any), at: peer.now)
    }
    _ = try peer.stack.connectTCP(
      to: peer.ownEnd, from: SocketAddress(.v4(.any), port: .any), at: peer.now)
  }
}
