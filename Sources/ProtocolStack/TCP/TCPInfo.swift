public import Addresses
public import Packets

/// What a connection is doing: the facts Linux gives in `TCP_INFO`.
public struct TCPInfo: Sendable {
  public var state: ConnectionState
  public var local: SocketAddress
  public var remote: SocketAddress
  /// The smoothed round trip, its variation and the least ever seen; nil before the first sample.
  public var roundTrip: Interval?
  public var roundTripVariation: Interval
  public var minimumRoundTrip: Interval?
  public var retransmissionTimeout: Interval
  /// In bytes; the threshold is `Int.max` before the first loss.
  public var congestionWindow: Int
  public var slowStartThreshold: Int
  /// Payload bytes of the largest segment sent.
  public var maximumSegmentSize: Int
  /// The peer's window and ours, in bytes.
  public var sendWindow: Int
  public var receiveWindow: Int
  public var bytesUnacknowledged: Int
  public var bytesQueued: Int
  public var bytesReadable: Int
  public var segmentsSent: UInt64
  public var segmentsReceived: UInt64
  /// Payload bytes handed to the link, retransmissions included.
  public var bytesSent: UInt64
  /// Payload bytes received in order.
  public var bytesReceived: UInt64
  public var retransmittedSegments: UInt64
  public var timeouts: UInt64
  /// Recoveries, by time-outs or not, of losses that were none (RFC 3522, RFC 3708, RFC 5682).
  public var needlessRecoveries: UInt64
  public var isInRecovery: Bool
  public var congestionState: CongestionState
  /// Bytes beyond the acknowledged ones that the peer has (RFC 2018); bytes found lost, whether
  /// they were sent again or not; and of these, those on their way again.
  public var bytesArrived: Int
  public var bytesLost: Int
  public var bytesResent: Int
  /// How many segments behind the newest one an arrival came at most; three at least.
  public var reordering: Int
  /// Time-outs in a row, and keep-alive probes, without an answer.
  public var consecutiveTimeouts: Int
  public var keepAliveProbes: Int
  public var dataSegmentsSent: UInt64
  public var dataSegmentsReceived: UInt64
  /// Payload bytes that the peer has acknowledged; the FIN is none.
  public var bytesAcknowledged: UInt64
  public var bytesRetransmitted: UInt64
  /// Since data was sent last, since data and an acknowledgment arrived last; nil: never.
  public var sinceDataSent: Interval?
  public var sinceDataReceived: Interval?
  public var sinceAcknowledgment: Interval?
  /// How long data was queued or on its way, and of that, was held back by the peer's window.
  public var busyTime: Interval
  public var windowLimitedTime: Interval
  public var usesCongestionNotification: Bool
  public var usesTimestamps: Bool
  public var usesSelectiveAcknowledgment: Bool
  /// The shifts of the peer's window and of ours; nil where not both sides scale (RFC 7323 §2).
  public var windowShifts: (send: UInt8, receive: UInt8)?
  /// What ended the connection.
  public var failure: StackError?
}

/// How sure a sender is that all is well (Linux's `tcpi_ca_state`).
public enum CongestionState: UInt8, Sendable, CaseIterable {
  case open
  /// Something is out of order or missing.
  case disorder
  /// The window was reduced without a loss.
  case reduced
  /// Fast recovery.
  case recovery
  /// After a time-out.
  case loss
}

extension Connection {
  /// How sure it is that all is well.
  fileprivate var congestionState: CongestionState {
    switch recovery.phase {
    case .fast: return .recovery
    case .timeout: return .loss
    case .open:
      if !send.transmissions.isPlain || recovery.duplicateAcknowledgments > 0 { return .disorder }
      guard let point = congestionNotification.point, send.unacknowledged.precedes(point) else {
        return .open
      }
      return .reduced
    }
  }
}

extension Instant {
  /// The time since `instant`, unless that never was.
  fileprivate func since(event instant: Instant) -> Interval? {
    instant.nanoseconds == .min ? nil : since(instant)
  }
}

extension TransmissionControl {
  func info(_ handle: SocketHandle, at now: Instant) -> TCPInfo? {
    guard let slot = connection(handle) else { return nil }
    return info(slot, at: now)
  }

  func info(_ slot: UInt32, at now: Instant) -> TCPInfo {
    let window = connections[slot].receive.next.distance(to: connections[slot].receive.edge)
    return TCPInfo(
      state: connections[slot].state, local: local(of: slot), remote: remote(of: slot),
      roundTrip: connections[slot].roundTrip.smoothed,
      roundTripVariation: connections[slot].roundTrip.variation,
      minimumRoundTrip: connections[slot].roundTrip.minimum,
      retransmissionTimeout: connections[slot].roundTrip.timeout,
      congestionWindow: connections[slot].congestion.window,
      slowStartThreshold: connections[slot].congestion.threshold,
      maximumSegmentSize: connections[slot].send.segment,
      sendWindow: connections[slot].send.window, receiveWindow: max(window, 0),
      bytesUnacknowledged: connections[slot].send.flight,
      bytesQueued: connections[slot].send.buffered,
      bytesReadable: connections[slot].receive.buffered,
      segmentsSent: connections[slot].statistics.segmentsSent,
      segmentsReceived: connections[slot].statistics.segmentsReceived,
      bytesSent: connections[slot].statistics.bytesSent,
      bytesReceived: connections[slot].statistics.bytesReceived,
      retransmittedSegments: connections[slot].statistics.retransmittedSegments,
      timeouts: connections[slot].statistics.timeouts,
      needlessRecoveries: connections[slot].statistics.needlessRecoveries,
      isInRecovery: connections[slot].recovery.phase != .open,
      congestionState: connections[slot].congestionState,
      bytesArrived: connections[slot].send.transmissions.arrived,
      bytesLost: connections[slot].send.transmissions.lost
        &+ connections[slot].send.transmissions.resent,
      bytesResent: connections[slot].send.transmissions.resent,
      reordering: connections[slot].recovery.recent.reordering,
      consecutiveTimeouts: connections[slot].recovery.consecutiveTimeouts,
      keepAliveProbes: connections[slot].keepAliveProbesSent,
      dataSegmentsSent: connections[slot].statistics.dataSegmentsSent,
      dataSegmentsReceived: connections[slot].statistics.dataSegmentsReceived,
      bytesAcknowledged: connections[slot].send.acknowledgedPayload,
      bytesRetransmitted: connections[slot].statistics.bytesRetransmitted,
      sinceDataSent: now.since(event: connections[slot].send.lastData),
      sinceDataReceived: now.since(event: connections[slot].statistics.lastDataReceived),
      sinceAcknowledgment: now.since(event: connections[slot].statistics.lastAcknowledgment),
      busyTime: connections[slot].statistics.busy.value(at: now),
      windowLimitedTime: connections[slot].statistics.windowLimited.value(at: now),
      usesCongestionNotification: connections[slot].congestionNotification.isEnabled,
      usesTimestamps: connections[slot].timestamps.isEnabled,
      usesSelectiveAcknowledgment: connections[slot].sackPermitted,
      windowShifts: connections[slot].scalesWindow
        ? (connections[slot].send.windowShift, connections[slot].receive.windowShift) : nil,
      failure: connections[slot].failure)
  }

  /// The local address of a connection or listener.
  func localAddress(_ handle: SocketHandle) -> SocketAddress? {
    if let slot = connection(handle) { return local(of: slot) }
    guard let slot = listener(handle) else { return nil }
    return SocketAddress(listeners[slot].address, port: listeners[slot].port)
  }

  func remoteAddress(_ handle: SocketHandle) -> SocketAddress? {
    connection(handle).map { remote(of: $0) }
  }

  private func local(of slot: UInt32) -> SocketAddress {
    let flow = connections[slot].flow
    return SocketAddress(
      flow.localAddress, port: PortNumber(rawValue: flow.localPort), zone: flow.addressZone)
  }

  private func remote(of slot: UInt32) -> SocketAddress {
    let flow = connections[slot].flow
    return SocketAddress(
      flow.remoteAddress, port: PortNumber(rawValue: flow.remotePort), zone: flow.addressZone)
  }

  /// Calls `body` with every connection, whether a user holds it or not. Linear in the table.
  func forEachConnection(at now: Instant, _ body: (TCPInfo) -> Void) {
    for slot in connections.indices where connections.contains(slot) { body(info(slot, at: now)) }
  }
}
