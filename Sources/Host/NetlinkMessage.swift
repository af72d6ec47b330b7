import Packets

/// One netlink message, built or taken apart: a header, a fixed part, and attributes, all in the
/// machine's byte order and padded to four bytes (RFC 3549 §2.3).
///
/// ```
///   0         4       6       8             12            16
///   | length  | type  | flags | sequence    | port        | fixed part | attribute | attribute …
///
///   attribute:  | length | type | value, padded |
/// ```
struct NetlinkMessage {
  static let headerSize = 16

  /// The message, header included. Its length field is set by ``encoded``.
  private(set) var bytes: [UInt8] = []

  init(type: Int, flags: Int) {
    append(UInt32(0))
    append(UInt16(truncatingIfNeeded: type))
    append(UInt16(truncatingIfNeeded: flags))
    append(UInt32(1))
    append(UInt32(0))
  }

  /// Takes over one whole message of an answer.
  init(received: [UInt8]) { bytes = received }

  // MARK: Building

  /// Appends `value` in the machine's order.
  mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    // Taken from the front as if it were in network order, what lies in memory stays as it lies.
    let stored = value.bigEndian
    for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
      bytes.append(UInt8(truncatingIfNeeded: stored >> shift))
    }
  }

  mutating func appendAttribute(_ type: Int, _ value: [UInt8]) {
    append(UInt16(clamping: value.count + 4))
    append(UInt16(truncatingIfNeeded: type))
    bytes += value
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  mutating func appendAttribute(_ type: Int, _ value: UInt32) {
    append(UInt16(8))
    append(UInt16(truncatingIfNeeded: type))
    append(value)
  }

  /// The message as it is sent.
  var encoded: [UInt8] {
    var message = self
    var length = NetlinkMessage(received: [])
    length.append(UInt32(clamping: bytes.count))
    message.bytes.replaceSubrange(0..<4, with: length.bytes)
    return message.bytes
  }

  // MARK: Taking apart

  var type: Int { Int(bytes.span.hostUInt16(at: 4)) }

  func uint8(at offset: Int) -> UInt8 { bytes.span.uint8(at: offset) }
  func uint32(at offset: Int) -> UInt32 { bytes.span.hostUInt32(at: offset) }

  /// The value of the first attribute of this type, behind a fixed part of `fixedSize` bytes.
  func attribute(_ type: Int, after fixedSize: Int) -> [UInt8]? {
    var offset = Self.headerSize + fixedSize
    while offset + 4 <= bytes.count {
      let length = Int(bytes.span.hostUInt16(at: offset))
      // The two highest bits are flags about the value.
      let found = Int(bytes.span.hostUInt16(at: offset + 2) & 0x3FFF)
      guard length >= 4, offset + length <= bytes.count else { return nil }
      if found == type { return Array(bytes[(offset + 4)..<(offset + length)]) }
      offset += (length + 3) & ~3
    }
    return nil
  }

  /// Cuts an answer into its messages. What is cut short at the end is dropped.
  static func split(_ answer: ArraySlice<UInt8>) -> [NetlinkMessage] {
    var messages: [NetlinkMessage] = []
    var rest = answer
    while rest.count >= headerSize {
      let length = Int(rest.span.hostUInt32(at: 0))
      guard length >= headerSize, length <= rest.count else { break }
      messages.append(NetlinkMessage(received: Array(rest.prefix(length))))
      rest = rest.dropFirst((length + 3) & ~3)
    }
    return messages
  }
}

extension Span where Element == UInt8 {
  /// The 16 bits in the machine's order at `offset`, or zero where there are not two bytes.
  fileprivate func hostUInt16(at offset: Int) -> UInt16 { UInt16(bigEndian: uint16(at: offset)) }
  /// The 32 bits in the machine's order at `offset`, or zero where there are not four bytes.
  fileprivate func hostUInt32(at offset: Int) -> UInt32 { UInt32(bigEndian: uint32(at: offset)) }
}
