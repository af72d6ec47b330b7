import Addresses
import Packets
public import ProtocolStack

/// Plays a script against a whole stack: packets, moments and commands in any order, on a link as
/// the first bytes say. From the start there are a connection to a peer, a listener, a UDP socket
/// and an echo socket.
///
/// ```
///   one step -> packets out: judged -> events -> what must hold of the stack (`StackRun+Laws`)
/// ```
///
/// The peers' bytes count upwards with their sequence numbers, and so do the stack's own: a stream
/// with a byte missing, doubled or misplaced is seen.
///
/// - Returns: what the script has reached.
@discardableResult
public func exerciseStack(_ input: Span<UInt8>) -> StackReach {
  var run = StackRun(Script(input))
  run.begin()
  while !run.script.isOver {
    run.step()
    run.settle()
  }
  run.end()
  return StackReach(
    stack: run.stack.counters, tcp: run.stack.tcpCounters, bytesWritten: run.bytesWritten,
    bytesRead: run.bytesRead)
}

/// How far a script came: the stack's counters, and the bytes that its connections took and gave.
public struct StackReach {
  public var stack: StackCounters
  public var tcp: TCPCounters
  public var bytesWritten: Int
  public var bytesRead: Int
}

/// What the scripted peer has heard of one connection of the stack's.
struct HeardFlow {
  var isIPv6: Bool
  /// The stack's port and the peer's.
  var port: UInt16
  var peerPort: UInt16
  /// Behind the last byte the stack sent, and what it acknowledged last.
  var next: UInt32 = 0
  var acknowledged: UInt32 = 0
  var timestamp: UInt32?
  /// The difference between the stack's bytes and their sequence numbers.
  var phase: UInt8?
}

struct StackRun: ~Copyable {
  var stack: ProtocolStack
  var script: Script
  var now = Instant.zero + .seconds(1)
  var interface = InterfaceIndex(rawValue: 1)
  let configuration: StackConfiguration
  let abilities: LinkAbilities
  var sockets: [SocketHandle] = []
  /// The next byte to write to a connection, and the next one to read if nothing is missing.
  var toWrite: [SocketHandle: UInt8] = [:]
  var toRead: [SocketHandle: UInt8] = [:]
  /// Bytes that do not count upwards may have reached a connection.
  var isForged = false
  /// Packets may have been several at once, and be counted so.
  var isCoalesced = false
  var flows: [HeardFlow] = []
  /// The last IP packet that left, for errors to quote and for echoes of it.
  var lastSent: [UInt8] = []
  /// What the neighbour answers next.
  var answers: [[UInt8]] = []
  /// The next packets go in fragments of so many bytes; zero: whole.
  var pieceSize = 0
  /// Steps during which the link takes no packet.
  var busySteps: UInt8 = 0
  var bytesWritten = 0
  var bytesRead = 0
  var packetsIn: UInt64 = 0
  var packetsOut: UInt64 = 0
  var bytesOut: UInt64 = 0

  static let station = EthernetAddress(2, 0, 0, 0, 0, 1)
  static let peerStation = EthernetAddress(2, 0, 0, 0, 0, 9)
  static let own4 = IPv4Address(10, 0, 0, 1)
  static let peer4 = IPv4Address(10, 0, 0, 9)
  static let own6 = IPv6Address(high: 0xFD00 << 48, low: 1)
  static let peer6 = IPv6Address(high: 0xFD00 << 48, low: 9)

  /// The peer's address on the link.
  static let link6 = IPv6Address(high: 0xFE80 << 48, low: 9)

  init(_ script: Script) {
    self.script = script
    let habits = self.script.byte()
    let mtus = [1_500, 1_280, 576, 9_000, 65_535, 1_400, 68, 1_501]
    abilities = LinkAbilities(
      mtu: mtus[Int(habits >> 5)], checksumOffload: habits & 2 != 0,
      segmentationOffload: habits & 4 != 0 ? 65_535 : 0, receiveCoalescing: habits & 4 != 0,
      framing: habits & 1 != 0 ? .ethernet(Self.station) : .ip)
    configuration = Self.configuration(habits, self.script.byte())
    stack = ProtocolStack(configuration: configuration, secrets: Secrets(1, 2))
  }

  /// Small tables, so that a short script reaches every limit.
  private static func configuration(_ habits: UInt8, _ more: UInt8) -> StackConfiguration {
    var configuration = StackConfiguration()
    configuration.tcp.connectionLimit = 24
    configuration.tcp.listenerLimit = 4
    configuration.tcp.bufferMemory = 1 << 20
    configuration.tcp.congestionControl = habits & 8 != 0 ? .newReno : .cubic
    configuration.tcp.usesSynCookies = more & 1 == 0
    if more & 2 != 0 { configuration.tcp.fixedInitialSequenceNumber = 0xFFFF_FF00 }
    configuration.acceptsRouterAdvertisements = habits & 16 != 0
    configuration.duplicateAddressProbes = more & 4 != 0 ? 1 : 0
    configuration.udpSocketLimit = 6
    configuration.echoSocketLimit = 3
    configuration.interfaceLimit = 3
    configuration.addressLimit = 4
    configuration.routeLimit = 12
    configuration.outputQueuePackets = 32
    configuration.outputQueueBytes = 128 << 10
    configuration.controlQueuePackets = 16
    configuration.packetPoolSize = 16
    configuration.neighborLimit = 8
    configuration.unresolvedNeighborLimit = 4
    configuration.reassemblyBytes = 64 << 10
    configuration.reassemblyDatagrams = 8
    configuration.reassemblyDatagramsPerSource = 4
    configuration.fragmentsPerDatagram = 16
    configuration.pathLimit = 4
    return configuration
  }

  /// Opens the sockets there are from the start, and shakes hands for the connection.
  mutating func begin() {
    if let index = try? stack.addInterface("fuzz0", abilities, at: now) { interface = index }
    for (address, length) in [(IPAddress.v4(Self.own4), 24), (.v6(Self.own6), 64)] {
      if let prefix = Prefix(address, length: UInt8(length)) {
        try? stack.addAddress(prefix, on: interface, at: now)
      }
    }
    settle()
    pass(.seconds(3))
    let wildcard = SocketAddress(.v6(.any), port: PortNumber(rawValue: 7))
    keep(try? stack.listenTCP(on: wildcard, backlog: 4, at: now))
    let port = SocketAddress(.v6(.any), port: PortNumber(rawValue: 53))
    keep(try? stack.bindUDP(port, at: now))
    keep(try? stack.openEcho(nil, version: .v4, at: now))
    let peer = SocketAddress(.v4(Self.peer4), port: PortNumber(rawValue: 80))
    keep(try? stack.connectTCP(to: peer, at: now))
    settle()
    guard let flow = flows.first else { return }
    inject(segment(flow, 0x12, sequence: 0xFFFF_FE00, options: Self.handshakeOptions, []))
    settle()
  }

  /// Maximum segment size 1460, selective acknowledgments, timestamps, window scale 3.
  static let handshakeOptions: [UInt8] = [
    2, 4, 0x05, 0xB4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 3,
  ]

  /// Remembers a socket; the oldest make room.
  mutating func keep(_ socket: SocketHandle?) {
    guard let socket, !sockets.contains(socket) else { return }
    sockets.append(socket)
  }

  /// One of the sockets, as a byte chooses.
  mutating func someSocket() -> SocketHandle? {
    let choice = Int(script.byte())
    return sockets.isEmpty ? nil : sockets[choice % sockets.count]
  }

  /// One packet, moment or command.
  mutating func step() {
    switch script.byte() % 32 {
    case 0: rawFrame()
    case 1...5: scriptedSegment()
    case 6: scriptedMessage()
    case 7: scriptedDatagram()
    case 8: scriptedError()
    case 9: reflection()
    case 10: pieceSize = Int(script.byte()) * 8
    case 11: scriptedARP()
    case 12: pass(.milliseconds(Int64(script.byte())))
    case 13: pass(.seconds(Int64(script.byte())))
    case 14: passToDeadline()
    case 15: busySteps = script.byte() % 32
    default: command()
    }
  }
}
