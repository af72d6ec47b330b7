import Packets
import Simulation
import Testing

@Suite struct QuantityTests {
  @Test(
    "Percentages are read",
    arguments: [("0", 0), ("0%", 0), ("1%", 0.01), ("0.5%", 0.005), ("100 %", 1), ("12.5%", 0.125)])
  func percentages(text: String, fraction: Double) throws {
    #expect(try Probability(parsing: text) == Probability(fraction))
  }

  @Test(
    "What is no percentage is refused with its reason",
    arguments: [
      ("", QuantityError.Reason.empty), ("nan", .notANumber), ("inf%", .notANumber),
      ("-1%", .negative), ("-0%", .negative), ("101%", .tooLarge), ("100.001%", .tooLarge),
      ("1", .missingUnit), ("1ms", .unknownUnit), ("1e2%", .unknownUnit), (".%", .notANumber),
      ("1..5%", .unknownUnit), ("+1%", .notANumber), ("999999999999999999999%", .tooLarge),
    ])
  func badPercentages(text: String, reason: QuantityError.Reason) {
    let error = #expect(throws: QuantityError.self) { try Probability(parsing: text) }
    #expect(error?.reason == reason)
  }

  @Test(
    "Lengths of time are read",
    arguments: [
      ("0", 0), ("10ns", 10), ("250us", 250_000), ("250µs", 250_000), ("40ms", 40_000_000),
      ("1.5s", 1_500_000_000), ("2min", 120_000_000_000), ("40 MS", 40_000_000),
    ])
  func intervals(text: String, nanoseconds: Int64) throws {
    #expect(try Interval(parsing: text) == Interval(nanoseconds: nanoseconds))
  }

  @Test(
    "What is no length of time is refused",
    arguments: [
      ("40", QuantityError.Reason.missingUnit), ("-1s", .negative), ("nans", .notANumber),
      ("1h", .unknownUnit), ("99999999999999999min", .tooLarge), ("ms", .notANumber),
    ])
  func badIntervals(text: String, reason: QuantityError.Reason) {
    let error = #expect(throws: QuantityError.self) { try Interval(parsing: text) }
    #expect(error?.reason == reason)
  }

  @Test(
    "Bit rates are read",
    arguments: [
      ("100mbit", 100_000_000), ("1.5gbit", 1_500_000_000), ("64kbit", 64_000), ("9600bit", 9_600),
      ("10mbps", -1), ("10mbit/s", 10_000_000), ("10mbitps", 10_000_000),
    ])
  func bitRates(text: String, rate: Int64) {
    let read = try? BitRate(parsing: text)
    #expect(read?.bitsPerSecond ?? -1 == rate)
  }

  @Test(
    "A rate of nothing, or without a unit, is refused", arguments: ["0mbit", "100", "-1bit", ""])
  func badBitRates(text: String) {
    #expect(throws: QuantityError.self) { try BitRate(parsing: text) }
  }

  @Test(
    "Sizes are read",
    arguments: [
      ("1500", 1_500), ("64KiB", 65_536), ("64k", 65_536), ("100MB", 100_000_000),
      ("1GiB", 1_073_741_824), ("1.5kB", 1_500), ("0", 0),
    ])
  func sizes(text: String, bytes: Int) throws {
    #expect(try ByteCount(parsing: text) == ByteCount(bytes))
  }

  @Test(
    "What is no size is refused",
    arguments: [
      ("1.5", QuantityError.Reason.notWhole), ("-1", .negative), ("1x", .unknownUnit),
      ("99999999999tb", .tooLarge),
    ])
  func badSizes(text: String, reason: QuantityError.Reason) {
    let error = #expect(throws: QuantityError.self) { try ByteCount(parsing: text) }
    #expect(error?.reason == reason)
  }

  @Test("An error says what was wrong and how it should look")
  func sentence() {
    let error = #expect(throws: QuantityError.self) { try Probability(parsing: "101%") }
    #expect(
      error?.description
        == "'101%' is not a percentage: it is too large (write for instance 1%)")
  }

  @Test("A speed says how long bytes take, rounded up")
  func transmissionTime() {
    #expect(BitRate.megabits(100).time(for: 1_500) == .microseconds(120))
    #expect(BitRate(bitsPerSecond: 3).time(for: 1).nanoseconds == 2_666_666_667)
    #expect(BitRate(bitsPerSecond: 0).bitsPerSecond == 1)
    #expect(BitRate(bitsPerSecond: 1).time(for: .max) == Interval(nanoseconds: .max))
  }
}
