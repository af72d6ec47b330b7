import Testing
import sock

@Suite("The statistics of ping")
struct PingStatisticsTests {
  @Test("count what was sent and came back, and how long it took")
  func times() throws {
    var statistics = PingStatistics()
    for _ in 0..<4 { statistics.noteRequest() }
    for time in [1.0, 2.0, 3.0] { statistics.noteReply(after: time) }
    statistics.noteDuplicate()
    statistics.noteError()
    #expect(statistics.transmitted == 4)
    #expect(statistics.received == 3)
    #expect(statistics.duplicates == 1)
    #expect(statistics.errors == 1)
    #expect(statistics.loss == 25)
    let times = try #require(statistics.times)
    #expect(times.minimum == 1)
    #expect(times.mean == 2)
    #expect(times.maximum == 3)
    #expect(abs(times.deviation - (2.0 / 3).squareRoot()) < 1e-9)
  }

  @Test("of nothing have no times")
  func nothing() {
    var statistics = PingStatistics()
    #expect(statistics.times == nil)
    #expect(statistics.loss == 0)
    statistics.noteRequest()
    #expect(statistics.times == nil)
    #expect(statistics.loss == 100)
  }
}
