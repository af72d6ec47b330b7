/// Steele, Lea and Flood's generator: small, seeded, the same on every machine.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Sixteen bits that are zero half of the time, so that runs of zero groups are common.
  mutating func group() -> UInt16 {
    let bits = next()
    return bits & 1 == 0 ? 0 : UInt16(truncatingIfNeeded: bits >> 16)
  }

  /// As ``group()``, but narrow enough to have short groups too.
  mutating func shortGroup() -> UInt16 { group() >> UInt16(truncatingIfNeeded: next() & 15) }
}
