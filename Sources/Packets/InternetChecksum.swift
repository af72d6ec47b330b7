public import Addresses

/// The Internet checksum (RFC 1071, RFC 1624): the ones' complement of the ones' complement sum of
/// 16-bit words.
///
/// Build it up part by part, of even or odd lengths, then take ``value`` for the header field. A
/// sum over data that includes a right checksum has the value zero.
///
/// The sum is kept in lanes of 32 bits in memory order: byte order does not matter to a ones'
/// complement sum until the end, and behind an odd number of bytes it is one rotation away.
public struct InternetChecksum: Equatable, Sendable {
  private var lanes: UInt64
  private var isOdd: Bool

  @inline(__always)
  public init() {
    lanes = 0
    isOdd = false
  }

  /// Begins with a sum that was folded before, such as that of a pseudo-header.
  @inline(__always)
  public init(partial: UInt16) {
    lanes = UInt64(partial.bigEndian)
    isOdd = false
  }

  /// Adds bytes. Linear in their number.
  @inline(__always)
  public mutating func add(_ bytes: Span<UInt8>) {
    var sum = bytes.onesComplementLanes()
    sum = (sum & 0xFFFF_FFFF) &+ (sum &>> 32)
    accumulate((sum & 0xFFFF_FFFF) &+ (sum &>> 32))
    if bytes.count & 1 != 0 { isOdd.toggle() }
  }

  @inline(__always)
  public mutating func add(_ word: UInt16) { accumulate(UInt64(word.bigEndian)) }

  @inline(__always)
  public mutating func add(_ word: UInt32) { accumulate(UInt64(word.bigEndian)) }

  /// Adds a sum of at most 32 bits. Behind an odd number of bytes each byte counts for the other
  /// half of its word, which is a rotation by eight bits of the sum.
  @inline(__always)
  private mutating func accumulate(_ sum: UInt64) {
    let rotated = isOdd ? (sum &<< 8 & 0xFFFF_FFFF) | sum &>> 24 : sum
    lanes = (lanes & 0xFFFF_FFFF) &+ (lanes &>> 32) &+ rotated
  }

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

  /// Whether both have the same ``partial`` sum, and end at a word's boundary or both within one.
  public static func == (a: Self, b: Self) -> Bool { a.partial == b.partial && a.isOdd == b.isOdd }

  /// The checksum of a header in which one 16-bit word was changed.
  @inline(__always)
  public static func updated(_ checksum: UInt16, replacing old: UInt16, with new: UInt16) -> UInt16
  {
    // RFC 1624 §3: the third equation, which also holds where the sum passes zero.
    var sum = UInt32(~checksum) &+ UInt32(~old) &+ UInt32(new)
    sum = (sum & 0xFFFF) &+ (sum &>> 16)
    sum = (sum & 0xFFFF) &+ (sum &>> 16)
    return ~UInt16(truncatingIfNeeded: sum)
  }

  /// The checksum of a header in which one 32-bit word at an even place was changed.
  @inline(__always)
  public static func updated(_ checksum: UInt16, replacing old: UInt32, with new: UInt32) -> UInt16
  {
    let upper = updated(
      checksum, replacing: UInt16(truncatingIfNeeded: old &>> 16),
      with: UInt16(truncatingIfNeeded: new &>> 16))
    return updated(
      upper, replacing: UInt16(truncatingIfNeeded: old), with: UInt16(truncatingIfNeeded: new))
  }

  /// The checksum as UDP writes it: zero would say that there is none (RFC 768).
  @inline(__always)
  public var valueForUDP: UInt16 {
    let value = value
    return value == 0 ? 0xFFFF : value
  }
}
