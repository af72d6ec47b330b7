/// What every ICMP message of either version begins with (RFC 792, RFC 4443 §2.1): a type, a code,
/// the checksum, and four bytes whose meaning depends on the type.
struct ICMPHeader {
  /// Bytes on the wire.
  static var size: Int { 8 }

  var type: UInt8
  var code: UInt8
  /// The second four bytes.
  var word: UInt32

  init(type: UInt8, code: UInt8, word: UInt32) {
    self.type = type
    self.code = code
    self.word = word
  }

  /// The header of an echo's message.
  init(type: UInt8, identifier: UInt16, sequence: UInt16) {
    self.init(type: type, code: 0, word: UInt32(identifier) &<< 16 | UInt32(sequence))
  }

  /// - Parameter bytes: at least ``size`` of them; what is missing reads as zero.
  init(_ bytes: Span<UInt8>) {
    self.init(type: bytes.uint8(at: 0), code: bytes.uint8(at: 1), word: bytes.uint32(at: 4))
  }

  /// The first half of the word; an echo's identifier.
  var upper: UInt16 { UInt16(truncatingIfNeeded: word &>> 16) }
  /// The second half of the word; an echo's sequence number.
  var lower: UInt16 { UInt16(truncatingIfNeeded: word) }

  /// Writes ``size`` bytes, with a checksum of zero.
  func write(into bytes: inout MutableSpan<UInt8>, at offset: Int) {
    bytes.store(UInt32(type) &<< 24 | UInt32(code) &<< 16, at: offset)
    bytes.store(word, at: offset &+ 4)
  }
}
