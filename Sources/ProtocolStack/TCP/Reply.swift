import Packets

/// A segment that belongs to no connection and waits to be sent: a reset, or a SYN-ACK with a
/// cookie. Plain values in a bounded ring; a reply beyond the bound is dropped and counted.
struct Reply: BitwiseCopyable {
  var flow: Flow
  var sequence: SequenceNumber
  var acknowledgment: SequenceNumber
  var flags: UInt16
  var window: UInt16 = 0
  /// Whoever it is for is a neighbour; else the routes decide.
  var isOnLink = false
  /// Options of a SYN-ACK; zero: none.
  var segment: UInt16 = 0
  var windowShift: UInt8 = 0
  var hasWindowShift = false
  var sackPermitted = false
  var hasTimestamp = false
  var timestamp: UInt32 = 0
  var echo: UInt32 = 0

  /// The reset that answers a segment nobody wants (RFC 9293 §3.10.7.1).
  static func reset(_ flow: Flow, answering segment: Segment) -> Reply {
    if segment.flags.contains(.ack) {
      return Reply(
        flow: flow, sequence: segment.acknowledgment, acknowledgment: SequenceNumber(rawValue: 0),
        flags: TCPFlags.rst.rawValue)
    }
    return Reply(
      flow: flow, sequence: SequenceNumber(rawValue: 0), acknowledgment: segment.end,
      flags: TCPFlags([.rst, .ack]).rawValue)
  }

  var options: TCPOptions {
    var options = TCPOptions()
    if hasTimestamp { options.timestamp = .init(value: timestamp, echo: echo) }
    guard segment > 0 else { return options }
    options.maximumSegmentSize = segment
    if hasWindowShift { options.windowScale = windowShift }
    options.sackPermitted = sackPermitted
    return options
  }
}
