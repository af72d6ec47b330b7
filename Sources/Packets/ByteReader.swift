/// Walks bytes of unknown length from the front: every load answers an optional, and what it
/// answered is behind it. For headers of fixed layout one length guard and the total loads of
/// `Span` are cheaper.
public struct ByteReader: ~Escapable {
  private let bytes: Span<UInt8>
  /// How many bytes were read or skipped.
  public private(set) var offset: Int

  @inline(__always)
  @_lifetime(copy bytes)
  public init(_ bytes: Span<UInt8>) {
    self.bytes = bytes
    offset = 0
  }

  /// How many bytes are left.
  public var remaining: Int { bytes.count &- offset }

  /// The bytes that are left.
  public var rest: Span<UInt8> {
    @_lifetime(copy self) get { bytes.slice(from: offset) }
  }

  /// The next byte; nothing, and no progress, where there is none.
  @_lifetime(self: copy self)
  public mutating func uint8() -> UInt8? {
    guard remaining >= 1 else { return nil }
    let value = bytes.uint8(at: offset)
    offset &+= 1
    return value
  }

  /// The next 16 bits in network order; nothing, and no progress, where there are fewer.
  @_lifetime(self: copy self)
  public mutating func uint16() -> UInt16? {
    guard remaining >= 2 else { return nil }
    let value = bytes.uint16(at: offset)
    offset &+= 2
    return value
  }

  /// The next 32 bits in network order; nothing, and no progress, where there are fewer.
  @_lifetime(self: copy self)
  public mutating func uint32() -> UInt32? {
    guard remaining >= 4 else { return nil }
    let value = bytes.uint32(at: offset)
    offset &+= 4
    return value
  }

  /// The next 64 bits in network order; nothing, and no progress, where there are fewer.
  @_lifetime(self: copy self)
  public mutating func uint64() -> UInt64? {
    guard remaining >= 8 else { return nil }
    let value = bytes.uint64(at: offset)
    offset &+= 8
    return value
  }

  /// Passes over `length` bytes.
  ///
  /// - Returns: false, and no progress, where there are fewer or `length` is negative.
  @_lifetime(self: copy self)
  public mutating func skip(_ length: Int) -> Bool {
    guard length >= 0, length <= remaining else { return false }
    offset &+= length
    return true
  }

  /// A reader of the next `length` bytes alone, which are behind this one afterwards.
  ///
  /// - Returns: nothing, and no progress, where there are fewer or `length` is negative.
  @_lifetime(copy self)
  public mutating func child(_ length: Int) -> ByteReader? {
    guard length >= 0, length <= remaining else { return nil }
    let child = ByteReader(bytes.slice(from: offset, length: length))
    offset &+= length
    return child
  }
}
