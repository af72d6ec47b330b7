public import Addresses

/// An IPv4 header (RFC 791 §3.1): 20 bytes, and up to 40 bytes of options that are checked and
/// otherwise left alone.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-------+-------+-----------+---+-------------------------------+
///   |Version|  IHL  |   DSCP    |ECN|          Total Length         |
///   +-------+-------+-----------+---+-----+-------------------------+
///   |         Identification        |Flags|      Fragment Offset    |
///   +---------------+---------------+-----+-------------------------+
///   |  Time to Live |    Protocol   |         Header Checksum       |
///   +---------------+---------------+-------------------------------+
///   |                         Source Address                        |
///   +---------------------------------------------------------------+
///   |                      Destination Address                      |
///   +---------------------------------------------------------------+
/// ```
public struct IPv4Header: Equatable, Sendable {
  /// Bytes on the wire without options.
  public static var size: Int { 20 }

  /// Bytes of header, options included: 20 to 60 in steps of 4.
  public var headerLength: Int
  /// Bytes of header and payload.
  public var totalLength: Int
  /// Differentiated services codepoint, 6 bits (RFC 2474).
  public var dscp: UInt8
  public var ecn: ECNCodepoint
  public var identification: UInt16
  /// The flag that must be zero.
  public var reservedFlag: Bool
  public var dontFragment: Bool
  public var moreFragments: Bool
  /// Where the payload belongs in the whole datagram's, in bytes; a multiple of 8 up to 65,528.
  public var fragmentOffset: Int
  public var timeToLive: UInt8
  public var `protocol`: IPProtocol
  public var source: IPv4Address
  public var destination: IPv4Address
  /// Whether an option asks for a source route, which hosts do not follow (RFC 7126 §4.3).
  public var hasSourceRoute: Bool

  /// Whether this is one piece of a datagram.
  public var isFragment: Bool { moreFragments || fragmentOffset != 0 }
  /// Bytes of payload.
  public var payloadLength: Int { totalLength &- headerLength }

  /// A header without options for `payloadLength` bytes behind it.
  @inline(__always)
  public init(
    source: IPv4Address, destination: IPv4Address, protocol: IPProtocol, payloadLength: Int,
    identification: UInt16 = 0, dontFragment: Bool = true, timeToLive: UInt8 = 64,
    dscp: UInt8 = 0, ecn: ECNCodepoint = .notCapable
  ) {
    headerLength = Self.size
    totalLength = Self.size &+ payloadLength
    self.dscp = dscp
    self.ecn = ecn
    self.identification = identification
    reservedFlag = false
    self.dontFragment = dontFragment
    moreFragments = false
    fragmentOffset = 0
    self.timeToLive = timeToLive
    self.protocol = `protocol`
    self.source = source
    self.destination = destination
    hasSourceRoute = false
  }

  /// Parses a packet's header; bytes behind the total length are padding of the link.
  ///
  /// - Parameter verifyingChecksum: false where the link or the sender vouches for it.
  public init(parsing bytes: Span<UInt8>, verifyingChecksum: Bool = true) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    let first = bytes.uint8(at: 0)
    // RFC 1122 §3.2.1.1 MUST: a version other than 4 is silently discarded.
    guard first &>> 4 == 4 else { throw .badVersion }
    headerLength = Int(first & 15) &* 4
    guard headerLength >= Self.size, headerLength <= bytes.count else { throw .badHeaderLength }
    totalLength = Int(bytes.uint16(at: 2))
    guard totalLength >= headerLength, totalLength <= bytes.count else { throw .badLength }
    // RFC 1122 §3.2.1.2 MUST: the header checksum is verified before anything is believed.
    if verifyingChecksum {
      var checksum = InternetChecksum()
      checksum.add(bytes.slice(from: 0, length: headerLength))
      guard checksum.value == 0 else { throw .badChecksum }
    }
    let service = bytes.uint8(at: 1)
    dscp = service &>> 2
    ecn = ECNCodepoint(bits: service)
    identification = bytes.uint16(at: 4)
    let fragment = bytes.uint16(at: 6)
    reservedFlag = fragment & 0x8000 != 0
    dontFragment = fragment & 0x4000 != 0
    moreFragments = fragment & 0x2000 != 0
    fragmentOffset = Int(fragment & 0x1FFF) &* 8
    timeToLive = bytes.uint8(at: 8)
    `protocol` = IPProtocol(rawValue: bytes.uint8(at: 9))
    source = bytes.ipv4Address(at: 12)
    destination = bytes.ipv4Address(at: 16)
    hasSourceRoute = false
    if headerLength > Self.size {
      hasSourceRoute = try Self.checkOptions(
        bytes.slice(from: Self.size, length: headerLength &- Self.size))
    }
  }

  /// Writes ``size`` bytes and the checksum over ``headerLength`` bytes: options, if any, must
  /// already lie behind.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    bytes.store(0x40 | UInt8(truncatingIfNeeded: headerLength &>> 2) & 15, at: offset)
    bytes.store(dscp &<< 2 | ecn.rawValue, at: offset &+ 1)
    bytes.store(UInt16(truncatingIfNeeded: totalLength), at: offset &+ 2)
    bytes.store(identification, at: offset &+ 4)
    let flags: UInt16 =
      (reservedFlag ? 0x8000 : 0) | (dontFragment ? 0x4000 : 0) | (moreFragments ? 0x2000 : 0)
    bytes.store(
      flags | UInt16(truncatingIfNeeded: fragmentOffset &>> 3) & 0x1FFF, at: offset &+ 6)
    bytes.store(timeToLive, at: offset &+ 8)
    bytes.store(`protocol`.rawValue, at: offset &+ 9)
    bytes.store(0 as UInt16, at: offset &+ 10)
    bytes.store(source, at: offset &+ 12)
    bytes.store(destination, at: offset &+ 16)
    var checksum = InternetChecksum()
    checksum.add(bytes.span.slice(from: offset, length: headerLength))
    bytes.store(checksum.value, at: offset &+ 10)
  }
}
