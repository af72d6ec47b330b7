/// The octet of an IP header that says how routers are to treat the packet, and what they say about
/// it: the traffic class of IPv6, the type of service of IPv4 (RFC 2474, RFC 3168).
public struct TrafficClass: RawRepresentable, Hashable, Sendable {
  public var rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// - Parameter dscp: a differentiated services codepoint; its lowest six bits count.
  public init(dscp: UInt8 = 0, congestion: Congestion = .notCapable) {
    rawValue = dscp << 2 | congestion.rawValue
  }

  /// The differentiated services codepoint, six bits (RFC 2474).
  public var dscp: UInt8 {
    get { rawValue >> 2 }
    set { rawValue = newValue << 2 | rawValue & 3 }
  }

  /// The congestion codepoint (RFC 3168 §5).
  public var congestion: Congestion {
    get { Congestion(rawValue: rawValue & 3) ?? .notCapable }
    set { rawValue = rawValue & 0xFC | newValue.rawValue }
  }

  /// The two bits in which routers report congestion.
  public enum Congestion: UInt8, Hashable, Sendable, CaseIterable {
    /// The sender does not understand congestion marks.
    case notCapable = 0
    /// ECT(1): capable; asks for low latency (RFC 9331).
    case capable1 = 1
    /// ECT(0): capable.
    case capable0 = 2
    /// CE: a router on the way was congested.
    case experienced = 3
  }
}

extension TrafficClass: CustomStringConvertible {
  /// `0x2E`, of the whole octet.
  public var description: String {
    "0x" + (rawValue < 16 ? "0" : "") + String(rawValue, radix: 16, uppercase: true)
  }
}
