import Packets

/// A fingerprint of everything that went over the wires: every frame, its pipe and its instant.
///
/// Two runs with equal fingerprints sent the same packets at the same times.
public struct TraceHash: Hashable, Sendable {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  public init() {}

  /// The fingerprint so far.
  public var value: UInt64 {
    var word = state
    word = (word ^ word &>> 33) &* 0xFF51_AFD7_ED55_8CCD
    return word ^ word &>> 33
  }

  @inline(__always)
  public mutating func add(_ word: UInt64) {
    let mixed = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
    state = mixed ^ mixed &>> 32
  }

  /// Adds a frame. Linear in its length.
  mutating func add(_ bytes: Span<UInt8>, pipe: Int, at instant: Instant) {
    add(UInt64(bitPattern: instant.nanoseconds))
    add(UInt64(truncatingIfNeeded: pipe) &<< 32 | UInt64(truncatingIfNeeded: bytes.count))
    state = bytes.fingerprint(state)
  }
}

extension TraceHash: CustomStringConvertible {
  /// Sixteen hexadecimal digits.
  public var description: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
