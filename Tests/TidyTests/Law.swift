import Testing

/// A rule about the repository's Swift that a machine can judge.
struct Law: Sendable, CustomTestStringConvertible {
  let name: String
  /// Whom to believe when the law and the code disagree, and what to do.
  let why: String
  /// Files, and folders with a slash at the end, that may break it, each with the reason.
  var exceptions: [String: String] = [:]
  /// What a file does against it.
  let faults: @Sendable (SourceFile) -> [Fault]

  var testDescription: String { name }

  func excepts(_ path: String) -> Bool {
    exceptions.keys.contains { $0 == path || $0.hasSuffix("/") && path.hasPrefix($0) }
  }
}

/// Where a law is broken.
struct Fault: Hashable, Sendable, CustomStringConvertible {
  let path: String
  /// Counted from one.
  let line: Int
  let what: String

  var description: String { "\(path):\(line): \(what)" }
}

extension SourceFile {
  /// A fault for each line of code that `judge` has something to say about.
  func faultsInCode(_ judge: (String) -> String?) -> [Fault] { faults(in: text.code, judge) }

  /// A fault for each comment that `judge` has something to say about.
  func faultsInComments(_ judge: (String) -> String?) -> [Fault] {
    faults(in: text.comments, judge)
  }

  /// A fault for each line as written that `judge` has something to say about.
  func faultsInLines(_ judge: (String) -> String?) -> [Fault] { faults(in: text.lines, judge) }

  private func faults(in lines: [String], _ judge: (String) -> String?) -> [Fault] {
    lines.enumerated().compactMap { index, line in
      judge(line).map { Fault(path: path, line: index + 1, what: $0) }
    }
  }
}
