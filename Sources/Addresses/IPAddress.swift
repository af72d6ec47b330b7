/// An address of either version of the Internet Protocol.
public enum IPAddress: Hashable, Sendable {
  case v4(IPv4Address)
  case v6(IPv6Address)

  public var isIPv4: Bool { if case .v4 = self { true } else { false } }
  public var isIPv6: Bool { !isIPv4 }
}
