public import Addresses

// The pseudo-header: the facts of the IP header that a transport checksum covers as well.

extension InternetChecksum {
  /// Begins with the pseudo-header of IPv4 (RFC 9293 §3.1).
  ///
  /// - Parameter length: bytes of transport header and payload.
  @inline(__always)
  public static func pseudoHeader(
    source: IPv4Address, destination: IPv4Address, protocol: IPProtocol, length: Int
  ) -> Self {
    var sum = Self()
    sum.add(source)
    sum.add(destination)
    sum.add(UInt16(`protocol`.rawValue))
    sum.add(UInt16(truncatingIfNeeded: length))
    return sum
  }

  /// Begins with the pseudo-header of IPv6 (RFC 8200 §8.1).
  ///
  /// - Parameter length: bytes of transport header and payload.
  @inline(__always)
  public static func pseudoHeader(
    source: IPv6Address, destination: IPv6Address, protocol: IPProtocol, length: Int
  ) -> Self {
    var sum = Self()
    sum.add(source)
    sum.add(destination)
    sum.add(UInt16(`protocol`.rawValue))
    sum.add(UInt32(truncatingIfNeeded: length))
    return sum
  }

  /// Begins with the pseudo-header of whichever version both addresses are of. Addresses of
  /// different versions make a sum that no segment matches but by chance.
  @inline(__always)
  public static func pseudoHeader(
    source: IPAddress, destination: IPAddress, protocol: IPProtocol, length: Int
  ) -> Self {
    var sum = Self()
    switch source {
    case .v4(let address): sum.add(address)
    case .v6(let address): sum.add(address)
    }
    switch destination {
    case .v4(let address): sum.add(address)
    case .v6(let address): sum.add(address)
    }
    sum.add(UInt16(`protocol`.rawValue))
    sum.add(UInt32(truncatingIfNeeded: length))
    return sum
  }
}
