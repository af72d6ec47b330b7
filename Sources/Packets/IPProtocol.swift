/// What an IP packet carries: the protocol field of IPv4, the next header field of IPv6.
public struct IPProtocol: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt8

  @inline(__always)
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static var hopByHopOptions: Self { Self(rawValue: 0) }
  public static var icmpv4: Self { Self(rawValue: 1) }
  public static var igmp: Self { Self(rawValue: 2) }
  public static var ipv4: Self { Self(rawValue: 4) }
  public static var tcp: Self { Self(rawValue: 6) }
  public static var udp: Self { Self(rawValue: 17) }
  public static var ipv6: Self { Self(rawValue: 41) }
  public static var routing: Self { Self(rawValue: 43) }
  public static var fragment: Self { Self(rawValue: 44) }
  public static var encapsulatingSecurityPayload: Self { Self(rawValue: 50) }
  public static var authentication: Self { Self(rawValue: 51) }
  public static var icmpv6: Self { Self(rawValue: 58) }
  public static var noNextHeader: Self { Self(rawValue: 59) }
  public static var destinationOptions: Self { Self(rawValue: 60) }
}

/// The two bits in which routers report congestion (RFC 3168 §5).
public enum ECNCodepoint: UInt8, Sendable {
  /// The sender does not understand congestion marks.
  case notCapable = 0
  /// ECT(1): capable; asks for low latency (RFC 9331).
  case capable1 = 1
  /// ECT(0): capable.
  case capable0 = 2
  /// CE: a router on the way was congested.
  case congestionExperienced = 3

  /// The codepoint in the lowest two of `bits`.
  @inline(__always)
  public init(bits: UInt8) {
    switch bits & 3 {
    case 0: self = .notCapable
    case 1: self = .capable1
    case 2: self = .capable0
    default: self = .congestionExperienced
    }
  }
}
