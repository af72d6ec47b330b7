import Foundation
import Packets

/// Numbers as people read them.
enum Figures {
  /// `1,234,567`.
  static func count(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var grouped = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { grouped += "," }
      grouped.append(digit)
    }
    return number < 0 ? "-" + grouped : grouped
  }

  /// Bits with three digits that count: `9.41 Gbit`.
  static func bits(_ number: Double) -> String {
    scaled(number, 1_000, ["", "k", "M", "G", "T"], "bit")
  }

  /// Bytes in powers of 1,024: `2.00 GiB`.
  static func bytes(_ number: Int) -> String {
    number < 1_024
      ? "\(number) B" : scaled(Double(number), 1_024, ["", "Ki", "Mi", "Gi", "Ti", "Pi"], "B")
  }

  /// `12.3 us`, `40.0 ms`, `2.07 s`.
  static func time(_ interval: Interval) -> String {
    let nanoseconds = Double(interval.nanoseconds)
    if nanoseconds < 1_000 { return "\(interval.nanoseconds) ns" }
    if nanoseconds < 1e6 { return threeDigits(nanoseconds / 1e3) + " us" }
    if nanoseconds < 1e9 { return threeDigits(nanoseconds / 1e6) + " ms" }
    return threeDigits(nanoseconds / 1e9) + " s"
  }

  static func seconds(_ seconds: Double) -> String {
    time(Interval(nanoseconds: Int64(max(0, min(seconds, 1e9)) * 1e9)))
  }

  static func percent(_ fraction: Double) -> String {
    let percent = fraction * 100
    return String(format: percent >= 0.1 || percent == 0 ? "%.3g%%" : "%.2g%%", percent)
  }

  private static func scaled(
    _ number: Double, _ step: Double, _ prefixes: [String], _ unit: String
  ) -> String {
    var rest = number
    var index = 0
    while rest >= step * 0.9995, index < prefixes.count - 1 {
      rest /= step
      index += 1
    }
    return threeDigits(rest) + " " + prefixes[index] + unit
  }

  private static func threeDigits(_ number: Double) -> String {
    if number >= 99.95 { return count(Int(number.rounded())) }
    return String(format: number >= 9.995 ? "%.1f" : "%.2f", number)
  }
}
