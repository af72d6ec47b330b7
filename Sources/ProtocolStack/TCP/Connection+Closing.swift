import Packets

/// Both closes (RFC 9293 §3.6), the half-close between them, and what remains.
extension Connection {
  /// Our FIN has been handed to the link.
  mutating func enterAfterFin() {
    switch state {
    case .established, .synReceived: enter(.finWait1)
    case .closeWait: enter(.lastAck)
    default: break
    }
  }

  /// Our FIN was acknowledged, and with it everything.
  mutating func finAcknowledged(pool: inout ChunkPool, at now: Instant) {
    switch state {
    case .finWait1:
      enter(.finWait2)
      if isOrphan { timers.set(.close, to: now + orphanTimeout) }
    case .closing: beginTimeWait(at: now)
    case .lastAck: end(nil)
    default: break
    }
  }

  /// The peer's FIN has been taken: it sends no more.
  mutating func finArrived(at now: Instant) {
    switch state {
    case .synReceived, .established: enter(.closeWait)
    case .finWait1:
      // Had it acknowledged our FIN as well, we would be in FIN-WAIT-2 by now.
      enter(.closing)
    case .finWait2: beginTimeWait(at: now)
    default: break
    }
  }

  private mutating func beginTimeWait(at now: Instant) {
    guard enter(.timeWait) else { return }
    timers.stopAll()
    timers.set(.close, to: now + timeWait)
    events.insert(.closed)
  }

  /// The user has no more to send (`shutdown(SHUT_WR)`).
  mutating func finishSending() throws(StackError) {
    guard state != .closed else { throw failure ?? .notConnected }
    guard state.canSend, !send.finQueued else { return }
    send.finQueued = true
    wantsOutput = true
  }

  /// The user lets go (RFC 9293 §3.10.4).
  ///
  /// - Returns: whether a reset is due: bytes that nobody will read were lost (RFC 2525 §2.17).
  mutating func release(pool: inout ChunkPool, at now: Instant) -> Bool {
    isOrphan = true
    events = PendingEvents()
    receive.isDiscarding = true
    let hadUnread = receive.buffered > 0
    receive.buffer.removeAll(to: &pool)
    receive.ranges.removeAll()
    receive.buffered = 0
    switch state {
    case .closed: return false
    case .synSent:
      end(nil)
      return false
    case .synReceived, .established, .closeWait:
      if hadUnread { return true }
      send.finQueued = true
      wantsOutput = true
      return false
    case .finWait1:
      return hadUnread
    case .finWait2:
      timers.set(.close, to: now + orphanTimeout)
      return hadUnread
    case .closing, .lastAck, .timeWait: return false
    }
  }

  /// Gives all memory back; the end of every connection passes here.
  mutating func releaseBuffers(to pool: inout ChunkPool) {
    send.buffer.removeAll(to: &pool)
    send.buffered = 0
    send.transmissions.removeAll()
    send.records.removeAll()
    receive.buffer.removeAll(to: &pool)
    receive.buffered = 0
    receive.ranges.removeAll()
  }
}
