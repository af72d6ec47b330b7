import Addresses
import Packets

/// Where a segment goes: what the IP header is made from.
struct SegmentEnvelope {
  var source: IPAddress
  var destination: IPAddress
  /// The neighbour to hand it to; nil: as the routing table says.
  var nextHop: IPAddress?
  /// The ECN field (RFC 3168): not ECN-capable so far.
  var ecn: UInt8 = 0
  var hopLimit: UInt8 = 64
}

/// Segments on their way out: pulled by the IP layer, one link's queue at a time.
extension TransmissionControl {
  /// Whether the next call of ``nextSegment(on:into:at:)`` may have something.
  func hasOutput(on interface: InterfaceIndex) -> Bool {
    let interface = Int(interface.rawValue)
    guard interface < queues.count else { return false }
    return !queues[interface].isEmpty || !replies[interface].isEmpty
  }

  /// Bytes of packet that the next segment may need, headers of all layers included.
  func nextPacketCapacity(on interface: InterfaceIndex) -> Int {
    let number = Int(interface.rawValue)
    guard number < queues.count, let slot = queues[number].first, connections.contains(slot)
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
    guard number < queues.count else { return nil }
    if let reply = replies[number].popFirst() { return write(reply, into: &packet) }
    while let slot = queues[number].first {
      guard connections.contains(slot) else {
        _ = queues[number].popFirst()
        continue
      }
      let envelope = writeNext(of: slot, into: &packet, at: now)
      // Round robin: one packet each, however large.
      if envelope == nil || queues[number].count > 1 {
        _ = queues[number].popFirst()
        if connections[slot].wantsOutput, connections[slot].state != .closed {
          queues[number].append(slot)
        } else {
          connections[slot].isQueued = false
          if connections[slot].state == .closed { settle(slot, at: now) }
        }
      }
      if let envelope { return envelope }
    }
    return nil
  }

  private mutating func writeNext(
    of slot: UInt32, into packet: inout Packet, at now: Instant
  ) -> SegmentEnvelope? {
    let options = connections[slot].segmentOptions(at: now)
    guard let plan = connections[slot].nextSegment(optionsSize: options.size, at: now) else {
      return nil
    }
    let isSyn = plan.flags.contains(.syn)
    let header = isSyn ? connections[slot].synOptions(at: now) : options
    guard write(plan, of: slot, options: header, into: &packet) else {
      // The caller's packet was too small for a whole segment: a mistake of ours, not a loop.
      connections[slot].wantsOutput = false
      return nil
    }
    let wasTimeWait = connections[slot].state == .timeWait
    connections[slot].sent(plan, at: now)
    if !wasTimeWait { settleAfterSending(slot, at: now) }
    counters.segmentsSent &+= 1
    return SegmentEnvelope(
      source: connections[slot].flow.localAddress,
      destination: connections[slot].flow.remoteAddress,
      nextHop: connections[slot].route.nextHop)
  }

  private mutating func settleAfterSending(_ slot: UInt32, at now: Instant) {
    let earliest = connections[slot].timers.earliest
    if earliest < connections[slot].scheduled {
      connections[slot].scheduled = earliest
      deadlines.set(slot, to: earliest)
    }
  }

  /// Header, options and payload, the payload copied once from the send buffer.
  private mutating func write(
    _ plan: SegmentPlan, of slot: UInt32, options: TCPOptions, into packet: inout Packet
  ) -> Bool {
    let headerSize = TCPHeader.size &+ options.size
    guard packet.extend(headerSize &+ plan.length) else { return false }
    let isSyn = plan.flags.contains(.syn)
    let hasAck = plan.flags.contains(.ack)
    let window: UInt16
    if isSyn {
      // RFC 7323 §2.2: never scaled in a SYN.
      window = UInt16(clamping: connections[slot].receive.limit)
      if hasAck {
        connections[slot].receive.edge = connections[slot].receive.next.advanced(by: Int(window))
      }
    } else {
      window = connections[slot].announcedWindow()
    }
    let flow = connections[slot].flow
    let header = TCPHeader(
      sourcePort: PortNumber(rawValue: flow.localPort),
      destinationPort: PortNumber(rawValue: flow.remotePort), sequenceNumber: plan.sequence,
      acknowledgmentNumber: hasAck
        ? connections[slot].receive.next : SequenceNumber(rawValue: 0),
      dataOffset: headerSize, flags: plan.flags, window: window)
    var bytes = packet.mutableBytes
    header.write(into: &bytes)
    options.write(into: &bytes, at: TCPHeader.size)
    if plan.length > 0 {
      connections[slot].send.buffer.read(
        at: plan.position, length: plan.length, into: &bytes, at: headerSize, from: chunks)
    }
    complete(
      &packet, flow, checksumOffload: connections[slot].route.checksumOffload,
      segmentSize: plan.length > plan.segmentSize ? plan.segmentSize : 0)
    return true
  }

  /// The checksum, or what the link needs to compute it.
  private func complete(
    _ packet: inout Packet, _ flow: Flow, checksumOffload: Bool, segmentSize: Int
  ) {
    var sum = InternetChecksum.pseudoHeader(
      source: flow.localAddress, destination: flow.remoteAddress, protocol: .tcp,
      length: packet.count)
    if checksumOffload || segmentSize > 0 {
      packet.offload.needsChecksum = true
      packet.offload.checksumStart = 0
      packet.offload.checksumOffset = 16
      if segmentSize > 0 {
        packet.offload.segmentation = flow.isIPv4 ? .tcp4 : .tcp6
        packet.offload.segmentSize = UInt16(clamping: segmentSize)
      }
      var bytes = packet.mutableBytes
      bytes.store(sum.partial, at: 16)
    } else {
      sum.add(packet.bytes)
      let value = sum.value
      var bytes = packet.mutableBytes
      bytes.store(value, at: 16)
    }
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
    complete(&packet, reply.flow, checksumOffload: false, segmentSize: 0)
    counters.segmentsSent &+= 1
    return SegmentEnvelope(
      source: reply.flow.localAddress, destination: reply.flow.remoteAddress, nextHop: nil)
  }
}
