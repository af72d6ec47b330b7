import Testing
import sock

@Suite("A byte range")
struct HTTPRangeTests {
  @Test(
    "of a file of 1000 bytes",
    arguments: [
      ("bytes=0-0", HTTPRange.part(0..<1)), ("bytes=0-499", .part(0..<500)),
      ("bytes=500-", .part(500..<1000)), ("bytes=-1", .part(999..<1000)),
      ("bytes=-5000", .part(0..<1000)), ("bytes=999-5000", .part(999..<1000)),
      ("Bytes = 1-2", .part(1..<3)), ("bytes=0-99999999999999999999", .part(0..<1000)),
      ("bytes=1000-", .unsatisfiable), ("bytes=-0", .unsatisfiable),
      ("bytes=99999999999999999999-", .unsatisfiable),
    ])
  func parts(field: String, range: HTTPRange) {
    #expect(HTTPRange(field, size: 1000) == range)
  }

  @Test(
    "that is malformed, in other units or of several parts is ignored",
    arguments: [
      "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-3", "bytes=1-2,4-5", "lines=0-1",
      "bytes=0x1-2", "bytes=+1-2", "bytes=--1", "0-1", "bytes=9223372036854775807-1",
    ])
  func ignored(field: String) {
    #expect(HTTPRange(field, size: 1000) == .whole)
  }

  @Test("of an empty file cannot be satisfied")
  func empty() {
    #expect(HTTPRange("bytes=0-", size: 0) == .unsatisfiable)
    #expect(HTTPRange("bytes=-1", size: 0) == .unsatisfiable)
    #expect(HTTPRange(nil, size: 0) == .whole)
  }
}
