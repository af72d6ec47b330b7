/// A fuzzer's bytes, taken one after the other. Behind the last one come zeros.
struct Script {
  private let bytes: [UInt8]
  private var position = 0

  init(_ input: Span<UInt8>) { bytes = input.indices.map { input[$0] } }

  var isOver: Bool { position >= bytes.count }

  mutating func byte() -> UInt8 {
    guard position < bytes.count else { return 0 }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func word() -> UInt16 { UInt16(byte()) << 8 | UInt16(byte()) }
  mutating func long() -> UInt32 { UInt32(word()) << 16 | UInt32(word()) }

  /// A length in one byte: small ones one by one, large ones in steps of 256.
  mutating func length() -> Int {
    let value = Int(byte())
    return value < 200 ? value : (value - 199) * 256
  }

  /// The next bytes, fewer where the script ends.
  mutating func take(_ count: Int) -> [UInt8] {
    let end = min(position + count, bytes.count)
    defer { position = end }
    return Array(bytes[position..<end])
  }
}
