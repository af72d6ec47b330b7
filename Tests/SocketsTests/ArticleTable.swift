import Foundation

/// A table of an article, so that what the guide says in one is run.
struct ArticleTable {
  /// The cells of each row, without the backquotes of code.
  let rows: [[String]]

  /// - Parameters:
  ///   - article: its name, without the ending.
  ///   - heading: the cells of the table's first line.
  init(_ article: String, heading: [String]) throws {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
      .appending(path: "Sources/Sockets/Sockets.docc/\(article).md")
    let lines = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n")
    let first = lines.firstIndex { Self.cells($0) == heading }
    rows = first.map { lines[($0 + 2)...].prefix { $0.hasPrefix("|") }.map(Self.cells) } ?? []
  }

  private static func cells(_ line: String) -> [String] {
    line.replacingOccurrences(of: "`", with: "").components(separatedBy: "|").dropFirst().dropLast()
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
