import Addresses
import Packets
import ProtocolStack
import Testing

/// A stack with one link, and everything at the other end of the link, played by hand.
///
/// Packets are arrays of bytes, built with the headers of `Packets` or by hand where they are to be
/// wrong. Time is virtual and moves only when told. Over Ethernet the peer answers for its own
/// addresses when it is asked, unless ``isSilent``.
final class NetworkPeer {
  enum Link { case ip, ethernet }

  var stack: ProtocolStack
  let interface: InterfaceIndex
  let link: Link
  var now = Instant(nanoseconds: 1_000_000_000_000)
  /// The peer and the stack, on the link and in both versions of the Internet Protocol.
  let station = EthernetAddress(2, 0, 0, 0, 0, 1)
  let stackStation = EthernetAddress(2, 0, 0, 0, 0, 2)
  let address4 = IPv4Address(10, 7, 0, 1)
  let stack4 = IPv4Address(10, 7, 0, 2)
  let address6 = IPv6Address(0xFD07, 0, 0, 0, 0, 0, 0, 1)
  let stack6 = IPv6Address(0xFD07, 0, 0, 0, 0, 0, 0, 2)
  /// Whether questions for the peer's station go unanswered, and are seen among the packets.
  var isSilent = false
  /// ARP packets and neighbour discovery messages that the stack sent, as frames.
  var discovery: [[UInt8]] = []

  init(
    _ link: Link = .ip, mtu: Int = 1500, checksumOffload: Bool = false, probes: Int = 0,
    hasAddresses: Bool = true, _ change: (inout StackConfiguration) -> Void = { _ in }
  ) throws {
    self.link = link
    var configuration = StackConfiguration()
    configuration.duplicateAddressProbes = probes
    change(&configuration)
    stack = ProtocolStack(configuration: configuration, secrets: Secrets(1, 2))
    interface = try stack.addInterface(
      "link0",
      LinkAbilities(
        mtu: mtu, checksumOffload: checksumOffload,
        framing: link == .ip ? .ip : .ethernet(stackStation)),
      at: now)
    guard hasAddresses else { return }
    try add(.v4(stack4), 24)
    try add(.v6(stack6), 64)
    if probes == 0 {
      _ = packets()
      discovery = []
    }
  }

  func add(_ address: IPAddress, _ length: UInt8) throws {
    let prefix = try #require(Prefix(address, length: length))
    try stack.addAddress(prefix, on: interface, at: now)
  }

  var counters: StackCounters { stack.counters }

  // MARK: - To the stack

  /// Hands the stack what is on the link, as it is.
  func deliver(raw bytes: [UInt8], _ offload: Offload = Offload()) {
    var packet = Packet(capacity: bytes.count + 256)
    let fits = packet.append(bytes.span)
    #expect(fits)
    packet.offload = offload
    stack.receive(&packet, on: interface, at: now)
  }

  /// Hands the stack an IP packet, in a frame for its station if there are frames.
  func deliver(_ ip: [UInt8], _ offload: Offload = Offload(), to target: EthernetAddress? = nil) {
    guard link == .ethernet else { return deliver(raw: ip, offload) }
    let type: EtherType = (ip.first ?? 0) >> 4 == 6 ? .ipv6 : .ipv4
    deliver(raw: frame(ip, type, to: target), offload)
  }

  func frame(
    _ payload: [UInt8], _ type: EtherType, to target: EthernetAddress? = nil,
    from source: EthernetAddress? = nil
  ) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 14)
    var bytes = header.mutableSpan
    EthernetHeader(
      destination: target ?? stackStation, source: source ?? station, etherType: type
    ).write(into: &bytes)
    return header + payload
  }

  func advance(_ interval: Interval) {
    now = now + interval
    stack.advance(to: now)
  }

  // MARK: - From the stack

  /// Everything that leaves now, without frames, discovery set aside (and answered).
  func packets() -> [[UInt8]] {
    var all: [[UInt8]] = []
    while let packet = stack.nextPacket(for: interface, at: now) {
      let bytes = take(packet)
      guard link == .ethernet else {
        all.append(bytes)
        continue
      }
      let type = bytes.span.uint16(at: 12)
      let ip = Array(bytes.dropFirst(14))
      let isDiscovery =
        type == 0x0806
        || type == 0x86DD && ip.count > 40 && ip[6] == 58 && (133...137).contains(ip[40])
      if isDiscovery {
        discovery.append(bytes)
        if !isSilent { answer(bytes) }
      } else {
        all.append(ip)
      }
    }
    return all
  }

  /// Every frame that leaves now, as it is.
  func frames() -> [[UInt8]] {
    var all: [[UInt8]] = []
    while let packet = stack.nextPacket(for: interface, at: now) {
      all.append(take(packet))
    }
    return all
  }

  private func take(_ packet: consuming Packet) -> [UInt8] {
    let bytes = array(packet.bytes)
    stack.recycle(packet)
    return bytes
  }

  /// Takes one packet out.
  func hasPacket() -> Bool { stack.nextPacket(for: interface, at: now) != nil }

  func events() -> [Event] {
    var all: [Event] = []
    while let event = stack.nextEvent() { all.append(event) }
    return all
  }

  private func answer(_ frame: [UInt8]) {
    let payload = Array(frame.dropFirst(14))
    if let request = try? ARPPacket(parsing: payload.span), request.operation == .request,
      request.targetProtocolAddress == address4
    {
      deliver(
        raw: arp(
          .reply, from: address4, station, to: request.senderProtocolAddress,
          request.senderHardwareAddress))
    }
    if let header = try? IPv6Header(parsing: payload.span),
      let request = try? NeighborSolicitation(
        parsing: payload.span.slice(from: 40), in: header), request.target == address6
    {
      advertise(address6, to: header.source)
    }
  }

  /// The peer says that it has an address.
  func advertise(
    _ target: IPv6Address, to destination: IPv6Address, station: EthernetAddress? = nil
  ) {
    let message = NeighborAdvertisement(
      target: target, isSolicited: true, overrides: true,
      targetLinkLayerAddress: station ?? self.station)
    var bytes = [UInt8](repeating: 0, count: message.size)
    var span = bytes.mutableSpan
    message.write(into: &span, source: target, destination: destination)
    deliver(ipv6(bytes, .icmpv6, from: target, to: destination, hops: 255))
  }

  func arp(
    _ operation: ARPPacket.Operation, from sender: IPv4Address, _ senderStation: EthernetAddress,
    to target: IPv4Address, _ targetStation: EthernetAddress
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 28)
    var span = bytes.mutableSpan
    ARPPacket(
      operation: operation, senderHardwareAddress: senderStation, senderProtocolAddress: sender,
      targetHardwareAddress: targetStation, targetProtocolAddress: target
    ).write(into: &span)
    return frame(bytes, .arp, to: operation == .reply ? stackStation : .broadcast)
  }

  // MARK: - Packets

  func ipv4(
    _ payload: [UInt8], _ kind: IPProtocol, from source: IPv4Address? = nil,
    to destination: IPv4Address? = nil, options: [UInt8] = [],
    _ change: (inout IPv4Header) -> Void = { _ in }
  ) -> [UInt8] {
    var header = IPv4Header(
      source: source ?? address4, destination: destination ?? stack4, protocol: kind,
      payloadLength: payload.count)
    header.headerLength = 20 + options.count
    header.totalLength = header.headerLength + payload.count
    header.dontFragment = false
    change(&header)
    var bytes = [UInt8](repeating: 0, count: 20) + options + payload
    var span = bytes.mutableSpan
    header.write(into: &span)
    return bytes
  }

  func ipv6(
    _ payload: [UInt8], _ kind: IPProtocol, from source: IPv6Address? = nil,
    to destination: IPv6Address? = nil, hops: UInt8 = 64
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 40)
    var span = bytes.mutableSpan
    IPv6Header(
      source: source ?? address6, destination: destination ?? stack6, nextHeader: kind,
      payloadLength: payload.count, hopLimit: hops
    ).write(into: &span)
    return bytes + payload
  }

  /// A UDP datagram without its IP header.
  func udp(
    _ payload: [UInt8], from source: UInt16 = 5_000, to destination: UInt16 = 7,
    isIPv4: Bool = true
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 8) + payload
    var span = bytes.mutableSpan
    UDPHeader(
      sourcePort: .init(rawValue: source), destinationPort: .init(rawValue: destination),
      payloadLength: payload.count
    ).write(into: &span)
    var sum = InternetChecksum.pseudoHeader(
      source: isIPv4 ? .v4(address4) : .v6(address6),
      destination: isIPv4 ? .v4(stack4) : .v6(stack6), protocol: .udp, length: bytes.count)
    sum.add(bytes.span)
    var again = bytes.mutableSpan
    again.store(sum.valueForUDP, at: 6)
    return bytes
  }

  /// An ICMPv4 message without its IP header.
  func icmp4(_ message: ICMPv4Message, _ body: [UInt8] = []) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 8) + body
    var span = bytes.mutableSpan
    message.write(into: &span)
    return bytes
  }

  /// An ICMPv6 message without its IP header.
  func icmp6(
    _ message: ICMPv6Message, _ body: [UInt8] = [], from source: IPv6Address? = nil,
    to destination: IPv6Address? = nil
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 8) + body
    var span = bytes.mutableSpan
    message.write(
      into: &span, source: source ?? address6, destination: destination ?? stack6)
    return bytes
  }

  func echo4(_ payload: [UInt8] = [1, 2, 3], sequence: UInt16 = 1) -> [UInt8] {
    ipv4(icmp4(.echoRequest(identifier: 9, sequence: sequence), payload), .icmpv4)
  }

  func echo6(_ payload: [UInt8] = [1, 2, 3], sequence: UInt16 = 1) -> [UInt8] {
    ipv6(icmp6(.echoRequest(identifier: 9, sequence: sequence), payload), .icmpv6)
  }

  // MARK: - Sockets

  func bind(_ port: UInt16 = 7, _ address: IPAddress = .v6(.any)) throws -> SocketHandle {
    try stack.bindUDP(SocketAddress(address, port: .init(rawValue: port)), at: now)
  }

  /// The next datagram of a socket and its bytes.
  func read(_ socket: SocketHandle, room: Int = 70_000) throws -> (Datagram, [UInt8])? {
    var bytes = [UInt8](repeating: 0, count: room)
    var span = bytes.mutableSpan
    guard let datagram = try stack.receiveDatagram(socket, into: &span, at: now) else { return nil }
    return (datagram, Array(bytes.prefix(datagram.count)))
  }

  func send(
    _ socket: SocketHandle, _ bytes: [UInt8], to address: IPAddress? = nil, port: UInt16 = 7
  ) throws -> Bool {
    try stack.sendDatagram(
      socket, bytes.span, to: address.map { SocketAddress($0, port: .init(rawValue: port)) },
      at: now)
  }

  /// What must hold after every attack: the stack still answers, and holds on to nothing.
  func expectUnharmed(_ location: SourceLocation = #_sourceLocation) {
    advance(.seconds(70))
    _ = packets()
    let before = counters.echoRequestsAnswered
    deliver(echo4())
    deliver(echo6())
    let answers = packets()
    #expect(counters.echoRequestsAnswered == before + 2, sourceLocation: location)
    #expect(answers.count == 2, sourceLocation: location)
    let occupancy = stack.occupancy
    #expect(occupancy.partialDatagrams == 0, sourceLocation: location)
    #expect(occupancy.fragmentBytes == 0, sourceLocation: location)
    #expect(occupancy.queuedPackets == 0, sourceLocation: location)
    #expect(occupancy.unresolvedNeighbors == 0, sourceLocation: location)
  }
}

/// The bytes of a span.
func array(_ bytes: Span<UInt8>) -> [UInt8] {
  var copy: [UInt8] = []
  copy.reserveCapacity(bytes.count)
  for index in bytes.indices { copy.append(bytes[index]) }
  return copy
}

/// Bytes that tell their place.
func pattern(_ count: Int) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
}

// Packets that the stack sent, parsed; whatever does not parse fails the test.

func header4(_ packet: [UInt8]) throws -> IPv4Header { try IPv4Header(parsing: packet.span) }

func header6(_ packet: [UInt8]) throws -> IPv6Header { try IPv6Header(parsing: packet.span) }

/// The ICMPv4 message behind a header without options, its checksum verified.
func message4(_ packet: [UInt8]) throws -> ICMPv4Message {
  try ICMPv4Message(parsing: packet.span.slice(from: 20))
}

/// The ICMPv6 message behind a header without extensions, its checksum verified.
func message6(_ packet: [UInt8]) throws -> ICMPv6Message {
  let header = try header6(packet)
  return try ICMPv6Message(
    parsing: packet.span.slice(from: 40), source: header.source, destination: header.destination)
}
