import Packets

/// The receiver: what arrives goes to its place in the buffer, in order or not.
extension Connection {
  /// Seventh and eighth steps of segment arrival: the text and the FIN.
  mutating func dataArrives(
    _ segment: Segment, _ bytes: Span<UInt8>, pool: inout ChunkPool,
    configuration: TCPConfiguration, counters: inout TCPCounters, at now: Instant
  ) -> Arrival {
    guard state.canReceive else {
      // RFC 9293 §3.10.7.4: behind the peer's FIN there can be nothing; ignore it.
      return .done
    }
    if receive.isDiscarding, segment.length > 0 {
      // RFC 2525 §2.17, RFC 9293 §3.10.4: data for a user who has gone is answered with a reset.
      counters.dataAfterClose &+= 1
      end(nil)
      return .reset
    }
    if segment.flags.contains(.fin) {
      receive.finSequence = segment.sequence.advanced(by: segment.length)
    }
    if segment.length > 0 {
      statistics.lastDataReceived = now
      statistics.dataSegmentsReceived &+= 1
      let payload = bytes.slice(from: segment.offset, length: segment.length)
      if segment.sequence == receive.next, receive.ranges.isEmpty {
        takeInOrder(payload, segment, pool: &pool, counters: &counters, at: now)
      } else {
        takeOutOfOrder(payload, segment, pool: &pool, counters: &counters)
      }
    }
    takeFin(at: now)
    wantsOutput = wantsOutput || receive.acknowledgeNow
    return .done
  }

  /// The common case: nothing is missing.
  private mutating func takeInOrder(
    _ payload: Span<UInt8>, _ segment: Segment, pool: inout ChunkPool,
    counters: inout TCPCounters, at now: Instant
  ) {
    let taken = receive.buffer.write(payload, at: receive.buffered, from: &pool)
    if taken < payload.count { counters.bufferExhausted &+= 1 }
    guard taken > 0 else {
      receive.acknowledgeNow = true
      return
    }
    receive.next = receive.next.advanced(by: taken)
    receive.buffered &+= taken
    statistics.bytesReceived &+= UInt64(truncatingIfNeeded: taken)
    events.insert(.readable)
    // RFC 9293 §3.8.6.3 MUST-58, SHLD-18, SHLD-19: at least every second full-sized segment.
    receive.unacknowledgedBytes &+= taken
    let full = segment.segmentSize > 0 ? segment.segmentSize : min(send.segment, 1460) &- 12
    let room = receive.next.distance(to: receive.edge)
    if receive.unacknowledgedBytes >= full &* 2 || taken < payload.count || room < full {
      receive.acknowledgeNow = true
    } else if quickAcknowledgments > 0 {
      quickAcknowledgments &-= 1
      receive.acknowledgeNow = true
    } else if !timers.isSet(.acknowledgment) {
      timers.set(.acknowledgment, to: now + acknowledgmentDelay)
    }
  }

  /// Something is missing, or was: only octets that are not here yet are taken, so the first copy
  /// of each wins (TCP-46), and every such segment is acknowledged at once (RFC 5681 §4.2).
  private mutating func takeOutOfOrder(
    _ payload: Span<UInt8>, _ segment: Segment, pool: inout ChunkPool,
    counters: inout TCPCounters
  ) {
    receive.acknowledgeNow = true
    expectLosses()
    let arrived = SequenceRange(
      start: segment.sequence, end: segment.sequence.advanced(by: payload.count))
    if receive.ranges.covers(arrived) {
      noteDuplicate(arrived.start, arrived.end)
      return
    }
    guard fillGaps(payload, of: arrived, pool: &pool) else {
      counters.bufferExhausted &+= 1
      return
    }
    let contiguous: Int
    if receive.ranges.insert(arrived) {
      counters.outOfOrder &+= 1
      noteRecent(arrived.start)
      guard receive.ranges[0].start == receive.next else { return }
      contiguous = receive.ranges[0].count
    } else if arrived.start == receive.next {
      // What comes next needs no run of its own: refused, it could never be delivered, for only it
      // makes room among the runs.
      contiguous = arrived.count
    } else {
      // The cap of runs: the farthest one makes no room; the peer sends this again.
      counters.reassemblyLimit &+= 1
      return
    }
    receive.next = receive.next.advanced(by: contiguous)
    receive.ranges.removeAll(before: receive.next)
    receive.buffered &+= contiguous
    statistics.bytesReceived &+= UInt64(truncatingIfNeeded: contiguous)
    events.insert(.readable)
  }

  /// Writes the octets of a run that no earlier segment brought.
  private mutating func fillGaps(
    _ payload: Span<UInt8>, of arrived: SequenceRange, pool: inout ChunkPool
  ) -> Bool {
    var place = arrived.start
    var index = receive.ranges.index(endingAfter: place)
    while place.precedes(arrived.end) {
      var end = arrived.end
      var following = end
      if index < receive.ranges.count {
        let held = receive.ranges[index]
        if held.start.precedes(end) {
          end = held.start
          following = held.end
        }
        index &+= 1
      }
      let length = place.distance(to: end)
      if length > 0 {
        let piece = payload.slice(from: arrived.start.distance(to: place), length: length)
        let position = receive.buffered &+ receive.next.distance(to: place)
        guard receive.buffer.write(piece, at: position, from: &pool) == length else { return false }
      }
      place = following
    }
    return true
  }

  /// Eighth step: the FIN, once all before it is here.
  private mutating func takeFin(at now: Instant) {
    guard let fin = receive.finSequence, fin == receive.next, !receive.isFinished else { return }
    receive.isFinished = true
    receive.next = receive.next.advanced(by: 1)
    if receive.edge.precedes(receive.next) { receive.edge = receive.next }
    receive.acknowledgeNow = true
    events.insert(.readable)
    finArrived(at: now)
  }

  /// The blocks to report (RFC 2018 §4): a duplicate first (RFC 2883), then the run that the latest
  /// segment is in, then the runs reported before.
  func selectiveAcknowledgments() -> SACKBlocks {
    var blocks = SACKBlocks()
    if let duplicate = receive.duplicate {
      blocks.append(SACKBlock(left: duplicate.start, right: duplicate.end))
    }
    var index = 0
    while index < receive.recentCount, blocks.count < SACKBlocks.capacity {
      if let range = receive.ranges.range(containing: receive.recent[index]) {
        let block = SACKBlock(left: range.start, right: range.end)
        var isNew = true
        var earlier = receive.duplicate == nil ? 0 : 1
        while earlier < blocks.count {
          if blocks[earlier] == block { isNew = false }
          earlier &+= 1
        }
        if isNew { blocks.append(block) }
      }
      index &+= 1
    }
    return blocks
  }

  private mutating func noteRecent(_ start: SequenceNumber) {
    receive.recent[3] = receive.recent[2]
    receive.recent[2] = receive.recent[1]
    receive.recent[1] = receive.recent[0]
    receive.recent[0] = start
    receive.recentCount = min(receive.recentCount &+ 1, 4)
  }

  /// Segments are lost, or acknowledgments: for a while each segment has its own, as RFC 5681 §4.2
  /// allows. A sender whose window is small cannot do without one of few.
  private mutating func expectLosses() { quickAcknowledgments = Self.quickSegments }

  /// RFC 2883 §4: octets that came twice are reported once.
  mutating func noteDuplicate(_ start: SequenceNumber, _ end: SequenceNumber) {
    expectLosses()
    guard sackPermitted, start.precedes(end) else { return }
    receive.duplicate = SequenceRange(start: start, end: end)
  }

  /// What to announce (RFC 9293 §3.8.6.2.2): the right edge moves only by a worthwhile step, and
  /// never back.
  mutating func announcedWindow() -> UInt16 {
    let free = max(receive.limit &- receive.buffered, 0)
    let edge = receive.next.advanced(by: free)
    let step = receive.edge.distance(to: edge)
    // RFC 9293 §3.8.6.2.2 MUST-39.
    if step >= min(receive.limit / 2, receive.announcedSegment) { receive.edge = edge }
    let window = max(receive.next.distance(to: receive.edge), 0)
    let scaled = window &>> Int(receive.windowShift)
    if scaled > 65_535 {
      receive.edge = receive.next.advanced(by: 65_535 &<< Int(receive.windowShift))
    }
    return UInt16(clamping: scaled)
  }

  /// The user took `count` bytes: perhaps the peer should hear of the room, perhaps the buffer is
  /// what holds it back.
  mutating func consumed(_ count: Int, at now: Instant) {
    receive.consumed &+= count
    let free = max(receive.limit &- receive.buffered, 0)
    let gain = receive.edge.distance(to: receive.next.advanced(by: free))
    let window = receive.next.distance(to: receive.edge)
    if gain >= min(receive.announcedSegment &* 2, receive.limit / 2),
      gain >= receive.limit / 4 || window < receive.announcedSegment &* 2
    {
      receive.acknowledgeNow = true
      wantsOutput = true
    }
    tuneReceiveBuffer(at: now)
  }

  /// Dynamic right-sizing: when a reader takes half a buffer in one round trip, the buffer is what
  /// limits the sender, and it doubles.
  private mutating func tuneReceiveBuffer(at now: Instant) {
    let trip = max(roundTrip.smoothed ?? .milliseconds(10), .milliseconds(1))
    guard receive.consumed >= receive.limit / 2 else {
      if now.since(receive.measureStart) > trip * 2 {
        receive.measureStart = now
        receive.consumed = 0
      }
      return
    }
    if now.since(receive.measureStart) <= trip * 2, receive.limit < receive.maximum {
      receive.limit = min(receive.limit &* 2, receive.maximum)
    }
    receive.measureStart = now
    receive.consumed = 0
  }
}
