/// The part of a file that a `Range` field asks for (RFC 9110 §14).
package enum HTTPRange: Hashable, Sendable {
  /// All of it: no range was asked for, or one that may be ignored.
  case whole
  /// These bytes, at least one.
  case part(Range<Int64>)
  /// No byte of the file is among those asked for (416).
  case unsatisfiable

  /// - Parameters:
  ///   - field: the field's value: `bytes=0-99`, `bytes=100-`, `bytes=-100`.
  ///   - size: the file's, in bytes.
  package init(_ field: String?, size: Int64) {
    self = .whole
    // RFC 9110 §14.2: units that are not known, and what is malformed, are ignored. So are several
    // ranges at once (§15.3.7 leaves the choice to the server).
    guard let field, let equals = field.firstIndex(of: "="),
      field[..<equals].trimmed.lowercased() == "bytes"
    else { return }
    let specification = field[field.index(after: equals)...].trimmed
    guard let dash = specification.firstIndex(of: "-") else { return }
    let first = specification[..<dash]
    let last = specification[specification.index(after: dash)...]
    if first.isEmpty {
      guard let length = Self.number(last) else { return }
      self = length == 0 || size == 0 ? .unsatisfiable : .part(max(size - length, 0)..<size)
      return
    }
    guard let start = Self.number(first) else { return }
    var end = size
    if !last.isEmpty {
      guard let final = Self.number(last), final >= start else { return }
      end = final < size ? final + 1 : size
    }
    self = start < size ? .part(start..<end) : .unsatisfiable
  }

  /// Decimal digits alone; what does not fit is as large as can be.
  private static func number(_ text: Substring) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text) ?? .max
  }
}
