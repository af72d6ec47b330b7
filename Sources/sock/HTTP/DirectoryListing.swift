/// The page that stands for a directory without an `index.html`.
package enum DirectoryListing {
  /// - Parameters:
  ///   - path: the directory's, as it is shown.
  ///   - names: what is in it; directories end with a slash.
  package static func page(path: String, names: [String]) -> String {
    let title = escaped(path)
    let up = path == "/" ? "" : "<li><a href=\"../\">../</a></li>\n"
    let items = names.sorted().map { name in
      let isDirectory = name.hasSuffix("/")
      let link = HTTPPath.encoded(isDirectory ? String(name.dropLast()) : name)
      return "<li><a href=\"./\(link)\(isDirectory ? "/" : "")\">\(escaped(name))</a></li>\n"
    }
    return """
      <!doctype html>
      <html lang="en"><meta charset="utf-8"><title>\(title)</title>
      <h1>\(title)</h1>
      <ul>
      \(up)\(items.joined())</ul></html>

      """
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}
