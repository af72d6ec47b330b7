import Foundation

/// A table of an article, so that what the guide says in one is run.
struct ArticleTable {
  /// The cells of each row, without the backquotes of code.
  let rows: [[String]]

  /// The first table of an article with that heading; without rows where there is none.
  ///
  /// - Parameters:
  ///   - article: its name, without the ending.
  ///   - heading: the cells of the table's first line.
  init(_ article: String, heading: [String]) throws {
    rows = try Self.all(article, heading: heading).first?.rows ?? []
  }

  private init(rows: [[String]]) { self.rows = rows }

  /// All tables of an article with that heading, in their order.
  static func all(_ article: String, heading: [String]) throws -> [ArticleTable] {
    let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
      .appending(path: "Sources/Sockets/Sockets.docc/\(article).md")
    let lines = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n")
    return lines.indices.filter { cells(lines[$0]) == heading }.map { first in
      ArticleTable(rows: lines[(first + 2)...].prefix { $0.hasPrefix("|") }.map(cells))
    }
  }

  private static func cells(_ line: String) -> [String] {
    line.replacingOccurrences(of: "`", with: "").components(separatedBy: "|").dropFirst().dropLast()
      .map { $0.trimmingCharacters(in: .whitespaces) }
  }
}
