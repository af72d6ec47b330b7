import Foundation
import Testing
import sock

@Suite("A date of HTTP")
struct HTTPDateTests {
  @Test(
    "is written as the RFC shows and read back",
    arguments: [
      (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
      (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
      (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
      (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] as [(Int64, String)])
  func examples(seconds: Int64, text: String) {
    #expect(HTTPDate.text(seconds) == text)
    #expect(HTTPDate.seconds(text) == seconds)
  }

  @Test("of any day is what the calendar says")
  func calendar() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "GMT"))
    for day in stride(from: Int64(-100_000), to: 100_000, by: 97) {
      let text = HTTPDate.text(day * 86_400 + 3_661)
      #expect(HTTPDate.seconds(text) == day * 86_400 + 3_661)
      let date = Date(timeIntervalSince1970: Double(day) * 86_400)
      let words = text.split(separator: " ")
      #expect(Int(words[1]) == calendar.component(.day, from: date))
      #expect(Int(words[3]) == calendar.component(.year, from: date))
    }
  }

  @Test(
    "in another form is none",
    arguments: [
      "", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
      "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
    ])
  func refused(text: String) {
    #expect(HTTPDate.seconds(text) == nil)
  }
}
