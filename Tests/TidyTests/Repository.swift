import Foundation

/// The repository this test was built from.
enum Repository {
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// Every Swift file under `Sources` and `Tests`, and the manifest.
  static let files: [SourceFile] = {
    var paths = ["Package.swift"]
    for folder in ["Sources", "Tests"] {
      let below = try? FileManager.default.subpathsOfDirectory(
        atPath: root.appending(path: folder).path)
      paths += (below ?? []).filter { $0.hasSuffix(".swift") }.map { folder + "/" + $0 }
    }
    return paths.sorted().compactMap { path in
      let text = try? String(contentsOf: root.appending(path: path), encoding: .utf8)
      return text.map { SourceFile(path: path, text: $0) }
    }
  }()
}

/// One Swift file and where it is, from the root of the repository.
struct SourceFile: Sendable {
  let path: String
  let text: SwiftText

  init(path: String, text: String) {
    self.path = path
    self.text = SwiftText(text)
  }

  /// The module whose source this is, or nothing for tests and the manifest.
  var module: String? {
    let parts = path.split(separator: "/")
    return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
  }
}
