import Addresses
import Packets
import ProtocolStack

/// What arrives: bytes as they are, and packets that are right but for what the script chooses.
extension StackRun {
  /// Hands an IP packet to the stack, in fragments if the script has said so.
  mutating func inject(_ packet: [UInt8], _ offload: Offload = Offload()) {
    guard pieceSize > 0, packet.count > 60 else {
      deliver(packet, offload)
      return
    }
    for piece in fragments(of: packet) { deliver(piece, Offload()) }
  }

  /// Puts the frame's header in front, where the link has one.
  private mutating func deliver(_ packet: [UInt8], _ offload: Offload) {
    guard abilities.linkHeaderSize > 0 else {
      receive(packet, offload)
      return
    }
    let isIPv6 = packet.first.map { $0 >> 4 == 6 } ?? false
    let isGroup = isIPv6 ? packet.count > 24 && packet[24] == 0xFF : false
    var frame = [UInt8](repeating: 0, count: 14)
    var bytes = frame.mutableSpan
    let group = EthernetAddress(multicast: IPv6Address(high: 0xFF02 << 48, low: 1))
    EthernetHeader(
      destination: isGroup ? group : Self.station, source: Self.peerStation,
      etherType: isIPv6 ? .ipv6 : .ipv4
    ).write(into: &bytes)
    receive(frame + packet, offload)
  }

  /// A packet or frame comes in, and must be counted somewhere.
  mutating func receive(_ bytes: [UInt8], _ offload: Offload) {
    var packet = Packet(capacity: bytes.count + 64, headroom: 32)
    guard packet.append(bytes.span) else { return }
    packet.offload = offload
    if offload.segmentation != .none { isCoalesced = true }
    let before = destinies
    packetsIn += 1
    stack.receive(&packet, on: interface, at: now)
    precondition(destinies &- before >= 1)
  }

  /// Bytes from the script, to the link as they are.
  mutating func rawFrame() {
    let choice = script.byte()
    var offload = Offload()
    if choice & 1 != 0 {
      offload.needsChecksum = choice & 2 != 0
      offload.checksumIsValid = choice & 4 != 0
      offload.segmentation = choice & 8 != 0 ? (choice & 16 != 0 ? .tcp4 : .udp) : .none
      offload.segmentSize = script.word()
      offload.checksumStart = UInt16(script.byte())
      offload.checksumOffset = UInt16(script.byte())
    }
    isForged = true
    let bytes = script.take(script.length())
    if choice & 32 != 0 { receive(bytes, offload) } else { inject(bytes, offload) }
  }

  // MARK: - TCP

  /// A segment with a right checksum: of a connection the peer knows, or of a new one.
  mutating func scriptedSegment() {
    let choice = script.byte()
    var flow = HeardFlow(
      isIPv6: choice & 64 != 0, port: choice & 128 != 0 ? 9 : 7,
      peerPort: 1_000 + UInt16(choice >> 2 & 15))
    if choice & 3 != 3, !flows.isEmpty {
      flow = flows[Int(choice >> 2) % flows.count]
    } else if let known = flows.first(where: { $0.isSame(flow) }) {
      flow = known
    }
    var flags = script.byte() & 0x3F
    if flags == 0 { flags = 0x10 }
    let modes = script.byte()
    var sequence = flow.acknowledged
    switch modes & 3 {
    case 0: break
    case 1: sequence &+= UInt32(bitPattern: Int32(Int8(bitPattern: script.byte())))
    case 2: sequence &+= UInt32(bitPattern: Int32(Int16(bitPattern: script.word()))) &* 8
    default: sequence = script.long()
    }
    switch modes >> 2 & 3 {
    case 0: break
    case 1: flow.next &+= UInt32(bitPattern: Int32(Int8(bitPattern: script.byte())))
    case 2: flow.next &-= UInt32(script.word())
    default: flow.next = script.long()
    }
    let options = scriptedOptions(modes >> 4, flow)
    let window = script.byte()
    let start = flags & 2 != 0 ? sequence &+ 1 : sequence
    let payload = (0..<script.length()).map {
      UInt8(truncatingIfNeeded: start &+ UInt32($0))
    }
    inject(
      segment(
        flow, flags, sequence: sequence, window: UInt16(window) << 8 | UInt16(window),
        options: options, payload))
  }

  private mutating func scriptedOptions(_ choice: UInt8, _ flow: HeardFlow) -> [UInt8] {
    let clock = UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000)
    var options: [UInt8] = []
    if choice & 1 == 0, let echo = flow.timestamp {
      options += [1, 1, 8, 10] + Self.bytes(choice & 8 == 0 ? clock : clock &- 1 << 30)
      options += Self.bytes(echo)
    }
    switch choice >> 1 & 3 {
    case 0: break
    case 1: options = Self.handshakeOptions
    case 2:
      let left = flow.next &+ UInt32(script.byte())
      options += [1, 1, 5, 10] + Self.bytes(left)
      options += Self.bytes(left &+ UInt32(script.word()))
    default: options += script.take(Int(script.byte() % 41))
    }
    while options.count % 4 != 0 { options.append(0) }
    return Array(options.prefix(40))
  }

  /// A segment from the peer to the stack.
  func segment(
    _ flow: HeardFlow, _ flags: UInt8, sequence: UInt32, window: UInt16 = 0xFFFF,
    options: [UInt8], _ payload: [UInt8]
  ) -> [UInt8] {
    var bytes = Self.bytes(flow.peerPort) + Self.bytes(flow.port) + Self.bytes(sequence)
    bytes += Self.bytes(flow.next)
    bytes += [UInt8(5 + options.count / 4) << 4, flags] + Self.bytes(window) + [0, 0, 0, 0]
    return packet(bytes + options + payload, .tcp, isIPv6: flow.isIPv6)
  }

  // MARK: - UDP, ICMP, ARP

  mutating func scriptedDatagram() {
    let choice = script.byte()
    let ports: [UInt16] = [53, 9, 0]
    let port = choice & 3 == 3 ? script.word() : ports[Int(choice & 3)]
    var bytes = Self.bytes(choice & 4 == 0 ? 5_353 as UInt16 : script.word())
    let length = script.length()
    bytes += Self.bytes(port) + Self.bytes(UInt16(8 + length)) + [0, 0]
    bytes += [UInt8](repeating: choice, count: length)
    inject(packet(bytes, .udp, isIPv6: choice & 8 != 0))
  }

  /// Any protocol, any body; the checksum of the known ones is put right.
  mutating func scriptedMessage() {
    let choice = script.byte()
    let isIPv6 = choice & 1 != 0
    let kind: IPProtocol =
      switch choice >> 1 & 3 {
      case 0: isIPv6 ? .icmpv6 : .icmpv4
      case 1: .tcp
      case 2: .udp
      default: IPProtocol(rawValue: script.byte())
      }
    let body = script.take(script.length())
    isForged = true
    inject(
      packet(
        body, kind, isIPv6: isIPv6, hopLimit: 255,
        toGroup: choice & 8 != 0, fromLink: choice & 16 != 0))
  }

  /// An error about the packet that left last.
  mutating func scriptedError() {
    guard let first = lastSent.first else { return }
    let isIPv6 = first >> 4 == 6
    var body = [script.byte(), script.byte(), 0, 0, 0, 0] + Self.bytes(script.word())
    if isIPv6 { body[0] &= 0x7F }
    body += lastSent.prefix(min(script.length() + 28, 548))
    inject(packet(body, isIPv6 ? .icmpv6 : .icmpv4, isIPv6: isIPv6))
  }

  /// The packet that left last comes back with one byte changed, source and destination swapped or
  /// not.
  mutating func reflection() {
    var bytes = lastSent
    guard bytes.count >= 20 else { return }
    isForged = true
    let isIPv6 = bytes[0] >> 4 == 6
    let (source, length) = isIPv6 ? (8, 16) : (12, 4)
    if script.byte() & 1 == 0, bytes.count >= source + 2 * length {
      for index in source..<(source + length) { bytes.swapAt(index, index + length) }
    }
    bytes[Int(script.word()) % bytes.count] ^= script.byte()
    inject(bytes)
  }

  mutating func scriptedARP() {
    guard abilities.linkHeaderSize > 0 else { return }
    let choice = script.byte()
    let sender = addressForARP(choice >> 1 & 3)
    let target = addressForARP(choice >> 3 & 3)
    receive(
      arpFrame(choice & 1 == 0 ? .request : .reply, from: sender, for: target), Offload())
  }

  private mutating func addressForARP(_ choice: UInt8) -> IPv4Address {
    switch choice {
    case 0: Self.peer4
    case 1: Self.own4
    case 2: .any
    default: IPv4Address(10, 0, 0, script.byte())
    }
  }

  /// An ARP frame of the peer's station.
  func arpFrame(
    _ operation: ARPPacket.Operation, from sender: IPv4Address, for target: IPv4Address
  ) -> [UInt8] {
    var frame = [UInt8](repeating: 0, count: 60)
    var bytes = frame.mutableSpan
    EthernetHeader(
      destination: Self.station, source: Self.peerStation, etherType: .arp
    ).write(into: &bytes)
    ARPPacket(
      operation: operation, senderHardwareAddress: Self.peerStation, senderProtocolAddress: sender,
      targetHardwareAddress: Self.station, targetProtocolAddress: target
    ).write(into: &bytes, at: 14)
    return frame
  }

  // MARK: - IP

  /// An IP packet from the peer around a transport message, whose checksum is put in.
  func packet(
    _ message: [UInt8], _ kind: IPProtocol, isIPv6: Bool, hopLimit: UInt8 = 64,
    toGroup: Bool = false, fromLink: Bool = false
  ) -> [UInt8] {
    let size = isIPv6 ? IPv6Header.size : IPv4Header.size
    let message = Array(message.prefix(65_535 - size))
    let target6 = toGroup ? IPv6Address(high: 0xFF02 << 48, low: 1) : Self.own6
    let target4 = toGroup ? IPv4Address(10, 0, 0, 255) : Self.own4
    var header = [UInt8](repeating: 0, count: size)
    var bytes = header.mutableSpan
    if isIPv6 {
      IPv6Header(
        source: fromLink ? Self.link6 : Self.peer6, destination: target6, nextHeader: kind,
        payloadLength: message.count,
        hopLimit: hopLimit
      ).write(into: &bytes)
    } else {
      IPv4Header(
        source: Self.peer4, destination: target4, protocol: kind, payloadLength: message.count,
        identification: 1, dontFragment: false, timeToLive: hopLimit
      ).write(into: &bytes)
    }
    let places: [IPProtocol: Int] = [.tcp: 16, .udp: 6, .icmpv4: 2, .icmpv6: 2]
    guard let place = places[kind], place + 2 <= message.count else { return header + message }
    var whole = message
    whole[place] = 0
    whole[place + 1] = 0
    var start: UInt64 = 0
    if kind != .icmpv4 {
      let addresses = header[(isIPv6 ? 8 : 12)...]
      start = UInt64(bytewiseSum(Array(addresses).span, 0))
      start += UInt64(kind.rawValue) + UInt64(message.count)
    }
    let sum = ~bytewiseSum(whole.span, start)
    whole[place] = UInt8(sum >> 8)
    whole[place + 1] = UInt8(sum & 0xFF)
    return header + whole
  }

  /// The packet in pieces, the last one first where the size is odd in eights.
  private func fragments(of packet: [UInt8]) -> [[UInt8]] {
    let isIPv6 = packet[0] >> 4 == 6
    let size = isIPv6 ? IPv6Header.size : Int(packet[0] & 15) * 4
    guard size >= IPv4Header.size, packet.count > size else { return [packet] }
    let payload = packet[size...]
    var pieces: [[UInt8]] = []
    var offset = 0
    while offset < payload.count {
      let end = min(offset + pieceSize, payload.count)
      let piece = payload[(size + offset)..<(size + end)]
      let field = UInt16(offset) | (end < payload.count ? 1 : 0)
      var head = Array(packet[..<size])
      if isIPv6 {
        head += [head[6], 0] + Self.bytes(field) + [0, 0, 0, 7]
        head[6] = IPProtocol.fragment.rawValue
        head.replaceSubrange(4..<6, with: Self.bytes(UInt16(clamping: piece.count + 8)))
      } else {
        let flags: UInt16 = (UInt16(offset) >> 3) | (end < payload.count ? 0x2000 : 0)
        head.replaceSubrange(2..<4, with: Self.bytes(UInt16(clamping: size + piece.count)))
        head.replaceSubrange(6..<8, with: Self.bytes(flags))
        head.replaceSubrange(10..<12, with: [0, 0])
        head.replaceSubrange(10..<12, with: Self.bytes(~bytewiseSum(head.span, 0)))
      }
      pieces.append(head + piece)
      offset = end
    }
    return pieceSize / 8 % 2 == 0 ? pieces : pieces.reversed()
  }

  static func bytes(_ value: UInt32) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) }
  }

  static func bytes(_ value: UInt16) -> [UInt8] {
    [UInt8(value >> 8), UInt8(value & 0xFF)]
  }
}

extension HeardFlow {
  func isSame(_ other: HeardFlow) -> Bool {
    isIPv6 == other.isIPv6 && port == other.port && peerPort == other.peerPort
  }
}
