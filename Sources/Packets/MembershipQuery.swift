public import Addresses

/// A router's question which groups a link's hosts listen to: of IGMP in all three versions
/// (RFC 1112 §4, RFC 2236 §2, RFC 9776 §4.1) and of MLD in both (RFC 2710 §3, RFC 9777 §5.1).
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +---------------+---------------+-------------------------------+
///   |   Type 17     | Max Resp Code |           Checksum            |
///   +---------------+---------------+-------------------------------+
///   |                         Group Address                         |
///   +-------+-+-----+---------------+-------------------------------+
///   | Resv  |S| QRV |      QQIC     |     Number of Sources (N)     |
///   +-------+-+-----+---------------+-------------------------------+
///   |                      N Source Addresses ...
/// ```
///
/// MLD's has type 130, a code of zero, a Maximum Response Code and 16 reserved bits behind the
/// checksum, and longer addresses.
public struct MembershipQuery: Equatable, Sendable {
  /// IGMP's numbers; MLD counts from one less.
  public enum Version: UInt8, Comparable, Sendable {
    case first = 1
    case second, third

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  public var version: Version
  /// Nothing: all groups.
  public var group: IPAddress?
  /// In which answers are to be spread; at least a hundredth of a second (MC-1).
  public var maximumResponse: Interval
  /// How many sources are asked about; none: all.
  public var sourceCount: Int

  /// The type field of IGMP's queries and of MLD's.
  public static var typeOfIGMP: UInt8 { 0x11 }
  public static var typeOfMLD: UInt8 { 130 }

  private static var least: Interval { .milliseconds(10) }

  /// Parses an IGMP query.
  public init(parsingIGMP bytes: Span<UInt8>, verifyingChecksum: Bool = true) throws(Malformed) {
    guard bytes.count >= 8 else { throw .truncated }
    guard bytes.uint8(at: 0) == Self.typeOfIGMP else { throw .badType }
    if verifyingChecksum {
      var sum = InternetChecksum()
      sum.add(bytes)
      guard sum.value == 0 else { throw .badChecksum }
    }
    let code = bytes.uint8(at: 1)
    let address = bytes.ipv4Address(at: 4)
    group = address == .any ? nil : .v4(address)
    // RFC 9776 §7.1: the length tells the version; between 8 and 12 bytes there is none.
    if bytes.count == 8 {
      version = code == 0 ? .first : .second
      // RFC 1112 §4: ten seconds.
      maximumResponse = .milliseconds(100 &* Int64(code == 0 ? 100 : code))
      sourceCount = 0
    } else {
      guard bytes.count >= 12 else { throw .badLength }
      version = .third
      maximumResponse = max(.milliseconds(100 &* Self.decode(code)), Self.least)
      sourceCount = Int(bytes.uint16(at: 10))
      guard sourceCount &* 4 <= bytes.count &- 12 else { throw .badLength }
    }
    guard address == .any || address.isMulticast else { throw .badAddress }
    guard address != .any || sourceCount == 0 else { throw .badAddress }
  }

  /// Parses an MLD query, whose checksum has been verified.
  public init(parsingMLD bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= 24 else { throw .truncated }
    guard bytes.uint16(at: 0) == UInt16(Self.typeOfMLD) &<< 8 else { throw .badType }
    let code = bytes.uint16(at: 4)
    let address = bytes.ipv6Address(at: 8)
    group = address.isUnspecified ? nil : .v6(address)
    // RFC 9777 §8.1: the length tells the version.
    if bytes.count == 24 {
      version = .second
      maximumResponse = max(.milliseconds(Int64(code)), Self.least)
      sourceCount = 0
    } else {
      guard bytes.count >= 28 else { throw .badLength }
      version = .third
      maximumResponse = max(.milliseconds(Self.decode(code)), Self.least)
      sourceCount = Int(bytes.uint16(at: 26))
      guard sourceCount &* 16 <= bytes.count &- 28 else { throw .badLength }
    }
    guard address.isUnspecified || address.isMulticast else { throw .badAddress }
    guard !address.isUnspecified || sourceCount == 0 else { throw .badAddress }
  }

  /// RFC 9776 §4.1.1: tenths of a second, from 128 on with an exponent.
  static func decode(_ code: UInt8) -> Int64 {
    guard code >= 0x80 else { return Int64(code) }
    return Int64(code & 0x0F | 0x10) &<< (Int64(code &>> 4 & 7) &+ 3)
  }

  /// RFC 9777 §5.1.3: milliseconds, from 32,768 on with an exponent.
  static func decode(_ code: UInt16) -> Int64 {
    guard code >= 0x8000 else { return Int64(code) }
    return Int64(code & 0x0FFF | 0x1000) &<< (Int64(code &>> 12 & 7) &+ 3)
  }
}
