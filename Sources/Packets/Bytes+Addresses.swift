public import Addresses

// Addresses in network order, as total as the loads and stores they are made of.

extension Span where Element == UInt8 {
  /// The six octets at `offset`; zero where there are fewer.
  @inline(__always)
  public func ethernetAddress(at offset: Int) -> EthernetAddress {
    guard offset >= 0, offset <= count &- 6 else { return EthernetAddress(rawValue: 0) }
    return EthernetAddress(
      rawValue: UInt64(uint16(at: offset)) &<< 32 | UInt64(uint32(at: offset &+ 2)))
  }

  /// The four octets at `offset`; `0.0.0.0` where there are fewer.
  @inline(__always)
  public func ipv4Address(at offset: Int) -> IPv4Address {
    IPv4Address(rawValue: uint32(at: offset))
  }

  /// The sixteen octets at `offset`; `::` where there are fewer.
  @inline(__always)
  public func ipv6Address(at offset: Int) -> IPv6Address {
    guard offset >= 0, offset <= count &- 16 else { return .any }
    return IPv6Address(high: uint64(at: offset), low: uint64(at: offset &+ 8))
  }
}

extension MutableSpan where Element == UInt8 {
  /// Stores six octets at `offset`, where they fit.
  @inline(__always)
  @_lifetime(self: copy self)
  public mutating func store(_ address: EthernetAddress, at offset: Int) {
    guard offset >= 0, offset <= count &- 6 else { return }
    store(UInt16(truncatingIfNeeded: address.rawValue &>> 32), at: offset)
    store(UInt32(truncatingIfNeeded: address.rawValue), at: offset &+ 2)
  }

  /// Stores four octets at `offset`, where they fit.
  @inline(__always)
  @_lifetime(self: copy self)
  public mutating func store(_ address: IPv4Address, at offset: Int) {
    store(address.rawValue, at: offset)
  }

  /// Stores sixteen octets at `offset`, where they fit.
  @inline(__always)
  @_lifetime(self: copy self)
  public mutating func store(_ address: IPv6Address, at offset: Int) {
    guard offset >= 0, offset <= count &- 16 else { return }
    store(address.high, at: offset)
    store(address.low, at: offset &+ 8)
  }
}
