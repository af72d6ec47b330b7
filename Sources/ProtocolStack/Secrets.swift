/// The stack's one source of unpredictability: a key for keyed hashes and a generator, both seeded
/// from outside (RFC 9293 §3.4.1, RFC 6056, RFC 9416).
///
/// Sequence numbers, ports, cookies, identifiers and hash tables draw from here and from nowhere
/// else, so a simulation with the same seed sends the same packets, and a restored snapshot is made
/// safe by seeding once more.
public struct Secrets: Sendable {
  private let key0: UInt64
  private let key1: UInt64
  private var state: UInt64

  /// - Parameters:
  ///   - key0: 64 bits from a cryptographic source (or a simulation's seed).
  ///   - key1: 64 more.
  public init(_ key0: UInt64, _ key1: UInt64) {
    self.key0 = key0
    self.key1 = key1
    state = key0 ^ (key1 &<< 1)
    state = hash(0x7377_6966_74, state)
  }

  /// A number nobody outside can foretell: the keyed hash of a counter.
  public mutating func next() -> UInt64 {
    state &+= 1
    return hash(state, 0x6E65_7874)
  }

  /// A number from zero up to but not including `bound`; zero where `bound` is.
  public mutating func next(below bound: UInt32) -> UInt32 {
    UInt32(truncatingIfNeeded: ((next() & 0xFFFF_FFFF) &* UInt64(bound)) &>> 32)
  }

  /// SipHash-2-4 of up to six words under the secret key.
  public func hash(
    _ a: UInt64, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0, _ e: UInt64 = 0,
    _ f: UInt64 = 0
  ) -> UInt64 {
    var state = SipState(key0, key1)
    state.absorb(a)
    state.absorb(b)
    state.absorb(c)
    state.absorb(d)
    state.absorb(e)
    state.absorb(f)
    return state.finish(length: 48)
  }

  /// RFC 6437 §3: the upper 20 bits of a flow's identifier, one where they are zero.
  func flowLabel(_ identifier: UInt64) -> UInt32 {
    let label = UInt32(truncatingIfNeeded: identifier &>> 44)
    return label == 0 ? 1 : label
  }

  /// SipHash-1-3 of two words, for tables: quicker, and its values are never seen outside.
  @inline(__always)
  func tableHash(_ a: UInt64, _ b: UInt64) -> UInt64 {
    var state = SipState(key0, key1)
    state.absorbOnce(a)
    state.absorbOnce(b)
    return state.finishShort(length: 16)
  }

  /// SipHash-1-3 of five words, for tables.
  @inline(__always)
  func tableHash(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ e: UInt64) -> UInt64 {
    var state = SipState(key0, key1)
    state.absorbOnce(a)
    state.absorbOnce(b)
    state.absorbOnce(c)
    state.absorbOnce(d)
    state.absorbOnce(e)
    return state.finishShort(length: 40)
  }
}

/// The four words SipHash stirs.
struct SipState {
  private var v0, v1, v2, v3: UInt64

  @inline(__always)
  init(_ key0: UInt64, _ key1: UInt64) {
    v0 = key0 ^ 0x736F_6D65_7073_6575
    v1 = key1 ^ 0x646F_7261_6E64_6F6D
    v2 = key0 ^ 0x6C79_6765_6E65_7261
    v3 = key1 ^ 0x7465_6462_7974_6573
  }

  @inline(__always)
  mutating func absorb(_ word: UInt64) {
    v3 ^= word
    round()
    round()
    v0 ^= word
  }

  @inline(__always)
  mutating func absorbOnce(_ word: UInt64) {
    v3 ^= word
    round()
    v0 ^= word
  }

  @inline(__always)
  mutating func finishShort(length: UInt64) -> UInt64 {
    absorbOnce(length &<< 56)
    v2 ^= 0xFF
    round()
    round()
    round()
    return v0 ^ v1 ^ v2 ^ v3
  }

  @inline(__always)
  mutating func finish(length: UInt64) -> UInt64 {
    absorb(length &<< 56)
    v2 ^= 0xFF
    round()
    round()
    round()
    round()
    return v0 ^ v1 ^ v2 ^ v3
  }

  @inline(__always)
  private mutating func round() {
    v0 &+= v1
    v1 = rotated(v1, 13) ^ v0
    v0 = rotated(v0, 32)
    v2 &+= v3
    v3 = rotated(v3, 16) ^ v2
    v0 &+= v3
    v3 = rotated(v3, 21) ^ v0
    v2 &+= v1
    v1 = rotated(v1, 17) ^ v2
    v2 = rotated(v2, 32)
  }

  @inline(__always)
  private func rotated(_ word: UInt64, _ count: UInt64) -> UInt64 {
    word &<< count | word &>> (64 &- count)
  }
}
