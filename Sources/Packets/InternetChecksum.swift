public import Addresses

/// The Internet checksum (RFC 1071, RFC 1624): the ones' complement of the ones' complement sum of
/// 16-bit words.
///
/// Build it up part by part, every part but the last of even length, then take ``value`` for the
/// header field. A sum over data that includes a right checksum has the value zero.
public struct InternetChecksum: Equatable, Sendable {
  private var lanes: UInt64

  @inline(__always)
  public init() { lanes = 0 }

  /// Begins with a sum that was folded before, such as that of a pseudo-header.
  @inline(__always)
  public init(partial: UInt16) { lanes = UInt64(partial.bigEndian) }

  /// Adds bytes. Linear in their number. All parts but the last must be of even length.
  @inline(__always)
  public mutating func add(_ bytes: Span<UInt8>) {
    let sum = bytes.onesComplementLanes()
    lanes = (lanes & 0xFFFF_FFFF) &+ (lanes &>> 32) &+ (sum & 0xFFFF_FFFF) &+ (sum &>> 32)
  }

  @inline(__always)
  public mutating func add(_ word: UInt16) { lanes &+= UInt64(word.bigEndian) }

  @inline(__always)
  public mutating func add(_ word: UInt32) { lanes &+= UInt64(word.bigEndian) }

  @inline(__always)
  public mutating func add(_ address: IPv4Address) { add(address.rawValue) }

  @inline(__always)
  public mutating func add(_ address: IPv6Address) {
    add(UInt32(truncatingIfNeeded: address.high &>> 32))
    add(UInt32(truncatingIfNeeded: address.high))
    add(UInt32(truncatingIfNeeded: address.low &>> 32))
    add(UInt32(truncatingIfNeeded: address.low))
  }

  /// The folded sum, not complemented: what an offloading link wants to find in the field.
  @inline(__always)
  public var partial: UInt16 {
    var sum = (lanes & 0xFFFF_FFFF) &+ (lanes &>> 32)
    sum = (sum & 0xFFFF_FFFF) &+ (sum &>> 32)
    sum = (sum & 0xFFFF) &+ (sum &>> 16)
    sum = (sum & 0xFFFF) &+ (sum &>> 16)
    sum = (sum & 0xFFFF) &+ (sum &>> 16)
    return UInt16(truncatingIfNeeded: sum).bigEndian
  }

  /// The checksum for the header field; zero when taken over data with a right checksum in it.
  @inline(__always)
  public var value: UInt16 { ~partial }
}
