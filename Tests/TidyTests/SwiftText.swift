/// A Swift source cut into what the compiler reads and what people read, line by line, so that a
/// law about code does not stumble over words in comments and strings.
struct SwiftText {
  /// Every line as written.
  let lines: [String]
  /// The lines without comments and without the contents of string literals.
  private(set) var code: [String] = []
  /// What stands in comments.
  private(set) var comments: [String] = []

  private enum Mode {
    /// Code, with the number of parentheses open since an interpolation began.
    case code(depth: Int)
    case lineComment
    case blockComment(depth: Int)
    case string(hashes: Int, isMultiline: Bool)
  }

  init(_ text: String) {
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    var modes: [Mode] = [.code(depth: 0)]
    for line in lines { read(Array(line), &modes) }
  }

  private mutating func read(_ line: [Character], _ modes: inout [Mode]) {
    var code = ""
    var comment = ""
    var index = 0
    func sees(_ text: String) -> Bool { line[index...].starts(with: text) }
    while index < line.count {
      let character = line[index]
      switch modes[modes.count - 1] {
      case .lineComment:
        comment.append(character)
        index += 1
      case .blockComment(let depth):
        if sees("*/") {
          modes[modes.count - 1] = .blockComment(depth: depth - 1)
          if depth == 1 { modes.removeLast() }
          index += 2
        } else if sees("/*") {
          modes[modes.count - 1] = .blockComment(depth: depth + 1)
          index += 2
        } else {
          comment.append(character)
          index += 1
        }
      case .string(let hashes, let isMultiline):
        let fence = String(repeating: "#", count: hashes)
        if sees("\\" + fence + "(") {
          modes.append(.code(depth: 0))
          index += hashes + 2
          code.append(" ")
        } else if sees("\\" + fence) {
          index += hashes + 2
        } else if sees((isMultiline ? "\"\"\"" : "\"") + fence) {
          modes.removeLast()
          index += (isMultiline ? 3 : 1) + hashes
          code.append("\"")
        } else {
          index += 1
        }
      case .code(let depth):
        if sees("//") {
          modes.append(.lineComment)
          index += 2
        } else if sees("/*") {
          modes.append(.blockComment(depth: 1))
          index += 2
        } else if let string = stringStart(line[index...]) {
          modes.append(.string(hashes: string.hashes, isMultiline: string.isMultiline))
          index += string.hashes + (string.isMultiline ? 3 : 1)
          code.append("\"")
        } else {
          if character == "(", modes.count > 1 { modes[modes.count - 1] = .code(depth: depth + 1) }
          if character == ")", modes.count > 1 {
            modes[modes.count - 1] = .code(depth: depth - 1)
            if depth == 0 { modes.removeLast() }
          }
          code.append(character)
          index += 1
        }
      }
    }
    if case .lineComment = modes[modes.count - 1] { modes.removeLast() }
    self.code.append(code)
    comments.append(comment)
  }

  private func stringStart(_ rest: ArraySlice<Character>) -> (hashes: Int, isMultiline: Bool)? {
    let hashes = rest.prefix { $0 == "#" }.count
    let quotes = rest.dropFirst(hashes).prefix(3)
    guard quotes.first == "\"" else { return nil }
    return (hashes, quotes.count == 3 && quotes.allSatisfy { $0 == "\"" })
  }
}

extension String {
  /// The identifiers and keywords in a line of code.
  var words: [Substring] {
    split { !($0.isLetter || $0.isNumber || $0 == "_") }
  }
}
