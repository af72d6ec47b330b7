internal import CLinux
public import SystemPackage

// Options whose value is no number, and what is known of a connection.
extension KernelSocket {
  /// - Parameter name: as /proc/sys/net/ipv4/tcp_available_congestion_control lists it.
  public func setCongestionControl(_ name: String) throws(Errno) {
    try Errno.check(unsafe clinux_set_congestion_control(number, name))
  }

  /// Its name; nil where there is none of that kind.
  public func congestionControl() throws(Errno) -> String {
    try unsafe text { unsafe clinux_congestion_control(number, $0, 16) }
  }

  /// The name of the interface that all packets of the socket's go by; empty: none
  /// (`SO_BINDTODEVICE`).
  public func device() throws(Errno) -> String {
    try unsafe text { unsafe clinux_device(number, $0, 16) }
  }

  public func setDevice(_ name: String) throws(Errno) {
    try Errno.check(unsafe clinux_set_device(number, name))
  }

  private func text(
    _ get: (UnsafeMutablePointer<CChar>?) -> Int32
  ) throws(Errno) -> String {
    var bytes = InlineArray<16, CChar>(repeating: 0)
    var span = bytes.mutableSpan
    let result = unsafe span.withUnsafeMutableBufferPointer { unsafe get($0.baseAddress) }
    try Errno.check(result)
    var text = ""
    for index in bytes.indices {
      guard bytes[index] != 0 else { break }
      text.unicodeScalars.append(Unicode.Scalar(UInt8(bitPattern: bytes[index])))
    }
    return text
  }

  /// Makes closing a reset (`SO_LINGER` of zero).
  public func resetOnClose() throws(Errno) { try setLinger(0) }

  /// - Parameter seconds: nil: off.
  public func setLinger(_ seconds: Int32?) throws(Errno) {
    try Errno.check(clinux_set_linger(number, seconds ?? -1))
  }

  public func linger() throws(Errno) -> Int32? {
    var seconds: Int32 = 0
    try Errno.check(unsafe clinux_linger(number, &seconds))
    return seconds < 0 ? nil : seconds
  }

  /// How a connection stands (`TCP_INFO`). Times are in microseconds.
  public struct TCPInformation: Sendable {
    /// As linux/tcp_states.h counts them.
    public let state: UInt8
    public let roundTripTime: UInt32
    public let roundTripVariation: UInt32
    public let minimumRoundTrip: UInt32
    public let retransmissionTimeout: UInt32
    /// Bytes.
    public let congestionWindow: UInt64
    /// Bytes; nil before the first loss.
    public let slowStartThreshold: UInt64?
    public let maximumSegment: UInt32
    /// Segments.
    public let unacknowledged: UInt32
    public let lost: UInt32
    public let reordering: UInt32
    public let notSentBytes: UInt32
    public let bytesSent: UInt64
    public let bytesReceived: UInt64
    public let bytesAcknowledged: UInt64
    public let segmentsSent: UInt32
    public let segmentsReceived: UInt32
    public let retransmittedSegments: UInt32
    /// Bytes a second; zero before the first measurement.
    public let deliveryRate: UInt64
    public let bytesRetransmitted: UInt64
    public let dataSegmentsSent: UInt32
    public let dataSegmentsReceived: UInt32
    /// Milliseconds since a segment with data came or left, of which there was one.
    public let sinceDataSent: UInt32
    public let sinceDataReceived: UInt32
    public let busyTime: UInt64
    public let windowLimitedTime: UInt64
  }

  public func information() throws(Errno) -> TCPInformation {
    var facts = clinux_tcp_information()
    try Errno.check(unsafe clinux_tcp_information_of(number, &facts))
    return TCPInformation(
      state: facts.state, roundTripTime: facts.round_trip_time,
      roundTripVariation: facts.round_trip_variation, minimumRoundTrip: facts.minimum_round_trip,
      retransmissionTimeout: facts.retransmission_timeout,
      congestionWindow: facts.congestion_window,
      slowStartThreshold: facts.slow_start_threshold == 0 ? nil : facts.slow_start_threshold,
      maximumSegment: facts.maximum_segment, unacknowledged: facts.unacknowledged,
      lost: facts.lost, reordering: facts.reordering, notSentBytes: facts.not_sent_bytes,
      bytesSent: facts.bytes_sent, bytesReceived: facts.bytes_received,
      bytesAcknowledged: facts.bytes_acknowledged, segmentsSent: facts.segments_sent,
      segmentsReceived: facts.segments_received,
      retransmittedSegments: facts.retransmitted_segments, deliveryRate: facts.delivery_rate,
      bytesRetransmitted: facts.bytes_retransmitted, dataSegmentsSent: facts.data_segments_sent,
      dataSegmentsReceived: facts.data_segments_received, sinceDataSent: facts.since_data_sent,
      sinceDataReceived: facts.since_data_received, busyTime: facts.busy_time,
      windowLimitedTime: facts.window_limited_time)
  }
}
