import Berkeley
import BerkeleyCases
import Testing

extension ClassicCalls {
  /// The same calls on Linux's sockets and on ours, over the loopback interface of each. What is
  /// known to differ stands in DEVIATIONS.md and is not in the cases.
  @Suite
  struct LinuxTests {
    /// One line of each transcript where the two part.
    struct Difference: Hashable, CustomStringConvertible {
      let linux: String
      let ours: String
      var description: String { "Linux: \(linux), ours: \(ours)" }
    }

    private static let cases = 0..<Int(cases_count())

    @Test(
      "what Linux answers, we answer", arguments: cases.filter { cases_need_root(CInt($0)) == 0 })
    func compare(_ number: Int) throws {
      try compareCase(number)
    }

    @Test(
      "what Linux answers to root about raw sockets, we answer",
      .enabled(
        if: TunnelTests.areEnabled, "needs root and a network namespace: Scripts/root-tests"),
      arguments: cases.filter { cases_need_root(CInt($0)) != 0 })
    func compareRaw(_ number: Int) throws {
      try compareCase(number)
    }

    private func compareCase(_ number: Int) throws {
      let name = unsafe String(cString: cases_name(CInt(number)))
      let (linux, ours) = try unsafe ClassicCalls.transcripts { side, text, size in
        unsafe cases_run(CInt(number), side, text, size)
      }
      try #require(!linux.isEmpty, "\(name) says nothing")
      #expect(linux.count == ours.count, "\(name)")
      for (linux, ours) in zip(linux, ours) where linux != ours {
        Issue.record("\(name): \(Difference(linux: linux, ours: ours))")
      }
    }
  }
}
