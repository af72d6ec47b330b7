public import Addresses

/// A TCP header (RFC 9293 §3.1): 20 bytes, and up to 40 of options (see ``TCPOptions``).
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-------------------------------+-------------------------------+
///   |          Source Port          |       Destination Port        |
///   +-------------------------------+-------------------------------+
///   |                        Sequence Number                        |
///   +---------------------------------------------------------------+
///   |                    Acknowledgment Number                      |
///   +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
///   | Data  |     |A|C|E|U|A|P|R|S|F|                               |
///   | Offset| Rsr |E|W|C|R|C|S|S|Y|I|            Window             |
///   |       | vd  | |R|E|G|K|H|T|N|N|                               |
///   +-------+-----+-+-+-+-+-+-+-+-+-+-------------------------------+
///   |           Checksum            |         Urgent Pointer        |
///   +-------------------------------+-------------------------------+
/// ```
public struct TCPHeader: Equatable, Sendable {
  /// Bytes on the wire without options.
  public static var size: Int { 20 }

  public var sourcePort: PortNumber
  public var destinationPort: PortNumber
  public var sequenceNumber: SequenceNumber
  public var acknowledgmentNumber: SequenceNumber
  /// Bytes of header, options included: 20 to 60 in steps of 4.
  public var dataOffset: Int
  public var flags: TCPFlags
  /// As on the wire, not scaled.
  public var window: UInt16
  public var checksum: UInt16
  public var urgentPointer: UInt16

  @inline(__always)
  public init(
    sourcePort: PortNumber, destinationPort: PortNumber, sequenceNumber: SequenceNumber,
    acknowledgmentNumber: SequenceNumber, dataOffset: Int = 20, flags: TCPFlags, window: UInt16,
    checksum: UInt16 = 0, urgentPointer: UInt16 = 0
  ) {
    self.sourcePort = sourcePort
    self.destinationPort = destinationPort
    self.sequenceNumber = sequenceNumber
    self.acknowledgmentNumber = acknowledgmentNumber
    self.dataOffset = dataOffset
    self.flags = flags
    self.window = window
    self.checksum = checksum
    self.urgentPointer = urgentPointer
  }

  /// Parses a segment's header. The options lie from ``size`` to ``dataOffset``, the data behind;
  /// the checksum is not verified here.
  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    let offsetAndFlags = bytes.uint16(at: 12)
    dataOffset = Int(offsetAndFlags &>> 12) &* 4
    guard dataOffset >= Self.size, dataOffset <= bytes.count else { throw .badHeaderLength }
    sourcePort = PortNumber(rawValue: bytes.uint16(at: 0))
    destinationPort = PortNumber(rawValue: bytes.uint16(at: 2))
    sequenceNumber = SequenceNumber(rawValue: bytes.uint32(at: 4))
    acknowledgmentNumber = SequenceNumber(rawValue: bytes.uint32(at: 8))
    flags = TCPFlags(rawValue: offsetAndFlags & 0x1FF)
    window = bytes.uint16(at: 14)
    checksum = bytes.uint16(at: 16)
    urgentPointer = bytes.uint16(at: 18)
  }

  /// Writes ``size`` bytes; ``TCPOptions`` writes the rest up to ``dataOffset``.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    bytes.store(sourcePort.rawValue, at: offset)
    bytes.store(destinationPort.rawValue, at: offset &+ 2)
    bytes.store(sequenceNumber.rawValue, at: offset &+ 4)
    bytes.store(acknowledgmentNumber.rawValue, at: offset &+ 8)
    let words = UInt16(truncatingIfNeeded: dataOffset &>> 2)
    bytes.store(words &<< 12 | flags.rawValue & 0x1FF, at: offset &+ 12)
    bytes.store(window, at: offset &+ 14)
    bytes.store(checksum, at: offset &+ 16)
    bytes.store(urgentPointer, at: offset &+ 18)
  }
}
