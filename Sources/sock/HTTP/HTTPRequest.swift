/// The head of a request (RFC 9112 §3), with the fields a file server looks at.
package struct HTTPRequest: Sendable {
  /// Why a head is not accepted.
  package enum Refusal: Error, Hashable, Sendable {
    /// Not a request (400).
    case malformed
    /// More than ``HTTPRequest/maximumHead`` bytes or ``HTTPRequest/maximumFields`` fields (431).
    case tooLarge
    /// Another major version than 1 (505).
    case versionNotSupported
  }

  package static let maximumHead = 16_384
  package static let maximumFields = 100

  package let method: String
  package let target: String
  /// 0 or 1: `HTTP/1.0`, `HTTP/1.1`.
  package let minorVersion: Int
  private let fields: [(name: String, value: String)]

  /// Reads a head, without the empty line at its end.
  package init(head: [UInt8]) throws(Refusal) {
    guard head.count <= Self.maximumHead else { throw .tooLarge }
    // RFC 9112 §2.2: a bare LF may end a line as well; a bare CR may not be there at all.
    var lines = head.split(separator: 0x0A, omittingEmptySubsequences: false)
    for index in lines.indices where lines[index].last == 0x0D { lines[index].removeLast() }
    guard !lines.contains(where: { $0.contains { $0 == 0x0D || $0 == 0 } }) else {
      throw .malformed
    }
    guard let first = lines.first else { throw .malformed }
    let words = first.split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 3, !words[0].isEmpty, !words[1].isEmpty else { throw .malformed }
    method = String(decoding: words[0], as: UTF8.self)
    target = String(decoding: words[1], as: UTF8.self)
    minorVersion = try Self.minorVersion(String(decoding: words[2], as: UTF8.self))
    guard lines.count - 1 <= Self.maximumFields else { throw .tooLarge }
    var fields: [(name: String, value: String)] = []
    for line in lines.dropFirst() { fields.append(try Self.field(line)) }
    self.fields = fields
    // RFC 9112 §3.2: an HTTP/1.1 request names its host, once.
    let hosts = fields.count { $0.name == "host" }
    guard hosts == 1 || (hosts == 0 && minorVersion == 0) else { throw .malformed }
  }

  /// The values of a field, as one list (RFC 9110 §5.3).
  ///
  /// - Parameter name: in lower case.
  package func value(_ name: String) -> String? {
    let values = fields.filter { $0.name == name }.map(\.value)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  /// Whether the connection may serve another request after this one (RFC 9112 §9.3).
  package var keepsAlive: Bool {
    let options = (value("connection") ?? "").lowercased().split(separator: ",")
      .map { $0.trimmed }
    if options.contains("close") { return false }
    return minorVersion >= 1 || options.contains("keep-alive")
  }

  /// Whether a body follows the head.
  package var hasBody: Bool {
    value("transfer-encoding") != nil || (value("content-length").map { $0 != "0" } ?? false)
  }

  private static func minorVersion(_ version: String) throws(Refusal) -> Int {
    switch version {
    case "HTTP/1.1": return 1
    case "HTTP/1.0": return 0
    default:
      guard version.hasPrefix("HTTP/"), version.count == 8 else { throw .malformed }
      guard version.hasPrefix("HTTP/1.") else { throw .versionNotSupported }
      return 1
    }
  }

  private static func field(
    _ line: ArraySlice<UInt8>
  ) throws(Refusal) -> (name: String, value: String) {
    guard let colon = line.firstIndex(of: 0x3A), colon > line.startIndex else { throw .malformed }
    let name = String(decoding: line[..<colon], as: UTF8.self)
    // RFC 9112 §5.1: no white space before the colon; §5.2: no folded lines.
    guard !name.contains(where: \.isWhitespace) else { throw .malformed }
    let value = String(decoding: line[(colon + 1)...], as: UTF8.self)
    return (name.lowercased(), value.trimmed)
  }
}

extension StringProtocol {
  /// Without spaces and tabs at either end.
  package var trimmed: String {
    func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
    guard let first = firstIndex(where: { !isBlank($0) }),
      let last = lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(self[first...last])
  }
}
