import Simulation
import Testing

@Suite struct BytePatternTests {
  @Test("A stream agrees with itself at every position, across its period")
  func agreesWithItself() {
    let pattern = BytePattern(flow: 1)
    for position: UInt64 in [0, 1, 65_520, 65_521, 65_522, 1 << 32, 1 << 40 + 7] {
      let bytes = pattern.bytes(at: position, limit: 3_000)
      #expect(bytes.count == 3_000)
      #expect(pattern.agreement(of: bytes, at: position) == 3_000)
      // One long read equals two short ones.
      #expect(
        pattern.agreement(of: pattern.bytes(at: position + 1_000, limit: 100), at: position + 1_000)
          == 100)
    }
  }

  @Test("One changed byte is found where it is")
  func findsChange() {
    let pattern = BytePattern(flow: 3)
    var bytes: [UInt8] = []
    let span = pattern.bytes(at: 500, limit: 1_460)
    for index in 0..<span.count { bytes.append(span[index]) }
    for index in [0, 7, 8, 1_459] {
      bytes[index] ^= 1
      #expect(pattern.agreement(of: bytes.span, at: 500) == index)
      bytes[index] ^= 1
    }
  }

  @Test("A stream moved by a likely mistake is told from itself")
  func findsShift() {
    let pattern = BytePattern(flow: 9)
    let span = pattern.bytes(at: 0, limit: 256)
    for shift: UInt64 in [1, 2, 4, 8, 536, 1_448, 1_460, 65_535, 65_536, 1 << 20, 1 << 32] {
      #expect(pattern.agreement(of: span, at: shift) < 16)
    }
  }

  @Test("Different flows have different streams")
  func flowsDiffer() {
    let bytes = BytePattern(flow: 1).bytes(at: 0, limit: 256)
    #expect(BytePattern(flow: 2).agreement(of: bytes, at: 0) < 16)
  }
}
