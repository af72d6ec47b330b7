import Foundation
import Testing

/// The guide, `Sources/Sockets/Sockets.docc`, and the README: their Swift is compiled, and run
/// where it can be.
@Suite struct GuideTests {
  /// The folder of the articles.
  private static let guide = "Sources/Sockets/Sockets.docc/"

  /// The pages, by their paths from the root of the repository.
  static let pages: [String] = {
    let names = try? FileManager.default.contentsOfDirectory(
      atPath: Repository.root.appending(path: guide).path)
    return ["README.md"] + (names ?? []).filter { $0.hasSuffix(".md") }.sorted().map { guide + $0 }
  }()

  /// Where their Swift stands: the tests written for them, and the examples.
  private static let sources: [String] = {
    var texts: [String] = []
    for folder in ["Tests", "Examples"] {
      let root = Repository.root.appending(path: folder)
      let paths = (try? FileManager.default.subpathsOfDirectory(atPath: root.path)) ?? []
      for path in paths.sorted() {
        let name = URL(filePath: path).lastPathComponent
        guard name.hasSuffix(".swift"), folder == "Examples" || name.hasPrefix("ArticleCode")
        else { continue }
        if let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8) {
          texts.append(text)
        }
      }
    }
    return texts
  }()

  private static func text(of page: String) throws -> String {
    try String(contentsOf: Repository.root.appending(path: page), encoding: .utf8)
  }

  @Test("The Swift of a page is compiled", arguments: pages)
  func compiled(page: String) throws {
    for block in CodeBlock.all(of: try Self.text(of: page)) where block.isOurs {
      let isCompiled = Self.sources.contains { block.stands(in: $0) }
      #expect(isCompiled, "no file of \(page)'s code has:\n\(block.lines.joined(separator: "\n"))")
    }
  }

  @Test("The pages are found, and their code")
  func found() throws {
    #expect(Self.pages.count > 3)
    #expect(Self.sources.count > 3)
    let blocks = CodeBlock.all(of: try Self.text(of: Self.guide + "EchoServer.md"))
    #expect(blocks.filter(\.isOurs).count == 2)
  }

  @Test("Every article is linked from the first page")
  func linked() throws {
    let first = try Self.text(of: Self.guide + "Sockets.md")
    for page in Self.pages where page.hasPrefix(Self.guide) && !page.hasSuffix("/Sockets.md") {
      let name = page.dropFirst(Self.guide.count).dropLast(3)
      let isLinked = first.contains("- <doc:\(name)>")
      #expect(isLinked, "\(name)")
    }
  }

  @Test("A page's links to other pages lead somewhere", arguments: pages)
  func links(page: String) throws {
    for part in try Self.text(of: page).components(separatedBy: "<doc:").dropFirst() {
      let name = String(part.prefix { $0 != ">" })
      #expect(Self.pages.contains(Self.guide + name + ".md"), "<doc:\(name)>")
    }
  }

  @Test("No sentence stands on two pages")
  func sentences() throws {
    var seen: [String: String] = [:]
    for page in Self.pages {
      for sentence in CodeBlock.sentences(of: try Self.text(of: page)) {
        if let other = seen[sentence], other != page {
          Issue.record("\(other) and \(page): \(sentence)")
        }
        seen[sentence] = page
      }
    }
  }

  @Test(
    "What is not in the source is noticed",
    arguments: [
      ("a()\nb()", true), ("  a()\n  b()", true), ("b()\n\nif c {\n  d()\n}", true),
      ("import A\n\na()", true), ("import B\n\na()", false), ("a()\n  b()", false),
      ("b()\na()", false),
      ("if c {\nd()\n}", false), ("a() ", false), ("a", false),
    ])
  func notices(block: String, isThere: Bool) {
    let source = "import A\n\nfunc f() {\n  a()\n  b()\n\n  if c {\n    d()\n  }\n}\n"
    #expect(CodeBlock(language: "swift", block).stands(in: source) == isThere)
  }

  @Test("Blocks and sentences are found in a page")
  func reading() {
    let page =
      "# A\n\nSay this much, please: now. And\nthat.\n\n```swift\nlet a = 1\n```\n\n```\nb\n```\n"
    let blocks = CodeBlock.all(of: page)
    #expect(blocks.map(\.language) == ["swift", ""])
    #expect(blocks.map(\.lines) == [["let a = 1"], ["b"]])
    #expect(blocks.map(\.isOurs) == [true, false])
    #expect(CodeBlock.sentences(of: page) == ["Say this much, please: now."])
  }
}
