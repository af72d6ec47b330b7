import Berkeley
import BerkeleyCases
import Foundation
import Testing

extension ClassicCalls {
  /// Calls in an order that nobody thought of, on Linux's sockets and on ours.
  @Suite
  struct RandomTests {
    /// `SOCKETS_SEEDS=1000-2000` tries others.
    private static let seeds: Range<UInt> = {
      let numbers = ProcessInfo.processInfo.environment["SOCKETS_SEEDS"]?.split(separator: "-")
      guard let numbers, let first = numbers.first.flatMap({ UInt($0) }),
        let last = numbers.last.flatMap({ UInt($0) }), first <= last
      else { return 0..<60 }
      return first..<last + 1
    }()

    @Test("whatever is called, we answer as Linux does", arguments: seeds)
    func compare(_ seed: UInt) throws {
      var complaint: String?
      // What a call leads to takes a while, on a busy machine a long one.
      for patience: CInt in [2_000, 20_000, 120_000] {
        complaint = try difference(seed, patience)
        guard complaint != nil else { return }
      }
      Issue.record("seed \(seed): \(complaint ?? "")")
    }

    /// The first line in which the two part, after all lines before it.
    private func difference(_ seed: UInt, _ patience: CInt) throws -> String? {
      let (linux, ours) = try unsafe ClassicCalls.transcripts { side, text, size in
        unsafe cases_run_random(seed, 60, patience, side, text, size)
      }
      try #require(!linux.isEmpty)
      let count = zip(linux, ours).prefix { $0 == $1 }.count
      guard count < max(linux.count, ours.count) else { return nil }
      let sides = [linux, ours].map { count < $0.count ? $0[count] : "nothing" }
      return linux[..<count].joined(separator: "\n") + "\nLinux: \(sides[0])\nours: \(sides[1])"
    }
  }
}
