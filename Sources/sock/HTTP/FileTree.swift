import Foundation
package import Host

/// A directory and what is below it, as the file server shows it.
///
/// Symbolic links are followed as long as they stay below the directory.
package struct FileTree: Sendable {
  /// What a path leads to.
  package enum Finding: ~Copyable {
    case file(HostFile, HostFile.Status, name: String)
    /// The page of a directory.
    case listing(String)
    /// A directory whose slash is missing.
    case moved(to: String)
    case nothing
  }

  /// Without symbolic links and without a slash at its end.
  private let root: String

  /// - Throws: a ``Complaint`` where there is no such directory.
  package init(_ path: String) throws(Complaint) {
    guard let root = Self.resolved(path), Self.isDirectory(root) else {
      throw Complaint("there is no directory \"\(path)\"")
    }
    self.root = root == "/" ? "" : root
  }

  package func find(_ path: HTTPPath) -> Finding {
    let wanted = root + path.components.map { "/" + $0 }.joined()
    guard let place = Self.resolved(wanted.isEmpty ? "/" : wanted),
      place == root || place.hasPrefix(root + "/")
    else { return .nothing }
    if Self.isDirectory(place) {
      guard path.isDirectory || path.components.isEmpty else {
        return .moved(to: path.target + "/")
      }
      return findInDirectory(place, path)
    }
    guard !path.isDirectory else { return .nothing }
    return Self.file(place)
  }

  private func findInDirectory(_ place: String, _ path: HTTPPath) -> Finding {
    if let index = Self.resolved(place + "/index.html"), index.hasPrefix(root + "/") {
      return Self.file(index)
    }
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: place) else {
      return .nothing
    }
    let shown = names.map { Self.isDirectory(place + "/" + $0) ? $0 + "/" : $0 }
    let title = "/" + path.components.map { $0 + "/" }.joined()
    return .listing(DirectoryListing.page(path: title, names: shown))
  }

  private static func file(_ place: String) -> Finding {
    guard let file = try? HostFile(reading: place), let status = try? file.status(),
      status.kind == .regular
    else { return .nothing }
    return .file(file, status, name: place)
  }

  private static func isDirectory(_ path: String) -> Bool {
    (try? HostFile(reading: path).status().kind) == .directory
  }

  /// The path without symbolic links, `.` and `..`; nothing where there is no such file.
  private static func resolved(_ path: String) -> String? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  }
}
