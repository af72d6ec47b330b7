import Packets

/// A SYN cookie (RFC 4987 §3.6): a sequence number that proves, when it is acknowledged, that we
/// answered this flow's SYN less than two minutes ago, so nothing need be remembered meanwhile.
///
/// ```
///    31      27 26    24 23                                            0
///   +----------+--------+-----------------------------------------------+
///   | minute   | MSS    | keyed hash of flow, peer's number, minute, MSS |
///   +----------+--------+-----------------------------------------------+
/// ```
///
/// The options that do not fit travel in the low bits of our timestamp, when the peer echoes one.
struct SynCookie {
  /// The segment sizes three bits can name.
  private static func segment(_ index: UInt32) -> UInt16 {
    switch index {
    case 0: 216
    case 1: 536
    case 2: 1024
    case 3: 1220
    case 4: 1380
    case 5: 1440
    case 6: 1460
    default: 8940
    }
  }

  private static func minute(_ now: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: now.nanoseconds / 64_000_000_000)
  }

  private static func mark(
    _ flow: Flow, _ peer: SequenceNumber, minute: UInt32, index: UInt32, secrets: Secrets
  ) -> UInt32 {
    let hash = flow.identifier(
      secrets, purpose: 0xC00C_1E00_0000_0000 | UInt64(minute & 31) &<< 3 | UInt64(index))
    return UInt32(truncatingIfNeeded: secrets.hash(hash, UInt64(peer.rawValue), UInt64(minute)))
      & 0xFF_FFFF
  }

  /// The sequence number to answer a SYN with.
  static func make(
    _ flow: Flow, peer: SequenceNumber, segment: UInt16, secrets: Secrets, at now: Instant
  ) -> SequenceNumber {
    var index: UInt32 = 7
    while index > 0, self.segment(index) > segment { index &-= 1 }
    let minute = minute(now)
    let mark = mark(flow, peer, minute: minute, index: index, secrets: secrets)
    return SequenceNumber(rawValue: (minute & 31) &<< 27 | index &<< 24 | mark)
  }

  /// The segment size the peer announced, if `cookie` is one of ours for this flow and fresh.
  static func segment(
    of cookie: SequenceNumber, _ flow: Flow, peer: SequenceNumber, secrets: Secrets,
    at now: Instant
  ) -> UInt16? {
    let present = minute(now)
    let age = (present &- cookie.rawValue &>> 27) & 31
    guard age <= 1 else { return nil }
    let index = cookie.rawValue &>> 24 & 7
    let mark = mark(flow, peer, minute: present &- age, index: index, secrets: secrets)
    return mark == cookie.rawValue & 0xFF_FFFF ? segment(index) : nil
  }

  /// Our timestamp with the peer's options in its low six bits: never ahead of the true one.
  static func timestamp(_ value: UInt32, windowShift: UInt8?, sackPermitted: Bool) -> UInt32 {
    let bits = UInt32(windowShift ?? 15) | (sackPermitted ? 16 : 0)
    return (value &- 64) & ~63 | bits
  }

  /// The options in a timestamp that came back.
  static func options(in echo: UInt32) -> (windowShift: UInt8?, sackPermitted: Bool) {
    let shift = UInt8(truncatingIfNeeded: echo & 15)
    return (shift == 15 ? nil : shift, echo & 16 != 0)
  }
}
