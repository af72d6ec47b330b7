import Addresses
import Packets

/// A segment as bytes: what ``nextSegment(optionsSize:at:)`` has decided, written into a packet.
extension Connection {
  /// Writes the next segment into `packet`, from the TCP header on.
  ///
  /// - Parameters:
  ///   - chunks: where the payload is.
  ///   - limit: bytes of the largest packet that the link takes now.
  ///   - deadline: set where a timer of the connection now ends earlier than the table knows.
  /// - Returns: where it goes, or nothing where the connection may not send now.
  mutating func writeNext(
    into packet: inout Packet, from chunks: borrowing ChunkPool, limit: Int,
    deadline: inout Instant?, at now: Instant
  ) -> SegmentEnvelope? {
    if route.maximumTransmissionUnit > limit { _ = lowerPathMTU(to: limit, floor: 68, at: now) }
    let header = segmentOptions(at: now)
    guard var plan = nextSegment(optionsSize: header.size, at: now) else {
      // It may wait for a window to open.
      deadline = takeEarlierDeadline()
      return nil
    }
    let ecn = notify(&plan)
    let isSyn = plan.flags.contains(.syn)
    guard write(plan, options: isSyn ? synOptions(at: now) : header, into: &packet, from: chunks)
    else {
      // The caller's packet was too small for a whole segment: a mistake of ours, not a loop.
      wantsOutput = false
      return nil
    }
    let wasTimeWait = state == .timeWait
    sent(plan, at: now)
    if !wasTimeWait { deadline = takeEarlierDeadline() }
    return SegmentEnvelope(
      source: flow.localAddress, destination: flow.remoteAddress, nextHop: route.nextHop,
      trafficClass: options.trafficClass & 0xFC | ecn, hopLimit: options.hopLimit ?? 0,
      flowLabel: flowLabel, lastProgress: lastProgress)
  }

  /// The earliest deadline, where that is earlier than the one the table knows.
  mutating func takeEarlierDeadline() -> Instant? {
    let earliest = timers.earliest
    guard earliest < scheduled else { return nil }
    scheduled = earliest
    return earliest
  }

  /// Header, options and payload, the payload copied once from the send buffer.
  private mutating func write(
    _ plan: SegmentPlan, options: TCPOptions, into packet: inout Packet,
    from chunks: borrowing ChunkPool
  ) -> Bool {
    let headerSize = TCPHeader.size &+ options.size
    guard packet.extend(headerSize &+ plan.length) else { return false }
    let hasAck = plan.flags.contains(.ack)
    let window: UInt16
    if plan.flags.contains(.syn) {
      // RFC 7323 §2.2: never scaled in a SYN.
      window = UInt16(clamping: receive.limit)
      if hasAck { receive.edge = receive.next.advanced(by: Int(window)) }
    } else {
      window = announcedWindow()
    }
    let header = TCPHeader(
      sourcePort: PortNumber(rawValue: flow.localPort),
      destinationPort: PortNumber(rawValue: flow.remotePort), sequenceNumber: plan.sequence,
      acknowledgmentNumber: hasAck ? receive.next : SequenceNumber(rawValue: 0),
      dataOffset: headerSize, flags: plan.flags, window: window)
    var bytes = packet.mutableBytes
    header.write(into: &bytes)
    options.write(into: &bytes, at: TCPHeader.size)
    if plan.length > 0 {
      send.buffer.read(
        at: plan.position, length: plan.length, into: &bytes, at: headerSize, from: chunks)
    }
    flow.complete(
      &packet, checksumOffload: route.checksumOffload,
      segmentSize: plan.length > plan.segmentSize ? plan.segmentSize : 0)
    return true
  }
}

extension Flow {
  /// The checksum of a segment, or what the link needs to compute it.
  func complete(_ packet: inout Packet, checksumOffload: Bool, segmentSize: Int) {
    var sum = InternetChecksum.pseudoHeader(
      source: localAddress, destination: remoteAddress, protocol: .tcp, length: packet.count)
    if checksumOffload || segmentSize > 0 {
      packet.offload.needsChecksum = true
      packet.offload.checksumStart = 0
      packet.offload.checksumOffset = 16
      if segmentSize > 0 {
        packet.offload.segmentation = isIPv4 ? .tcp4 : .tcp6
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
}
