import Packets

/// A segment that has arrived, parsed: the SEG variables (RFC 9293 §3.3.1).
struct Segment {
  /// SEG.SEQ of the first octet, the SYN included.
  var sequence: SequenceNumber
  /// SEG.ACK; means nothing without ``TCPFlags/ack``.
  var acknowledgment: SequenceNumber
  var flags: TCPFlags
  /// SEG.WND as on the wire.
  var window: UInt16
  var options: TCPOptions
  /// Octets of payload left after trimming, and where they begin in the segment's bytes.
  var length: Int
  var offset: Int
  /// Payload octets per wire segment where several were coalesced, else zero.
  var segmentSize: Int
  /// A router has marked its packet (RFC 3168 §5).
  var isMarked = false

  init(header: TCPHeader, options: TCPOptions, length: Int, segmentSize: Int) {
    sequence = header.sequenceNumber
    acknowledgment = header.acknowledgmentNumber
    flags = header.flags
    window = header.window
    self.options = options
    self.length = length
    offset = header.dataOffset
    self.segmentSize = segmentSize
  }

  /// SEG.LEN: octets of sequence space, SYN and FIN counted.
  var spaceLength: Int {
    length &+ (flags.contains(.syn) ? 1 : 0) &+ (flags.contains(.fin) ? 1 : 0)
  }

  /// The first sequence number behind the segment.
  var end: SequenceNumber { sequence.advanced(by: spaceLength) }

  /// Takes octets off the front that arrived before, SYN first.
  mutating func dropFirst(_ count: Int) {
    var left = count
    sequence = sequence.advanced(by: count)
    if flags.contains(.syn), left > 0 {
      flags.remove(.syn)
      left &-= 1
    }
    let taken = min(left, length)
    offset &+= taken
    length &-= taken
    left &-= taken
    if left > 0 { flags.remove(.fin) }
  }

  /// Takes octets off the end that lie beyond the window, FIN first.
  mutating func dropLast(_ count: Int) {
    var left = count
    if flags.contains(.fin), left > 0 {
      flags.remove(.fin)
      left &-= 1
    }
    length &-= min(left, length)
  }
}

/// What became of a segment, for the table to act on.
enum Arrival {
  /// Dealt with, or dropped and counted.
  case done
  /// A reset is to be sent in answer (RFC 9293 §3.10.7.1).
  case reset
}
