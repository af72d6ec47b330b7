import Addresses
import Packets
import ProtocolStack
import Testing

/// The other end of a TCP conversation, played by hand over an IP link without faults.
///
/// Sequence numbers are relative: ours to ``initial``, the stack's to the one of its SYN, so that a
/// test reads like a drawing in the RFC. Time is virtual and moves only when told.
final class TCPPeer {
  /// A segment the stack sent, with relative numbers.
  struct Seen {
    var flags: TCPFlags
    var sequence: Int
    var acknowledgment: Int
    var window: Int
    var options: TCPOptions
    var data: [UInt8]
    var rawSequence: UInt32
    var sourcePort: UInt16
    var destinationPort: UInt16
    var destination: IPv4Address
    var hopLimit: UInt8
    var trafficClass: UInt8
  }

  var stack: ProtocolStack
  let interface: InterfaceIndex
  var now = Instant(nanoseconds: 1_000_000_000_000)
  /// The peer's initial sequence number.
  var initial: UInt32 = 1_000_000
  /// The stack's, learned from its SYN.
  var theirs: UInt32 = 0
  var port: UInt16 = 40_000
  var stackPort: UInt16 = 80
  let address = IPv4Address(10, 7, 0, 1)
  let stackAddress = IPv4Address(10, 7, 0, 2)
  /// With timestamps negotiated: our clock, and the stack's last value.
  var timestamp: UInt32?
  var echo: UInt32 = 0

  init(mtu: Int = 1500, tcp: TCPConfiguration = .init()) throws {
    var configuration = StackConfiguration()
    configuration.tcp = tcp
    stack = ProtocolStack(configuration: configuration, secrets: Secrets(1, 2))
    interface = try stack.addInterface("ip0", LinkAbilities(mtu: mtu), at: now)
    let prefix = try #require(Prefix(.v4(stackAddress), length: 24))
    try stack.addAddress(prefix, on: interface, at: now)
  }

  var stackEnd: SocketAddress { SocketAddress(.v4(stackAddress), port: .init(rawValue: stackPort)) }
  var ownEnd: SocketAddress { SocketAddress(.v4(address), port: .init(rawValue: port)) }

  // MARK: - The conversation

  /// Sends a segment with numbers relative to the two SYNs.
  func sends(
    _ flags: TCPFlags, seq: Int = 0, ack: Int? = nil, window: UInt16 = 65_535,
    options: TCPOptions? = nil, data: [UInt8] = [], urgent: UInt16 = 0, badChecksum: Bool = false
  ) {
    var header = options ?? TCPOptions()
    if let timestamp, options == nil { header.timestamp = .init(value: timestamp, echo: echo) }
    var allFlags = flags
    if ack != nil { allFlags.insert(.ack) }
    let size = TCPHeader.size + header.size
    var segment = [UInt8](repeating: 0, count: size + data.count)
    for (index, byte) in data.enumerated() { segment[size + index] = byte }
    let tcp = TCPHeader(
      sourcePort: .init(rawValue: port), destinationPort: .init(rawValue: stackPort),
      sequenceNumber: .init(rawValue: initial &+ UInt32(truncatingIfNeeded: seq)),
      acknowledgmentNumber: .init(
        rawValue: ack.map { theirs &+ UInt32(truncatingIfNeeded: $0) } ?? 0),
      dataOffset: size, flags: allFlags, window: window, urgentPointer: urgent)
    var bytes = segment.mutableSpan
    tcp.write(into: &bytes)
    header.write(into: &bytes, at: TCPHeader.size)
    var sum = InternetChecksum.pseudoHeader(
      source: .v4(address), destination: .v4(stackAddress), protocol: .tcp, length: segment.count)
    sum.add(segment.span)
    var again = segment.mutableSpan
    again.store(badChecksum ? ~sum.value : sum.value, at: 16)
    deliver(segment)
  }

  /// Wraps raw bytes of TCP into an IPv4 packet.
  func deliver(_ segment: [UInt8], from source: IPv4Address? = nil) {
    var packet = Packet(capacity: 2048 + segment.count)
    let header = IPv4Header(
      source: source ?? address, destination: stackAddress, protocol: .tcp,
      payloadLength: segment.count)
    guard packet.append(segment.span), packet.prepend(20) else {
      Issue.record("the packet is too small")
      return
    }
    var bytes = packet.mutableBytes
    header.write(into: &bytes)
    stack.receive(&packet, on: interface, at: now)
  }

  /// The next segment the stack sends, if it sends one now.
  func next() -> Seen? {
    guard let packet = stack.nextPacket(for: interface, at: now) else { return nil }
    let seen = parse(packet)
    stack.recycle(packet)
    return seen
  }

  /// All the stack sends now.
  func all() -> [Seen] {
    var list: [Seen] = []
    while let seen = next() { list.append(seen) }
    return list
  }

  func parse(_ packet: borrowing Packet) -> Seen? {
    let bytes = packet.bytes
    guard let ip = try? IPv4Header(parsing: bytes), ip.protocol == .tcp else { return nil }
    let segment = bytes.slice(from: ip.headerLength, length: ip.payloadLength)
    guard let header = try? TCPHeader(parsing: segment) else { return nil }
    var sum = InternetChecksum.pseudoHeader(
      source: .v4(ip.source), destination: .v4(ip.destination), protocol: .tcp,
      length: segment.count)
    sum.add(segment)
    #expect(sum.value == 0, "the stack sent a bad checksum")
    if header.flags.contains(.syn) { theirs = header.sequenceNumber.rawValue }
    let options = TCPOptions(in: segment, header: header)
    if let timestamp = options.timestamp { echo = timestamp.value }
    var data: [UInt8] = []
    for index in header.dataOffset..<segment.count { data.append(segment[index]) }
    return Seen(
      flags: header.flags,
      sequence: Int(Int32(bitPattern: header.sequenceNumber.rawValue &- theirs)),
      acknowledgment: Int(Int32(bitPattern: header.acknowledgmentNumber.rawValue &- initial)),
      window: Int(header.window), options: options, data: data,
      rawSequence: header.sequenceNumber.rawValue, sourcePort: header.sourcePort.rawValue,
      destinationPort: header.destinationPort.rawValue, destination: ip.destination,
      hopLimit: ip.timeToLive, trafficClass: ip.dscp << 2 | ip.ecn.rawValue)
  }

  /// Lets time pass and the timers run.
  func waits(_ interval: Interval) {
    now = now + interval
    stack.advance(to: now)
  }

  /// Advances to the stack's next deadline, at most `limit` away.
  func waitsForTimer(atMost limit: Interval = .seconds(300)) -> Bool {
    let end = now + limit
    while let deadline = stack.nextDeadline, deadline <= end {
      now = max(now, deadline)
      stack.advance(to: now)
      return true
    }
    return false
  }

  func events() -> [Event] {
    var list: [Event] = []
    while let event = stack.nextEvent() { list.append(event) }
    return list
  }

  // MARK: - Common openings

  /// The stack listens, the peer connects.
  func opensToListener(
    options: TCPOptions? = nil, socket: TCPSocketOptions = .init(), window: UInt16 = 65_535
  ) throws -> SocketHandle {
    let listener = try listens(options: socket)
    var syn = options ?? TCPOptions()
    if options == nil { syn.maximumSegmentSize = 1460 }
    sends(.syn, window: window, options: syn)
    let answer = try #require(next())
    #expect(answer.flags == [.syn, .ack])
    #expect(answer.acknowledgment == 1)
    sends([], seq: 1, ack: 1, window: window)
    return try #require(try accepts(listener))
  }

  /// The stack connects, the peer answers.
  func answersConnect(
    options: TCPOptions? = nil, socket: TCPSocketOptions = .init(), window: UInt16 = 65_535
  ) throws -> SocketHandle {
    let handle = try connects(options: socket)
    let syn = try #require(next())
    #expect(syn.flags == .syn)
    stackPort = syn.sourcePort
    var own = options ?? TCPOptions()
    if options == nil { own.maximumSegmentSize = 1460 }
    sends(.syn, ack: 1, window: window, options: own)
    let acknowledgment = try #require(next())
    #expect(acknowledgment.flags == .ack)
    return handle
  }

  // MARK: - The user of the stack

  func connects(
    to remote: SocketAddress? = nil, options: TCPSocketOptions = .init()
  ) throws -> SocketHandle {
    try stack.connectTCP(to: remote ?? ownEnd, options: options, at: now)
  }

  func listens(
    on local: SocketAddress? = nil, backlog: Int = 1024, options: TCPSocketOptions = .init()
  ) throws -> SocketHandle {
    try stack.listenTCP(on: local ?? stackEnd, backlog: backlog, options: options, at: now)
  }

  func accepts(_ listener: SocketHandle) throws -> SocketHandle? {
    try stack.acceptTCP(listener, at: now)
  }

  func info(_ handle: SocketHandle) -> TCPInfo? { stack.connectionInfo(handle) }
  func localAddress(_ handle: SocketHandle) -> SocketAddress? { stack.localAddress(handle) }
  func remoteAddress(_ handle: SocketHandle) -> SocketAddress? { stack.remoteAddress(handle) }
  /// Sockets left once everything that waited has been pulled.
  var socketCount: Int {
    _ = all()
    _ = events()
    return stack.socketCount
  }
  var counters: TCPCounters { stack.tcpCounters }

  @discardableResult
  func writes(_ bytes: [UInt8], to handle: SocketHandle) throws -> Int {
    try stack.send(handle, bytes.span, at: now)
  }

  /// All that is readable; nil at the end of the stream.
  func reads(_ handle: SocketHandle) throws -> [UInt8]? {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      var span = buffer.mutableSpan
      switch try stack.read(handle, into: &span, at: now) {
      case .bytes(let count): all += buffer[..<count]
      case .wouldBlock: return all
      case .endOfStream: return all.isEmpty ? nil : all
      }
    }
  }
}

/// Bytes that tell their position.
func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
  (start..<start + count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}
