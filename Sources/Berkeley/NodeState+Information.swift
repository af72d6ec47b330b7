import CBerkeley
import Packets
import ProtocolStack

/// `TCP_INFO`.
extension NodeState {
  /// What the stack knows of a connection; a socket without one is CLOSE or LISTEN.
  func information(_ index: Int) -> berkeley_tcp_info {
    var result = berkeley_tcp_info()
    let record = records[index]
    result.state = record.phase == .listening ? 10 : 7
    result.timeout = 1_000_000
    result.round_trip_variation = 250_000
    result.minimum_round_trip = .max
    result.threshold = .max
    result.reordering = 3
    result.send_segment = 536
    result.receive_segment = 536
    result.congestion_window = 10 * 536
    guard let info = record.handle.flatMap({ stack.connectionInfo($0) }) else { return result }
    result.state = info.state.linuxNumber
    // TCP_CA_Open, TCP_CA_Disorder, TCP_CA_CWR, TCP_CA_Recovery, TCP_CA_Loss.
    result.recovery = info.congestionState.rawValue
    result.retransmits = UInt8(clamping: info.consecutiveTimeouts)
    result.probes = UInt8(clamping: info.keepAliveProbes)
    result.reordering = UInt32(clamping: info.reordering)
    result.has_ecn = info.usesCongestionNotification ? 1 : 0
    result.has_timestamps = info.usesTimestamps ? 1 : 0
    result.has_sack = info.usesSelectiveAcknowledgment ? 1 : 0
    result.has_window_scale = info.windowShifts == nil ? 0 : 1
    result.send_scale = info.windowShifts?.send ?? 0
    result.receive_scale = info.windowShifts?.receive ?? 0
    result.timeout = microseconds(info.retransmissionTimeout)
    let segment = max(info.payloadPerSegment, 1)
    result.send_segment = UInt32(clamping: segment)
    result.receive_segment = UInt32(clamping: segment)
    result.announced_segment = UInt32(clamping: info.maximumSegmentSize)
    result.path_mtu = UInt32(clamping: info.pathMTU)
    result.unacknowledged = UInt64(clamping: info.bytesUnacknowledged)
    result.selectively_acknowledged = UInt64(clamping: info.bytesArrived)
    result.lost = UInt64(clamping: info.bytesLost)
    result.retransmitted_now = UInt64(clamping: info.bytesResent)
    result.since_data_sent = milliseconds(info.sinceDataSent)
    result.since_data_received = milliseconds(info.sinceDataReceived)
    result.since_acknowledgment = milliseconds(info.sinceAcknowledgment)
    result.data_segments_sent = info.dataSegmentsSent
    result.data_segments_received = info.dataSegmentsReceived
    result.bytes_acknowledged = info.bytesAcknowledged
    result.bytes_retransmitted = info.bytesRetransmitted
    result.busy_time = UInt64(clamping: info.busyTime.nanoseconds / 1_000)
    result.window_limited_time = UInt64(clamping: info.windowLimitedTime.nanoseconds / 1_000)
    result.round_trip = info.roundTrip.map { microseconds($0) } ?? 0
    result.round_trip_variation = microseconds(info.roundTripVariation)
    result.minimum_round_trip = info.minimumRoundTrip.map { microseconds($0) } ?? .max
    result.threshold =
      info.slowStartThreshold == .max ? .max : UInt64(clamping: info.slowStartThreshold)
    result.congestion_window = UInt64(clamping: info.congestionWindow)
    result.segments_sent = info.segmentsSent
    result.segments_received = info.segmentsReceived
    result.bytes_sent = info.bytesSent
    result.bytes_received = info.bytesReceived
    result.segments_retransmitted = info.retransmittedSegments
    result.not_sent = UInt64(clamping: info.bytesQueued - info.bytesUnacknowledged)
    result.send_window = UInt64(clamping: info.sendWindow)
    result.receive_window = UInt64(clamping: info.receiveWindow)
    result.timeouts = info.timeouts
    return result
  }

  private func milliseconds(_ interval: Interval?) -> UInt32 {
    UInt32(clamping: interval?.milliseconds ?? 0)
  }

  private func microseconds(_ interval: Interval) -> UInt32 {
    UInt32(clamping: interval.nanoseconds / 1_000)
  }
}

extension ConnectionState {
  /// The number Linux gives to the state (`TCP_ESTABLISHED` and so on).
  fileprivate var linuxNumber: UInt8 {
    switch self {
    case .established: 1
    case .synSent: 2
    case .synReceived: 3
    case .finWait1: 4
    case .finWait2: 5
    case .timeWait: 6
    case .closed: 7
    case .closeWait: 8
    case .lastAck: 9
    case .closing: 11
    }
  }
}
