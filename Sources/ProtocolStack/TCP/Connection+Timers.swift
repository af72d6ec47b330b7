import Packets

extension Connection {
  /// Acts on every timer that ran out.
  mutating func advance(to now: Instant, configuration: TCPConfiguration) {
    if timers.takeExpired(.acknowledgment, at: now) {
      receive.acknowledgeNow = true
      wantsOutput = true
    }
    if timers.takeExpired(.persist, at: now), send.unsent > 0 || send.finQueued {
      persistExpired()
    }
    if timers.takeExpired(.retransmission, at: now) {
      switch recovery.timerPurpose {
      case .timeout: retransmissionExpired(at: now, configuration: configuration)
      case .probe: if send.flight > 0 { probeTimedOut(at: now) }
      case .reordering: if send.flight > 0 { reorderingTimedOut(at: now) }
      }
    }
    if timers.takeExpired(.keepAlive, at: now) { keepAliveExpired(at: now) }
    if timers.takeExpired(.close, at: now) {
      // No data has come: it is given out without.
      if isDeferred { isDeferred = false } else { end(nil) }
    }
  }

  /// What waited was held back by the user, or by the peer's window.
  private mutating func persistExpired() {
    wantsOutput = true
    if send.unsent > 0, send.window &- send.flight >= send.unsent {
      send.isFlushing = true
      send.pushEnd = send.unacknowledged.advanced(by: send.buffered)
    } else {
      send.probeDue = true
    }
  }

  private mutating func retransmissionExpired(at now: Instant, configuration: TCPConfiguration) {
    guard send.flight > 0 else { return }
    if let limit = options.userTimeout, let since = recovery.stalledSince,
      now.since(since) >= limit
    {
      return end(softError ?? .timedOut)
    }
    if state == .synSent || state == .synReceived {
      guard recovery.consecutiveTimeouts < configuration.synRetries else {
        return end(softError ?? .timedOut)
      }
      recovery.consecutiveTimeouts &+= 1
      statistics.timeouts &+= 1
      recovery.timedSequence = nil
      roundTrip.backOff(ceiling: configuration.maximumRetransmissionTimeout)
      send.synDue = true
      wantsOutput = true
      timers.set(.retransmission, to: now + roundTrip.timeout)
      return
    }
    // RFC 9293 §3.8.3 MUST-20: at R2 the connection is given up.
    // For nobody, it is given up sooner: a peer must not keep what its user has let go of.
    let retries =
      isOrphan
      ? min(configuration.dataRetries, configuration.orphanRetries) : configuration.dataRetries
    guard recovery.consecutiveTimeouts < retries else {
      return end(softError ?? .timedOut)
    }
    retransmissionTimedOut(at: now, configuration: configuration)
  }

  // MARK: - Keep-alive (RFC 9293 §3.8.4)

  /// A probe that is due again at once would be due for ever.
  private static var leastKeepAlive: Interval { .milliseconds(1) }

  mutating func armKeepAlive(at now: Instant) {
    guard let idle = options.keepAliveIdle else { return timers.stop(.keepAlive) }
    timers.set(.keepAlive, to: now + max(idle, Self.leastKeepAlive))
  }

  private mutating func keepAliveExpired(at now: Instant) {
    guard let idle = options.keepAliveIdle,
      state == .established || state == .closeWait || state == .finWait2
    else { return }
    let interval = max(options.keepAliveInterval, Self.leastKeepAlive)
    let quiet = now.since(lastArrival)
    if quiet < idle, keepAliveProbesSent == 0 {
      timers.set(.keepAlive, to: lastArrival + idle)
      return
    }
    // RFC 9293 MUST-26: only on a connection where nothing is on its way.
    if send.flight > 0 {
      timers.set(.keepAlive, to: now + interval)
      return
    }
    guard keepAliveProbesSent < options.keepAliveProbes else { return end(.timedOut) }
    keepAliveProbesSent &+= 1
    send.keepAliveDue = true
    wantsOutput = true
    timers.set(.keepAlive, to: now + interval)
  }
}
