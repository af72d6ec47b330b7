/// The path that a request's target means, below the directory that is served.
package struct HTTPPath: Hashable, Sendable {
  /// Without the slashes between them; none of them empty, `.` or `..`.
  package let components: [String]
  /// Whether the path ends with a slash, as a directory's does.
  package let isDirectory: Bool

  /// - Parameter target: `/a/b%20c?query` or `http://host/a/b` (RFC 9112 §3.2).
  /// - Returns: nothing for a target that is malformed or leads out of the directory.
  package init?(target: String) {
    var path = target.prefix { $0 != "?" && $0 != "#" }
    if !path.hasPrefix("/") {
      guard path.lowercased().hasPrefix("http://") else { return nil }
      path = path.dropFirst(7).drop { $0 != "/" }
    }
    guard let decoded = Self.decoded(path) else { return nil }
    var components: [String] = []
    let parts = decoded.split(separator: "/", omittingEmptySubsequences: true)
    for part in parts {
      // Whoever asks for "..", in whatever spelling, wants out.
      guard part != ".." else { return nil }
      if part != "." { components.append(String(part)) }
    }
    self.components = components
    isDirectory = decoded.isEmpty || decoded.hasSuffix("/") || decoded.hasSuffix("/.")
  }

  /// The path again, as a target.
  package var target: String {
    let path = components.map { "/" + Self.encoded($0) }.joined()
    return isDirectory || components.isEmpty ? path + "/" : path
  }

  /// `%41` becomes `A`. Nothing where a digit is missing, a zero byte appears, or the bytes are not
  /// UTF-8.
  private static func decoded(_ path: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = path.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit)
      else { return nil }
      bytes.append(high << 4 | low)
    }
    guard !bytes.contains(0) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }

  /// Everything but RFC 3986's unreserved characters as `%41`.
  package static func encoded(_ component: String) -> String {
    var text = ""
    for byte in component.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        text += (digits.count == 1 ? "%0" : "%") + digits
      }
    }
    return text
  }
}
