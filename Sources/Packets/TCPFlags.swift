/// The control bits of a TCP header (RFC 9293 §3.1, RFC 9768 for AE).
public struct TCPFlags: OptionSet, Hashable, Sendable {
  /// The low nine bits.
  public var rawValue: UInt16

  @inline(__always)
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// FIN: the sender has no more data.
  public static var fin: Self { Self(rawValue: 0x001) }
  /// SYN: synchronise sequence numbers.
  public static var syn: Self { Self(rawValue: 0x002) }
  /// RST: the connection is no more.
  public static var rst: Self { Self(rawValue: 0x004) }
  /// PSH: hand the data up without waiting for more.
  public static var psh: Self { Self(rawValue: 0x008) }
  /// ACK: the acknowledgment number counts.
  public static var ack: Self { Self(rawValue: 0x010) }
  /// URG: the urgent pointer counts.
  public static var urg: Self { Self(rawValue: 0x020) }
  /// ECE: a congestion mark has arrived.
  public static var ece: Self { Self(rawValue: 0x040) }
  /// CWR: the congestion window was reduced.
  public static var cwr: Self { Self(rawValue: 0x080) }
  /// AE: accurate ECN feedback.
  public static var ae: Self { Self(rawValue: 0x100) }
}
