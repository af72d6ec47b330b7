public import Addresses

/// What a host says about one group in a report of IGMPv3 or MLDv2 (RFC 9776 §4.2.12, RFC 9777
/// §5.2.12), without the sources that follow.
///
/// ```
///   +---------------+---------------+-------------------------------+
///   |  Record Type  |  Aux Data Len |     Number of Sources (N)     |
///   +---------------+---------------+-------------------------------+
///   |                 Group Address (32 or 128 bits)                |
///   +---------------------------------------------------------------+
///   |                      N Source Addresses ...
/// ```
public struct GroupRecord: Equatable, Sendable {
  public enum Kind: UInt8, Sendable {
    /// How it is: these sources alone, or all but these.
    case isInclude = 1
    case isExclude = 2
    /// How it is from now on.
    case toInclude = 3
    case toExclude = 4
    /// What has changed: these sources too, or these no more.
    case allowNewSources = 5
    case blockOldSources = 6
  }

  public var kind: Kind
  public var group: IPAddress
  public var sourceCount: Int

  @inline(__always)
  public init(_ kind: Kind, _ group: IPAddress, sourceCount: Int = 0) {
    self.kind = kind
    self.group = group
    self.sourceCount = sourceCount
  }

  private var addressSize: Int { group.isIPv4 ? 4 : 16 }
  /// Bytes on the wire, sources included.
  public var size: Int { 4 &+ addressSize &* (sourceCount &+ 1) }

  /// Parses the record at `offset` of a report.
  public init(parsing bytes: Span<UInt8>, at offset: Int, isIPv4: Bool) throws(Malformed) {
    guard bytes.count &- offset >= (isIPv4 ? 8 : 20) else { throw .truncated }
    guard let kind = Kind(rawValue: bytes.uint8(at: offset)) else { throw .badType }
    self.kind = kind
    sourceCount = Int(bytes.uint16(at: offset &+ 2))
    group =
      isIPv4
      ? .v4(bytes.ipv4Address(at: offset &+ 4)) : .v6(bytes.ipv6Address(at: offset &+ 4))
    guard size <= bytes.count &- offset, bytes.uint8(at: offset &+ 1) == 0 else {
      throw .badLength
    }
  }

  /// Writes all but the sources.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int) {
    bytes.store(UInt16(kind.rawValue) &<< 8, at: offset)
    bytes.store(UInt16(clamping: sourceCount), at: offset &+ 2)
    Self.write(group, into: &bytes, at: offset &+ 4)
  }

  /// Writes a source to its place in the record.
  public func write(
    source: IPAddress, _ index: Int, into bytes: inout MutableSpan<UInt8>, at offset: Int
  ) {
    Self.write(source, into: &bytes, at: offset &+ 4 &+ addressSize &* (index &+ 1))
  }

  private static func write(
    _ address: IPAddress, into bytes: inout MutableSpan<UInt8>, at offset: Int
  ) {
    switch address {
    case .v4(let address): bytes.store(address, at: offset)
    case .v6(let address): bytes.store(address, at: offset)
    }
  }
}
