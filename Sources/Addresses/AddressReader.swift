/// Walks over the text of an address from left to right, never past its end.
struct AddressReader {
  private let scalars: [Unicode.Scalar]
  private(set) var position = 0

  init(_ text: some StringProtocol) {
    scalars = Array(text.unicodeScalars.prefix(AddressError.longestText + 1))
  }

  /// The text, cut to the longest that is kept.
  var text: String { string(from: 0, to: AddressError.longestText) }

  /// The next character, none at the end.
  var next: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

  /// Whether of the colons and dots to come the first is a colon, as in every IPv6 address.
  var hasColonFirst: Bool { scalars.dropFirst(position).first { $0 == ":" || $0 == "." } == ":" }

  /// Whether two colons or more are still to come, as in every IPv6 address.
  var holdsSeveralColons: Bool { scalars.dropFirst(position).filter { $0 == ":" }.count > 1 }

  /// Steps over the next character if it is this one.
  mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position &+= 1
    return true
  }

  /// Steps over the next character, which must be this one.
  mutating func expect(_ scalar: Unicode.Scalar) throws(AddressError.Reason) {
    guard take(scalar) else { throw surprise }
  }

  /// Refuses whatever is left.
  func expectEnd() throws(AddressError.Reason) {
    if next != nil { throw surprise }
  }

  /// Whether an address could be over here: at the end, or before what may follow an address.
  var isAtBoundary: Bool {
    next == nil || next == "]" || next == "/" || next == "%" || next == ":"
  }

  /// What to say about the next character, which is not what it should be.
  var surprise: AddressError.Reason {
    if let next { .unexpected(next) } else { scalars.isEmpty ? .empty : .unexpectedEnd }
  }

  /// Goes back to where it was before.
  mutating func rewind(to earlier: Int) { position = min(max(earlier, 0), position) }

  /// Steps over everything before the first of `stops`, or to the end.
  mutating func takeAll(before stops: Unicode.Scalar...) -> String {
    let start = position
    while let next, !stops.contains(next) { position &+= 1 }
    return string(from: start, to: position)
  }

  private func string(from start: Int, to end: Int) -> String {
    var result = String.UnicodeScalarView()
    for scalar in scalars.prefix(end).dropFirst(start) { result.append(scalar) }
    return String(result)
  }
}

extension AddressReader {
  /// Digits of a decimal number up to `maximum`, without leading zeros.
  mutating func decimal(
    upTo maximum: UInt64, orThrow excess: AddressError.Reason
  ) throws(AddressError.Reason) -> UInt64 {
    guard let first = next?.decimalDigit else { throw surprise }
    var value: UInt64 = 0
    let start = position
    while let digit = next?.decimalDigit {
      if first == 0, position > start { throw .leadingZero }
      value = value &* 10 &+ UInt64(digit)
      guard value <= maximum else { throw excess }
      position &+= 1
    }
    return value
  }

  /// The next hexadecimal digit, of either case.
  mutating func hexadecimalDigit() -> UInt8? {
    guard let digit = next?.hexadecimalDigit else { return nil }
    position &+= 1
    return digit
  }
}

extension AddressError {
  /// Reads the whole text with `parse`; what that throws becomes an error about the text.
  static func read<Value>(
    _ text: some StringProtocol, as subject: Subject,
    _ parse: (inout AddressReader) throws(Reason) -> Value
  ) throws(AddressError) -> Value {
    var reader = AddressReader(text)
    do throws(Reason) {
      guard reader.isShort else { throw .tooLong }
      let value = try parse(&reader)
      try reader.expectEnd()
      return value
    } catch {
      throw AddressError(subject, text: reader.text, reason: error)
    }
  }
}

extension AddressReader {
  fileprivate var isShort: Bool { scalars.count <= AddressError.longestText }
}

extension Unicode.Scalar {
  var decimalDigit: UInt8? {
    value >= 48 && value <= 57 ? UInt8(truncatingIfNeeded: value &- 48) : nil
  }

  var hexadecimalDigit: UInt8? {
    if let decimalDigit { return decimalDigit }
    let lower = value | 0x20
    guard lower >= 97, lower <= 102 else { return nil }
    return UInt8(truncatingIfNeeded: lower &- 87)
  }
}

extension String {
  /// Appends a number in lower case hexadecimal, at least `width` digits of it.
  mutating func appendHexadecimal(_ value: UInt32, width: Int = 1) {
    var shift = 28
    while shift >= 0 {
      let digit = value >> UInt32(truncatingIfNeeded: shift) & 0xF
      if value >> UInt32(truncatingIfNeeded: shift) != 0 || shift < 4 &* width {
        let code = UInt8(truncatingIfNeeded: digit < 10 ? 48 &+ digit : 87 &+ digit)
        unicodeScalars.append(Unicode.Scalar(code))
      }
      shift &-= 4
    }
  }
}
