import Foundation

/// A piece of code in a page of Markdown, between two fences.
struct CodeBlock {
  let language: String
  let lines: [String]

  init(language: String, _ text: String) {
    self.language = language
    lines = text.components(separatedBy: "\n")
  }

  /// Swift for this package. Other libraries' begins with their name, a manifest with the tools'
  /// version.
  var isOurs: Bool {
    language == "swift" && lines.first?.hasPrefix("// SwiftNIO") == false
      && lines.first?.hasPrefix("// swift-tools-version") == false
  }

  /// The blocks of a page, in their order.
  static func all(of page: String) -> [CodeBlock] {
    var blocks: [CodeBlock] = []
    var current: (language: String, lines: [String])?
    for line in page.components(separatedBy: "\n") {
      guard line.hasPrefix("```") else {
        current?.lines.append(line)
        continue
      }
      if let (language, lines) = current {
        blocks.append(CodeBlock(language: language, lines.joined(separator: "\n")))
        current = nil
      } else {
        current = (String(line.dropFirst(3)), [])
      }
    }
    return blocks
  }

  /// Whether a source has these lines, one after another, at any one indentation. Imports in front
  /// of them may stand anywhere.
  func stands(in source: String) -> Bool {
    let there = source.components(separatedBy: "\n")
    let imports = lines.prefix { $0.hasPrefix("import ") }
    guard imports.allSatisfy({ there.contains($0) }) else { return false }
    let wanted = Array(lines.dropFirst(imports.count).drop { $0.isEmpty })
    guard let first = wanted.first else { return !imports.isEmpty }
    for start in there.indices where start + wanted.count <= there.count {
      guard there[start].hasSuffix(first) else { continue }
      let indentation = there[start].dropLast(first.count)
      guard indentation.allSatisfy({ $0 == " " }) || indentation.isEmpty else { continue }
      let isHere = zip(there[start...], wanted).allSatisfy { line, wish in
        wish.isEmpty ? line.isEmpty : line == indentation + wish
      }
      if isHere { return true }
    }
    return false
  }

  /// The sentences of a page's text, those of three words and less left out.
  static func sentences(of page: String) -> [String] {
    var text = ""
    var isCode = false
    for line in page.components(separatedBy: "\n") {
      if line.hasPrefix("```") { isCode.toggle() }
      guard !isCode, !line.hasPrefix("#"), !line.hasPrefix("|"), !line.hasPrefix("```") else {
        continue
      }
      text += line.isEmpty ? "\n" : line + " "
    }
    return text.components(separatedBy: "\n").flatMap { paragraph in
      paragraph.replacingOccurrences(of: ". ", with: ".\n").components(separatedBy: "\n")
    }.map { $0.trimmingCharacters(in: .whitespaces) }.filter {
      $0.hasSuffix(".") && $0.split(separator: " ").count > 3
    }
  }
}
