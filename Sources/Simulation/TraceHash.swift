import Packets

/// A fingerprint of everything that went over the wires: every frame, its pipe and its instant.
///
/// Two runs with equal fingerprints sent the same packets at the same times. The step is FNV-1a's
/// on words of 64 bits, with a rotation so that high bits reach low ones. It is a fingerprint
/// against accidents, not against adversaries.
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
    let mixed = (state ^ word) &* 0x0000_0100_0000_01B3
    state = mixed &<< 29 | mixed &>> 35
  }

  /// Adds a frame. Linear in its length.
  mutating func add(_ bytes: Span<UInt8>, pipe: Int, at instant: Instant) {
    add(UInt64(bitPattern: instant.nanoseconds))
    add(UInt64(truncatingIfNeeded: pipe) &<< 32 | UInt64(truncatingIfNeeded: bytes.count))
    // Four lanes, because one multiplication has to wait for the one before it.
    var lanes = (self, self, self, self)
    var offset = 0
    while offset &+ 32 <= bytes.count {
      lanes.0.add(bytes.uint64(at: offset))
      lanes.1.add(bytes.uint64(at: offset &+ 8))
      lanes.2.add(bytes.uint64(at: offset &+ 16))
      lanes.3.add(bytes.uint64(at: offset &+ 24))
      offset &+= 32
    }
    add(lanes.0.state)
    add(lanes.1.state)
    add(lanes.2.state)
    add(lanes.3.state)
    while offset &+ 8 <= bytes.count {
      add(bytes.uint64(at: offset))
      offset &+= 8
    }
    while offset < bytes.count {
      add(UInt64(bytes.uint8(at: offset)))
      offset &+= 1
    }
  }
}

extension TraceHash: CustomStringConvertible {
  /// Sixteen hexadecimal digits.
  public var description: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
