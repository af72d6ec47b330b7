/// The Fragment header of IPv6 (RFC 8200 §4.5), 8 bytes.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------+---+-+
///   |  Next Header  |   Reserved    |      Fragment Offset    |Res|M|
///   +---------------+---------------+-------------------------+---+-+
///   |                         Identification                        |
///   +---------------------------------------------------------------+
/// ```
public struct FragmentHeader: Equatable, Sendable {
  /// Bytes on the wire.
  public static var size: Int { 8 }

  /// The header that begins the fragmented part.
  public var nextHeader: IPProtocol
  /// Where the fragment belongs in that part, in bytes; a multiple of 8 up to 65,528.
  public var offset: Int
  public var moreFragments: Bool
  public var identification: UInt32

  /// Whether the fragment is its whole datagram, and has nothing to do with others of the same
  /// identification (RFC 6946).
  public var isAtomic: Bool { offset == 0 && !moreFragments }

  @inline(__always)
  public init(nextHeader: IPProtocol, offset: Int, moreFragments: Bool, identification: UInt32) {
    self.nextHeader = nextHeader
    self.offset = offset
    self.moreFragments = moreFragments
    self.identification = identification
  }

  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    nextHeader = IPProtocol(rawValue: bytes.uint8(at: 0))
    let field = bytes.uint16(at: 2)
    offset = Int(field & 0xFFF8)
    moreFragments = field & 1 != 0
    identification = bytes.uint32(at: 4)
  }

  /// Writes ``size`` bytes.
  public func write(into bytes: inout MutableSpan<UInt8>, at position: Int = 0) {
    bytes.store(nextHeader.rawValue, at: position)
    bytes.store(0 as UInt8, at: position &+ 1)
    bytes.store(
      UInt16(truncatingIfNeeded: offset) & 0xFFF8 | (moreFragments ? 1 : 0), at: position &+ 2)
    bytes.store(identification, at: position &+ 4)
  }
}
