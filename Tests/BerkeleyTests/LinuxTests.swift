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
      var nodes: [CInt] = [0, 0]
      let isOpen = unsafe sockets_open_pair(&nodes) == 0
      try #require(isOpen)
      defer { for node in nodes { _ = sockets_close_node(node) } }
      let linux = transcript(number, onLinux: true)
      let ours = transcript(number, onLinux: false)
      try #require(!linux.isEmpty, "\(name) says nothing")
      #expect(linux.count == ours.count, "\(name)")
      for (linux, ours) in zip(linux, ours) where linux != ours {
        Issue.record("\(name): \(Difference(linux: linux, ours: ours))")
      }
    }

    private func transcript(_ number: Int, onLinux: Bool) -> [String] {
      var text = [CChar](repeating: 0, count: 1 << 16)
      unsafe cases_run(CInt(number), onLinux ? 1 : 0, &text, text.count)
      let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
  }
}
