import Simulation
import Testing

@Suite struct RandomSourceTests {
  @Test("A seed gives the same numbers on every machine")
  func isReproducible() {
    var random = RandomSource(seed: 42)
    // The reference: SplitMix64 and xoshiro256++ as their authors publish them, worked by hand.
    var state: UInt64 = 42
    func splitMix() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var word = state
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      return word ^ (word >> 31)
    }
    var s = [splitMix(), splitMix(), splitMix(), splitMix()]
    for _ in 0..<100 {
      let sum = s[0] &+ s[3]
      let expected = ((sum << 23) | (sum >> 41)) &+ s[0]
      let shifted = s[1] << 17
      s[2] ^= s[0]
      s[3] ^= s[1]
      s[1] ^= s[2]
      s[0] ^= s[3]
      s[2] ^= shifted
      s[3] = (s[3] << 45) | (s[3] >> 19)
      #expect(random.next() == expected)
    }
  }

  @Test("Bounded draws stay in bounds and reach both ends")
  func boundedDraws() {
    var random = RandomSource(seed: 7)
    var seen: Set<Int> = []
    for _ in 0..<1_000 { seen.insert(random.next(in: -3...4)) }
    #expect(seen == Set(-3...4))
    #expect(random.next(below: 0) == 0)
    #expect(random.next(below: -5) == 0)
    #expect(random.next(in: 9...9) == 9)
  }

  @Test("What is likely happens about as often as it should", arguments: [0.0, 0.01, 0.5, 0.99, 1])
  func probabilities(fraction: Double) {
    var random = RandomSource(seed: 11)
    let probability = Probability(fraction)
    let draws = 200_000
    var hits = 0
    for _ in 0..<draws where random.happens(probability) { hits += 1 }
    let deviation = Double(hits) / Double(draws) - fraction
    #expect(abs(deviation) < 0.004)
    if fraction == 0 { #expect(hits == 0) }
    if fraction == 1 { #expect(hits == draws) }
  }

  @Test("A branch has draws of its own and leaves its parent's alone")
  func branches() {
    var parent = RandomSource(seed: 5)
    var twin = parent
    var left = parent.branch(1)
    var right = parent.branch(2)
    #expect(left.next() != right.next())
    #expect(parent.next() == twin.next())
  }

  @Test("Probabilities beyond the possible are cut to it")
  func clamping() {
    #expect(Probability(-1) == .never)
    #expect(Probability(.nan) == .never)
    #expect(Probability(3) == .always)
    #expect(Probability(.infinity) == .always)
    #expect(Probability.percent(50).fraction == 0.5)
  }
}
