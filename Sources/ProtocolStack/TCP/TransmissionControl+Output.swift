import Addresses
import Packets

/// Where a segment goes: what the IP header is made from.
struct SegmentEnvelope {
  var source: IPAddress
  var destination: IPAddress
  /// The neighbour to hand it to; nil: as the routing table says.
  var nextHop: IPAddress?
  /// Differentiated services, and in the lower two bits the ECN field (RFC 2474, RFC 3168 §5).
  var trafficClass: UInt8 = 0
  /// Zero: the interface's.
  var hopLimit: UInt8 = 0
  /// RFC 6437 §3: the same in every IPv6 packet of a flow.
  var flowLabel: UInt32 = 0
  /// When the peer last showed that it receives what it is sent (RFC 4861 §7.3.1).
  var lastProgress = Instant(nanoseconds: .min)
}

/// Segments on their way out: pulled by the IP layer, one link's queue at a time.
extension TransmissionControl {
  /// Whether the next call of ``nextSegment(on:into:at:)`` may have something.
  func hasOutput(on interface: InterfaceIndex) -> Bool {
    let interface = Int(interface.rawValue)
    guard interface < links.count else { return false }
    return !links[interface].connections.isEmpty || !links[interface].replies.isEmpty
  }

  /// Bytes of packet that the next segment may need, headers of all layers included.
  func nextPacketCapacity(on interface: InterfaceIndex) -> Int {
    let number = Int(interface.rawValue)
    guard number < links.count, let slot = links[number].connections.first,
      connections.contains(slot)
    else { return 2048 }
    let offload = connections[slot].route.segmentationOffload
    let largest = max(connections[slot].route.maximumTransmissionUnit, offload)
    return largest &+ Packet.defaultHeadroom
  }

  /// Writes the next segment of an interface into `packet`, from the TCP header on.
  ///
  /// - Returns: where it goes, or nothing when no connection may send now. Constant time per call
  ///   on average, plus the copy of the payload.
  mutating func nextSegment(
    on interface: InterfaceIndex, into packet: inout Packet, at now: Instant
  ) -> SegmentEnvelope? {
    let number = Int(interface.rawValue)
    guard number < links.count else { return nil }
    if let reply = links[number].replies.popFirst() { return write(reply, into: &packet) }
    while let slot = links[number].connections.first {
      guard connections.contains(slot) else {
        _ = links[number].connections.popFirst()
        continue
      }
      var deadline: Instant?
      let envelope = connections[slot].writeNext(
        into: &packet, from: chunks, limit: links[number].maximumTransmissionUnit,
        deadline: &deadline, at: now)
      if let deadline { deadlines.set(slot, to: deadline) }
      // What was sent makes room for what was not (`TCP_NOTSENT_LOWAT`).
      if connections[slot].wantsTelling { tell(slot) }
      // Round robin: one packet each, however large.
      if envelope == nil || links[number].connections.count > 1 {
        _ = links[number].connections.popFirst()
        if connections[slot].wantsOutput, connections[slot].state != .closed {
          links[number].connections.append(slot)
        } else {
          connections[slot].isQueued = false
          if connections[slot].state == .closed { settle(slot, at: now) }
        }
      }
      if let envelope {
        counters.segmentsSent &+= 1
        return envelope
      }
    }
    return nil
  }

  private mutating func write(_ reply: Reply, into packet: inout Packet) -> SegmentEnvelope? {
    let options = reply.options
    let headerSize = TCPHeader.size &+ options.size
    guard packet.extend(headerSize) else { return nil }
    let header = TCPHeader(
      sourcePort: PortNumber(rawValue: reply.flow.localPort),
      destinationPort: PortNumber(rawValue: reply.flow.remotePort),
      sequenceNumber: reply.sequence, acknowledgmentNumber: reply.acknowledgment,
      dataOffset: headerSize, flags: TCPFlags(rawValue: reply.flags), window: reply.window)
    var bytes = packet.mutableBytes
    header.write(into: &bytes)
    options.write(into: &bytes, at: TCPHeader.size)
    reply.flow.complete(&packet, checksumOffload: false, segmentSize: 0)
    counters.segmentsSent &+= 1
    return SegmentEnvelope(
      source: reply.flow.localAddress, destination: reply.flow.remoteAddress,
      nextHop: reply.isOnLink ? reply.flow.remoteAddress : nil,
      flowLabel: reply.flow.label(secrets))
  }
}
