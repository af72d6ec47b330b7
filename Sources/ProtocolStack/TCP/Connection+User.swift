import Packets

/// What users put in and take out (RFC 9293 §3.10.2, §3.10.3).
extension Connection {
  /// Queues bytes to be sent.
  ///
  /// - Parameter isReady: set where any of them may leave.
  /// - Returns: how many were taken.
  mutating func queue(
    _ bytes: Span<UInt8>, from pool: inout ChunkPool, counters: inout TCPCounters,
    isReady: inout Bool, at now: Instant
  ) throws(StackError) -> Int {
    if let failure { throw failure }
    guard state.canSend, !send.finQueued else { throw .brokenPipe }
    let wanted = min(
      min(max(send.limit &- send.buffered, 0), bytes.count), max(notSentRoom &- send.unsent, 0))
    var taken = 0
    if wanted > 0 {
      taken = send.buffer.write(
        bytes.slice(from: 0, length: wanted), at: send.buffered, from: &pool)
      if taken < wanted { counters.bufferExhausted &+= 1 }
      if send.buffered == 0 { statistics.busy.begin(at: now) }
      send.buffered &+= taken
      if !send.expectsMore {
        send.pushEnd = send.unacknowledged.advanced(by: send.buffered)
      } else if send.next.precedes(send.pushEnd) {
        send.pushEnd = send.next
      }
    }
    if taken < bytes.count { send.isUserWaiting = true }
    if taken > 0, statistics.bytesReceived > 0 { quickAcknowledgments = 0 }
    if taken > 0, state != .synSent, state != .synReceived {
      wantsOutput = true
      isReady = true
    }
    return taken
  }

  /// So many octets may wait to be sent for the first time (`TCP_NOTSENT_LOWAT`).
  @inline(__always)
  var notSentLimit: Int { options.notSentLowWater ?? leastNotSent }

  /// The same for one call, which may fill the packet that the limit lies in.
  @inline(__always)
  private var notSentRoom: Int {
    let limit = notSentLimit
    guard limit < .max / 2 else { return limit }
    let packet = max(min(send.maximumWindow / 2, 65_535), send.segment)
    let whole = max(packet &- packet % max(send.segment, 1), 1)
    return (limit &+ whole &- 1) / whole &* whole
  }

  /// What was queued last ends a record (`MSG_EOR`).
  mutating func endRecord() {
    guard send.buffered > 0, !send.finSent else { return }
    send.records.append(send.unacknowledged.advanced(by: send.buffered))
  }

  /// Copies what has arrived in order into `target`.
  ///
  /// - Parameter isReady: set where there is something to tell the peer.
  mutating func take(
    into target: inout MutableSpan<UInt8>, to pool: inout ChunkPool, isReady: inout Bool,
    at now: Instant
  ) throws(StackError) -> ReadResult {
    if let failure { throw failure }
    let length = min(receive.buffered, target.count)
    guard length > 0 else {
      if receive.buffered > 0 { return .bytes(0) }
      return receive.isFinished || state == .closed ? .endOfStream : .wouldBlock
    }
    receive.buffer.read(at: 0, length: length, into: &target, at: 0, from: pool)
    receive.buffer.dropFirst(length, to: &pool)
    receive.buffered &-= length
    if receive.buffered == 0, receive.ranges.isEmpty { receive.buffer.trim(to: &pool) }
    consumed(length, at: now)
    isReady = wantsOutput
    return .bytes(length)
  }
}
