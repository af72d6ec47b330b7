import Packets
import Testing

@Suite struct BytesComparisonTests {
  private let text = [UInt8]((0..<100).map { UInt8($0) })

  @Test("Two spans agree up to the first difference, or the end of the shorter one")
  func commonPrefix() {
    for index in text.indices {
      var other = text
      other[index] ^= 0x80
      #expect(text.span.commonPrefix(with: other.span) == index)
      #expect(text.span.commonPrefix(with: text.span.slice(from: 0, length: index)) == index)
    }
    #expect(text.span.commonPrefix(with: text.span) == 100)
  }

  @Test("A fingerprint changes with every bit, with the length and with the seed")
  func fingerprints() {
    var seen: Set<UInt64> = [text.span.fingerprint(1)]
    for index in text.indices {
      for bit in 0..<8 {
        var other = text
        other[index] ^= 1 << UInt8(bit)
        #expect(seen.insert(other.span.fingerprint(1)).inserted)
      }
      #expect(seen.insert(text.span.slice(from: 0, length: index).fingerprint(1)).inserted)
    }
    #expect(seen.insert(text.span.fingerprint(2)).inserted)
  }

  @Test("A fingerprint is the same on every machine")
  func stability() {
    func stir(_ state: UInt64, _ word: UInt64) -> UInt64 {
      let mixed = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
      return mixed ^ mixed >> 32
    }
    var lanes = [UInt64](repeating: 7, count: 4)
    for start in stride(from: 0, to: 96, by: 32) {
      for lane in 0..<4 {
        var word: UInt64 = 0
        for index in 0..<8 { word |= UInt64(text[start + lane * 8 + index]) << UInt64(8 * index) }
        lanes[lane] = stir(lanes[lane], word)
      }
    }
    var state = stir(7, 100)
    for lane in lanes { state = stir(state, lane) }
    for byte in text[96...] { state = stir(state, UInt64(byte)) }
    #expect(text.span.fingerprint(7) == state)
  }
}
