/// Every draw of a simulation: xoshiro256++ (Blackman, Vigna), its state filled by SplitMix64.
///
/// The same seed gives the same draws on every machine and in every build. Integer arithmetic only,
/// so that nothing depends on how a compiler rounds.
public struct RandomSource: RandomNumberGenerator, Sendable {
  private var s0, s1, s2, s3: UInt64

  public init(seed: UInt64) {
    var mixer = seed
    s0 = Self.splitMix(&mixer)
    s1 = Self.splitMix(&mixer)
    s2 = Self.splitMix(&mixer)
    s3 = Self.splitMix(&mixer)
  }

  /// 64 bits.
  @inline(__always)
  public mutating func next() -> UInt64 {
    let result = rotated(s0 &+ s3, 23) &+ s0
    let carried = s1 &<< 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= carried
    s3 = rotated(s3, 45)
    return result
  }

  /// A number from zero up to but not including `bound`; zero where `bound` is not positive.
  public mutating func next(below bound: Int) -> Int {
    guard bound > 0 else { return 0 }
    return Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number of the closed range; its lower bound where the range is too wide to count.
  public mutating func next(in range: ClosedRange<Int>) -> Int {
    let (width, overflow) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
    guard !overflow, width < .max else { return range.lowerBound }
    return range.lowerBound &+ next(below: width &+ 1)
  }

  /// Whether an event of this probability happens. Draws nothing for the impossible and the
  /// certain.
  @inline(__always)
  public mutating func happens(_ probability: Probability) -> Bool {
    if probability == .never { return false }
    if probability == .always { return true }
    return next() &>> 32 < probability.threshold
  }

  /// A generator of its own whose draws do not disturb this one's: one per wire, host and flow, so
  /// that a change to one of them leaves the others' luck as it was.
  public func branch(_ label: UInt64) -> RandomSource {
    var mixer = s0 ^ rotated(s1, 17) ^ label &* 0x9E37_79B9_7F4A_7C15
    return RandomSource(seed: Self.splitMix(&mixer))
  }

  @inline(__always)
  private func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 {
    word &<< count | word &>> (64 &- count)
  }

  private static func splitMix(_ state: inout UInt64) -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ word &>> 30) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ word &>> 27) &* 0x94D0_49BB_1331_11EB
    return word ^ word &>> 31
  }
}
