/// A domain name (RFC 1035 §3.1): labels, the most particular first. Upper and lower case ASCII
/// letters are the same in it (RFC 4343).
public struct DomainName: Sendable {
  /// As on the wire without compression: each label behind its length, the root's zero last. At
  /// most ``longest`` bytes.
  public let wire: [UInt8]

  /// The bytes a name may have on the wire (RFC 1035 §2.3.4).
  public static var longest: Int { 255 }
  /// The bytes a label may have.
  public static var longestLabel: Int { 63 }

  /// The name of everything, which has no label.
  public static var root: Self { Self(wire: [0]) }

  private init(wire: [UInt8]) { self.wire = wire }

  /// Reads a name of a message, and follows its compression (RFC 1035 §4.1.4).
  ///
  /// A pointer must lead to before where the labels that end in it began, so that no chain of them
  /// comes back to itself. Linear in the name's length.
  ///
  /// - Parameters:
  ///   - message: from its first byte on, which pointers are counted from.
  ///   - offset: where the name begins; afterwards, behind it.
  public init(parsing message: Span<UInt8>, at offset: inout Int) throws(Malformed) {
    guard offset >= 0 else { throw .truncated }
    var wire: [UInt8] = []
    var position = offset
    var boundary = offset
    var end: Int?
    while true {
      guard position < message.count else { throw .truncated }
      let length = Int(message.uint8(at: position))
      if length == 0 { break }
      switch length >> 6 {
      case 0:
        guard position &+ length < message.count else { throw .truncated }
        guard wire.count &+ length &+ 2 <= Self.longest else { throw .badLength }
        wire.append(message.slice(from: position, length: length &+ 1))
        position &+= length &+ 1
      case 3:
        guard position &+ 1 < message.count else { throw .truncated }
        let target = Int(message.uint16(at: position) & 0x3FFF)
        guard target < boundary else { throw .badValue }
        if end == nil { end = position &+ 2 }
        boundary = target
        position = target
      default: throw .badType
      }
    }
    wire.append(0)
    offset = end ?? position &+ 1
    self.wire = wire
  }

  /// The name with the labels of `other` behind its own.
  ///
  /// - Returns: nothing where that is too long.
  public func appending(_ other: DomainName) -> DomainName? {
    guard wire.count &+ other.wire.count &- 1 <= Self.longest else { return nil }
    var joined: [UInt8] = []
    joined.append(wire.span.slice(from: 0, length: wire.count &- 1))
    joined.append(other.wire.span)
    return DomainName(wire: joined)
  }

  /// How many labels there are.
  public var labelCount: Int {
    let bytes = wire.span
    var count = 0
    var position = 0
    while bytes.uint8(at: position) != 0 {
      position &+= Int(bytes.uint8(at: position)) &+ 1
      count &+= 1
    }
    return count
  }

  /// Whether both are the same in every letter's case too.
  public func isIdentical(to other: DomainName) -> Bool { wire == other.wire }

  /// The name with each of its letters in the case that a bit of `pattern` says: what a forger
  /// would have to guess besides (draft-vixie-dnsext-dns0x20).
  public func varyingCase(_ pattern: UInt64) -> DomainName {
    let bytes = wire.span
    var pattern = pattern
    var varied: [UInt8] = []
    var labelEnd = 0
    while varied.count < bytes.count {
      let byte = bytes.uint8(at: varied.count)
      let letter = byte | 0x20
      if varied.count == labelEnd {
        labelEnd &+= Int(byte) &+ 1
        varied.append(byte)
      } else if letter >= UInt8(ascii: "a"), letter <= UInt8(ascii: "z") {
        varied.append(pattern & 1 == 0 ? letter : letter & ~0x20)
        pattern = pattern &>> 1 | pattern &<< 63
      } else {
        varied.append(byte)
      }
    }
    return DomainName(wire: varied)
  }
}

extension DomainName: Hashable {
  public static func == (a: Self, b: Self) -> Bool {
    let (first, second) = (a.wire.span, b.wire.span)
    guard first.count == second.count else { return false }
    var index = 0
    while index < first.count {
      // Lengths are below the letters and meet no case.
      let (byte, other) = (first.uint8(at: index), second.uint8(at: index))
      guard byte == other || byte.lowercased == other.lowercased else { return false }
      index &+= 1
    }
    return true
  }

  public func hash(into hasher: inout Hasher) {
    for byte in wire { hasher.combine(byte.lowercased) }
  }
}

extension [UInt8] {
  /// Appends what `bytes` holds.
  mutating func append(_ bytes: Span<UInt8>) {
    var index = 0
    while index < bytes.count {
      append(bytes.uint8(at: index))
      index &+= 1
    }
  }
}

extension UInt8 {
  /// An ASCII letter in lower case, everything else as it is.
  fileprivate var lowercased: UInt8 {
    self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self
  }
}
