import Packets

/// What users put in and take out (RFC 9293 §3.10.2, §3.10.3).
extension Connection {
  /// Queues bytes to be sent.
  ///
  /// - Parameter isReady: set where any of them may leave.
  /// - Returns: how many were taken.
  mutating func queue(
    _ bytes: Span<UInt8>, from pool: inout ChunkPool, counters: inout TCPCounters,
    isReady: inout Bool
  ) throws(StackError) -> Int {
    if let failure { throw failure }
    guard state.canSend, !send.finQueued else { throw .brokenPipe }
    let wanted = min(max(send.limit &- send.buffered, 0), bytes.count)
    var taken = 0
    if wanted > 0 {
      taken = send.buffer.write(
        bytes.slice(from: 0, length: wanted), at: send.buffered, from: &pool)
      if taken < wanted { counters.bufferExhausted &+= 1 }
      send.buffered &+= taken
    }
    if taken < bytes.count { send.isUserWaiting = true }
    if taken > 0, statistics.bytesReceived > 0 { quickAcknowledgments = 0 }
    if taken > 0, state != .synSent, state != .synReceived {
      wantsOutput = true
      isReady = true
    }
    return taken
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
