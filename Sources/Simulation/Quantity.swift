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
struct QuantityReader {
  /// What stands for a number without a unit.
  enum Bare { case refused, zeroAlone, allowed }

  /// What is read, with its article.
  let kind: String
  /// How a right one looks.
  let example: String
  /// What one of each unit is worth; units are written small, for any case is read.
  let units: [String: Double]
  let bare: Bare
  let maximum: Double

  /// Reads `text`.
  ///
  /// - Returns: the number times its unit, not negative and at most the maximum.
  func read(_ text: String) throws(QuantityError) -> Double {
    let (number, unit) = try split(text)
    let factor: Double
    if let known = units[unit] {
      factor = known
    } else if unit.isEmpty {
      guard bare == .allowed || bare == .zeroAlone && number == 0 else {
        throw error(text, .missingUnit)
      }
      factor = 1
    } else {
      throw error(text, .unknownUnit)
    }
    let value = number * factor
    guard value <= maximum else { throw error(text, .tooLarge) }
    return value
  }

  func error(_ text: String, _ reason: QuantityError.Reason) -> QuantityError {
    QuantityError(kind: kind, text: text, reason: reason, example: example)
  }

  private func split(_ text: String) throws(QuantityError) -> (number: Double, unit: String) {
    let characters = text.utf8
    guard let first = characters.first else { throw error(text, .empty) }
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
    guard digits > 0 else {
      throw error(text, first == UInt8(ascii: "-") ? .negative : .notANumber)
    }
    guard digits <= 18 else { throw error(text, .tooLarge) }
    return (value / scale, text[end...].filter { $0 != " " }.lowercased())
  }
}

extension Probability {
  private static let reader = QuantityReader(
    kind: "a percentage", example: "1%", units: ["%": 1], bare: .zeroAlone, maximum: 100)

  /// Reads a percentage: `1%`, `0.5%`, and `0`, the one number that needs no sign.
  public init(parsing text: String) throws(QuantityError) {
    self = .percent(try Self.reader.read(text))
  }
}

extension Interval {
  // A hundred years are well below what an interval can hold.
  private static let reader = QuantityReader(
    kind: "a length of time", example: "40ms",
    units: ["ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 60e9],
    bare: .zeroAlone, maximum: 3.2e18)

  /// Reads a length of time: `40ms`, `1.5s`, `250us`, `10ns`, `2min`, and `0`.
  public init(parsing text: String) throws(QuantityError) {
    self.init(nanoseconds: Int64(try Self.reader.read(text).rounded()))
  }
}

extension BitRate {
  private static let reader = QuantityReader(
    kind: "a bit rate", example: "100mbit",
    units: [
      "bit": 1, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9,
      "bit/s": 1, "kbit/s": 1e3, "mbit/s": 1e6, "gbit/s": 1e9,
      "bitps": 1, "kbitps": 1e3, "mbitps": 1e6, "gbitps": 1e9,
    ],
    bare: .refused, maximum: 1e15)

  /// Reads a speed: `100mbit`, `1.5gbit`, `64kbit`, `9600bit` (thousands, per second).
  public init(parsing text: String) throws(QuantityError) {
    let bits = try Self.reader.read(text).rounded()
    guard bits >= 1 else { throw Self.reader.error(text, .notANumber) }
    self.init(bitsPerSecond: Int64(bits))
  }
}

/// A number of bytes as people type it.
public struct ByteCount: Hashable, Sendable {
  public var bytes: Int

  public init(_ bytes: Int) { self.bytes = bytes }

  private static let reader = QuantityReader(
    kind: "a size in bytes", example: "64MiB",
    units: [
      "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
      "k": 0x1p10, "m": 0x1p20, "g": 0x1p30, "t": 0x1p40,
      "kib": 0x1p10, "mib": 0x1p20, "gib": 0x1p30, "tib": 0x1p40,
    ],
    bare: .allowed, maximum: 4e18)

  /// Reads a size: `1500`, `64KiB`, `100MB`, `1GiB` (`KiB` are 1,024 bytes, `kB` 1,000).
  public init(parsing text: String) throws(QuantityError) {
    let bytes = try Self.reader.read(text)
    guard bytes == bytes.rounded() else { throw Self.reader.error(text, .notWhole) }
    self.init(Int(bytes))
  }
}
