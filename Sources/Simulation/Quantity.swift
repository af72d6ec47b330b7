public import Packets

/// Why a text is not the quantity it should be; prints as a sentence.
public struct QuantityError: Error, Equatable, CustomStringConvertible, Sendable {
  public enum Reason: Equatable, Sendable {
    case empty
    /// Does not begin with a plain decimal number.
    case notANumber
    case negative
    case missingUnit
    case unknownUnit
    /// More than there can be.
    case tooLarge
    case notWhole
  }

  /// What was to be read, such as "a percentage".
  public var kind: String
  public var text: String
  public var reason: Reason
  /// How a right one looks.
  public var example: String

  public var description: String {
    let complaint =
      switch reason {
      case .empty: "is empty"
      case .notANumber: "does not begin with a number"
      case .negative: "is negative"
      case .missingUnit: "has no unit"
      case .unknownUnit: "has an unknown unit"
      case .tooLarge: "is too large"
      case .notWhole: "is not a whole number"
      }
    return "'\(text)' is not \(kind): it \(complaint) (write for instance \(example))"
  }
}

/// A decimal number with a unit behind it, as people type it: `1%`, `40ms`, `100mbit`, `64MiB`.
///
/// Digits, at most one point, no exponent, no sign but a minus that is complained about: `nan`,
/// `inf` and `1e9` are no quantities.
struct Quantity {
  var number: Double
  var unit: String

  init(_ text: String, kind: String, example: String) throws(QuantityError) {
    func wrong(_ reason: QuantityError.Reason) -> QuantityError {
      QuantityError(kind: kind, text: text, reason: reason, example: example)
    }
    let characters = text.utf8
    guard let first = characters.first else { throw wrong(.empty) }
    var digits = 0
    var value = 0.0
    var scale = 1.0
    var hasPoint = false
    var end = characters.startIndex
    for byte in characters {
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
      } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
        digits += 1
        value = value * 10 + Double(byte - UInt8(ascii: "0"))
        if hasPoint { scale *= 10 }
      } else {
        break
      }
      end = characters.index(after: end)
    }
    guard digits > 0 else { throw wrong(first == UInt8(ascii: "-") ? .negative : .notANumber) }
    guard digits <= 18 else { throw wrong(.tooLarge) }
    number = value / scale
    unit = text[end...].filter { $0 != " " }.lowercased()
  }
}

extension Probability {
  /// Reads a percentage: `1%`, `0.5%`, and `0`, the one number that needs no sign.
  public init(parsing text: String) throws(QuantityError) {
    let kind = "a percentage"
    let example = "1%"
    let quantity = try Quantity(text, kind: kind, example: example)
    func wrong(_ reason: QuantityError.Reason) -> QuantityError {
      QuantityError(kind: kind, text: text, reason: reason, example: example)
    }
    switch quantity.unit {
    case "%": break
    case "": guard quantity.number == 0 else { throw wrong(.missingUnit) }
    default: throw wrong(.unknownUnit)
    }
    guard quantity.number <= 100 else { throw wrong(.tooLarge) }
    self = .percent(quantity.number)
  }
}

extension Interval {
  /// Reads a length of time: `40ms`, `1.5s`, `250us`, `10ns`, `2min`, and `0`.
  public init(parsing text: String) throws(QuantityError) {
    let kind = "a length of time"
    let example = "40ms"
    let quantity = try Quantity(text, kind: kind, example: example)
    func wrong(_ reason: QuantityError.Reason) -> QuantityError {
      QuantityError(kind: kind, text: text, reason: reason, example: example)
    }
    let unit: Double
    switch quantity.unit {
    case "ns": unit = 1
    case "us", "µs": unit = 1_000
    case "ms": unit = 1_000_000
    case "s": unit = 1_000_000_000
    case "min": unit = 60_000_000_000
    case "":
      guard quantity.number == 0 else { throw wrong(.missingUnit) }
      unit = 1
    default: throw wrong(.unknownUnit)
    }
    let nanoseconds = quantity.number * unit
    // A hundred years, well below what an interval can hold.
    guard nanoseconds <= 3.2e18 else { throw wrong(.tooLarge) }
    self.init(nanoseconds: Int64(nanoseconds.rounded()))
  }
}

extension BitRate {
  /// Reads a speed: `100mbit`, `1.5gbit`, `64kbit`, `9600bit` (thousands, per second).
  public init(parsing text: String) throws(QuantityError) {
    let kind = "a bit rate"
    let example = "100mbit"
    let quantity = try Quantity(text, kind: kind, example: example)
    func wrong(_ reason: QuantityError.Reason) -> QuantityError {
      QuantityError(kind: kind, text: text, reason: reason, example: example)
    }
    var unit = quantity.unit
    for ending in ["/s", "ps"] where unit.hasSuffix(ending) { unit.removeLast(2) }
    let factor: Double
    switch unit {
    case "bit": factor = 1
    case "kbit": factor = 1e3
    case "mbit": factor = 1e6
    case "gbit": factor = 1e9
    case "": throw wrong(.missingUnit)
    default: throw wrong(.unknownUnit)
    }
    let bits = (quantity.number * factor).rounded()
    guard bits <= 1e15 else { throw wrong(.tooLarge) }
    guard bits >= 1 else { throw wrong(.notANumber) }
    self.init(bitsPerSecond: Int64(bits))
  }
}

/// A number of bytes as people type it.
public struct ByteCount: Hashable, Sendable {
  public var bytes: Int

  public init(_ bytes: Int) { self.bytes = bytes }

  /// Reads a size: `1500`, `64KiB`, `100MB`, `1GiB` (`KiB` are 1,024 bytes, `kB` 1,000).
  public init(parsing text: String) throws(QuantityError) {
    let kind = "a size in bytes"
    let example = "64MiB"
    let quantity = try Quantity(text, kind: kind, example: example)
    func wrong(_ reason: QuantityError.Reason) -> QuantityError {
      QuantityError(kind: kind, text: text, reason: reason, example: example)
    }
    let factor: Double
    switch quantity.unit {
    case "", "b": factor = 1
    case "kb": factor = 1e3
    case "mb": factor = 1e6
    case "gb": factor = 1e9
    case "tb": factor = 1e12
    case "k", "kib": factor = 1_024
    case "m", "mib": factor = 1_048_576
    case "g", "gib": factor = 1_073_741_824
    case "t", "tib": factor = 1_099_511_627_776
    default: throw wrong(.unknownUnit)
    }
    let bytes = quantity.number * factor
    guard bytes <= 4e18 else { throw wrong(.tooLarge) }
    guard bytes == bytes.rounded() else { throw wrong(.notWhole) }
    self.init(Int(bytes))
  }
}
