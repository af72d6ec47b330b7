import Addresses
import Packets
import ProtocolStack

/// What leaves: well formed, no larger than the link takes, with right checksums and the right
/// bytes. The peer learns from it where its next segment belongs.
extension StackRun {
  mutating func judge(_ packet: borrowing Packet) {
    let offload = packet.offload
    var bytes = packet.bytes
    if abilities.linkHeaderSize > 0 {
      guard let frame = try? EthernetHeader(parsing: bytes) else { preconditionFailure("a runt") }
      precondition(frame.source == Self.station)
      bytes = bytes.slice(from: EthernetHeader.size)
      if frame.etherType == .arp {
        heardARP(bytes)
        return
      }
    }
    precondition(!bytes.isEmpty)
    lastSent = bytes.indices.map { bytes[$0] }
    if bytes.uint8(at: 0) >> 4 == 4 { judge4(bytes, offload) } else { judge6(bytes, offload) }
  }

  private mutating func judge4(_ bytes: Span<UInt8>, _ offload: Offload) {
    guard let header = try? IPv4Header(parsing: bytes) else { preconditionFailure("bad IPv4") }
    judgeSize(header.totalLength, of: bytes, offload)
    guard !header.isFragment else { return }
    judge(
      bytes.slice(from: header.headerLength), header.protocol,
      addresses: bytes.slice(from: 12, length: 8), offload)
  }

  private mutating func judge6(_ bytes: Span<UInt8>, _ offload: Offload) {
    guard let header = try? IPv6Header(parsing: bytes) else { preconditionFailure("bad IPv6") }
    judgeSize(header.totalLength, of: bytes, offload)
    guard header.nextHeader != .fragment else { return }
    let message = bytes.slice(from: IPv6Header.size)
    judge(
      message, header.nextHeader, addresses: bytes.slice(from: 8, length: 32), offload)
    if header.nextHeader == .icmpv6 { heardSolicitation(message, header) }
  }

  private func judgeSize(_ length: Int, of bytes: Span<UInt8>, _ offload: Offload) {
    precondition(length == bytes.count, "a length that is not the packet's")
    if offload.segmentation == .none {
      precondition(
        length <= abilities.mtu.mtuOf(bytes.uint8(at: 0) >> 4 == 6), "larger than the link takes")
    } else {
      precondition(length <= abilities.segmentationOffload, "larger than the link cuts")
      precondition(offload.segmentSize > 0)
    }
  }

  private mutating func judge(
    _ message: Span<UInt8>, _ kind: IPProtocol, addresses: Span<UInt8>, _ offload: Offload
  ) {
    if offload.needsChecksum {
      precondition(abilities.checksumOffload || offload.segmentation != .none)
    } else {
      var start = UInt64(bytewiseSum(addresses, 0))
      start += UInt64(kind.rawValue) + UInt64(message.count)
      if kind == .icmpv4 { start = 0 }
      let isKnown = [.tcp, .udp, .icmpv4, .icmpv6].contains(kind)
      precondition(!isKnown || bytewiseSum(message, start) == 0xFFFF, "a wrong checksum")
    }
    if kind == .tcp { heardSegment(message, isIPv6: addresses.count == 32) }
  }

  private mutating func heardSegment(_ bytes: Span<UInt8>, isIPv6: Bool) {
    guard let header = try? TCPHeader(parsing: bytes) else { preconditionFailure("bad TCP") }
    let options = TCPOptions(in: bytes, header: header)
    precondition(!options.isMalformed)
    var flow = HeardFlow(
      isIPv6: isIPv6, port: header.sourcePort.rawValue, peerPort: header.destinationPort.rawValue)
    let place = flows.firstIndex { $0.isSame(flow) }
    if let place { flow = flows[place] }
    let sequence = header.sequenceNumber.rawValue
    let payload = bytes.slice(from: header.dataOffset)
    var end = sequence &+ UInt32(payload.count)
    if header.flags.contains(.syn) {
      end &+= 1
      flow.phase = nil
    }
    if header.flags.contains(.fin) { end &+= 1 }
    if !payload.isEmpty { judge(payload, at: sequence, &flow) }
    if !header.flags.contains(.rst) {
      if Int32(bitPattern: end &- flow.next) > 0 || header.flags.contains(.syn) { flow.next = end }
      if header.flags.contains(.ack) { flow.acknowledged = header.acknowledgmentNumber.rawValue }
      flow.timestamp = options.timestamp?.value
    }
    if let place {
      flows[place] = flow
    } else {
      if flows.count == 8 { flows.removeFirst() }
      flows.append(flow)
    }
  }

  /// Each byte the stack sends differs from its sequence number by the same, always. A keep-alive's
  /// one byte of old data may be anything.
  private func judge(_ payload: Span<UInt8>, at sequence: UInt32, _ flow: inout HeardFlow) {
    guard payload.count > 1 else { return }
    let phase = flow.phase ?? payload[0] &- UInt8(truncatingIfNeeded: sequence)
    flow.phase = phase
    for index in payload.indices {
      let place = UInt8(truncatingIfNeeded: sequence &+ UInt32(index))
      precondition(payload[index] &- place == phase, "not the bytes that were written")
    }
  }

  // MARK: - The neighbour answers

  private mutating func heardARP(_ bytes: Span<UInt8>) {
    guard let message = try? ARPPacket(parsing: bytes) else { preconditionFailure("bad ARP") }
    guard message.operation == .request, message.targetProtocolAddress == Self.peer4 else { return }
    answers.append(arpFrame(.reply, from: Self.peer4, for: Self.own4))
  }

  private mutating func heardSolicitation(_ message: Span<UInt8>, _ header: IPv6Header) {
    guard abilities.linkHeaderSize > 0,
      let solicitation = try? NeighborSolicitation(parsing: message, in: header),
      solicitation.target == Self.peer6, header.source == Self.own6
    else { return }
    var body = [UInt8](repeating: 0, count: 32)
    var bytes = body.mutableSpan
    NeighborAdvertisement(
      target: Self.peer6, isSolicited: true, overrides: true,
      targetLinkLayerAddress: Self.peerStation
    ).write(into: &bytes, source: Self.peer6, destination: Self.own6)
    var frame = [UInt8](repeating: 0, count: 14)
    var head = frame.mutableSpan
    EthernetHeader(
      destination: Self.station, source: Self.peerStation, etherType: .ipv6
    ).write(into: &head)
    answers.append(frame + packet(body, .icmpv6, isIPv6: true, hopLimit: 255))
  }
}

extension Int {
  /// What an interface makes of an MTU: no less than its version of IP needs (RFC 1122 §3.3.3,
  /// RFC 8200 §5).
  fileprivate func mtuOf(_ isIPv6: Bool) -> Int { Swift.max(self, isIPv6 ? 1_280 : 576) }
}
