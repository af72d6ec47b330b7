// The one file of this module that may say `unsafe`.
//
// Every function here is total: no offset, length or content makes one trap. Loads past the end
// answer zero and stores past the end do nothing, so a parser that checks its length once pays for
// no second check (the optimiser folds these away behind the first guard) and one that forgot is
// wrong, never dead. Parsers that walk variable data use ``ByteReader``, whose loads are optional.

extension Span where Element == UInt8 {
  /// The byte at `offset`, or zero where there is none.
  @inline(__always)
  public func uint8(at offset: Int) -> UInt8 {
    guard offset >= 0, offset < count else { return 0 }
    return unsafe self[unchecked: offset]
  }

  /// The 16 bits in network order at `offset`, or zero where there are not two bytes.
  @inline(__always)
  public func uint16(at offset: Int) -> UInt16 {
    guard offset >= 0, offset <= count &- 2 else { return 0 }
    return unsafe withUnsafeBytes {
      unsafe UInt16(
        bigEndian: $0.baseAddress.unsafelyUnwrapped.loadUnaligned(
          fromByteOffset: offset, as: UInt16.self))
    }
  }

  /// The 32 bits in network order at `offset`, or zero where there are not four bytes.
  @inline(__always)
  public func uint32(at offset: Int) -> UInt32 {
    guard offset >= 0, offset <= count &- 4 else { return 0 }
    return unsafe withUnsafeBytes {
      unsafe UInt32(
        bigEndian: $0.baseAddress.unsafelyUnwrapped.loadUnaligned(
          fromByteOffset: offset, as: UInt32.self))
    }
  }

  /// The 64 bits in network order at `offset`, or zero where there are not eight bytes.
  @inline(__always)
  public func uint64(at offset: Int) -> UInt64 {
    guard offset >= 0, offset <= count &- 8 else { return 0 }
    return unsafe withUnsafeBytes {
      unsafe UInt64(
        bigEndian: $0.baseAddress.unsafelyUnwrapped.loadUnaligned(
          fromByteOffset: offset, as: UInt64.self))
    }
  }

  /// The bytes from `offset` on, at most `length` of them, cut to what is there.
  @inline(__always)
  @_lifetime(copy self)
  public func slice(from offset: Int, length: Int = .max) -> Span<UInt8> {
    let lower = offset < 0 ? 0 : (offset > count ? count : offset)
    let room = count &- lower
    let taken = length < 0 ? 0 : (length > room ? room : length)
    // Not `extracting(_:)`: the width of its range is a subtraction that traps.
    let start = unsafe withUnsafeBufferPointer { $0.baseAddress }
    let span = unsafe Span(
      _unsafeElements: UnsafeBufferPointer(
        start: start.map { unsafe $0.advanced(by: lower) }, count: taken))
    return unsafe _overrideLifetime(span, copying: self)
  }

  /// Copies as many bytes as both sides have room for. Linear in their number.
  ///
  /// - Returns: how many were copied.
  @discardableResult
  @inline(__always)
  public func copy(into target: inout MutableSpan<UInt8>, at offset: Int = 0) -> Int {
    guard offset >= 0, offset < target.count else { return 0 }
    let room = target.count &- offset
    let amount = count < room ? count : room
    guard amount > 0 else { return 0 }
    unsafe self.withUnsafeBytes { source in
      unsafe target.withUnsafeMutableBytes { destination in
        unsafe destination.baseAddress.unsafelyUnwrapped.advanced(by: offset)
          .copyMemory(from: source.baseAddress.unsafelyUnwrapped, byteCount: amount)
      }
    }
    return amount
  }

  /// How many bytes the two begin with in common. Linear in that number, eight at a time.
  public func commonPrefix(with other: Span<UInt8>) -> Int {
    let length = count < other.count ? count : other.count
    return unsafe withUnsafeBytes { ours in
      unsafe other.withUnsafeBytes { theirs in
        guard let a = ours.baseAddress, let b = theirs.baseAddress else { return 0 }
        var offset = 0
        while offset <= length &- 8,
          unsafe a.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            == b.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        {
          offset &+= 8
        }
        while offset < length,
          unsafe a.load(fromByteOffset: offset, as: UInt8.self)
            == b.load(fromByteOffset: offset, as: UInt8.self)
        {
          offset &+= 1
        }
        return offset
      }
    }
  }

  /// A fingerprint of the bytes, the same on every machine: like FNV-1a, but on words of 64 bits
  /// in four lanes, and with high bits brought down to low ones. Against accidents, not
  /// adversaries.
  ///
  /// - Parameter seed: what was fingerprinted before.
  public func fingerprint(_ seed: UInt64) -> UInt64 {
    unsafe withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return Self.stir(seed, 0) }
      var a = seed
      var b = seed
      var c = seed
      var d = seed
      var offset = 0
      while offset <= bytes.count &- 32 {
        let words = unsafe base.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt64>.self)
        a = Self.stir(a, UInt64(littleEndian: words[0]))
        b = Self.stir(b, UInt64(littleEndian: words[1]))
        c = Self.stir(c, UInt64(littleEndian: words[2]))
        d = Self.stir(d, UInt64(littleEndian: words[3]))
        offset &+= 32
      }
      var state = Self.stir(seed, UInt64(truncatingIfNeeded: bytes.count))
      state = Self.stir(state, a)
      state = Self.stir(state, b)
      state = Self.stir(state, c)
      state = Self.stir(state, d)
      while offset < bytes.count {
        state = Self.stir(
          state, UInt64(unsafe base.load(fromByteOffset: offset, as: UInt8.self)))
        offset &+= 1
      }
      return state
    }
  }

  @inline(__always)
  private static func stir(_ state: UInt64, _ word: UInt64) -> UInt64 {
    let mixed = (state ^ word) &* 0x9E37_79B9_7F4A_7C15
    return mixed ^ mixed &>> 32
  }

  /// The ones' complement sum of the bytes as 16-bit words (RFC 1071), not yet folded: lanes of
  /// 32 bits in memory order, the last byte padded with zero. See ``InternetChecksum``.
  @inline(__always)
  func onesComplementLanes() -> UInt64 {
    unsafe withUnsafeBytes { bytes in
      guard var pointer = bytes.baseAddress else { return 0 }
      var left = bytes.count
      var low = SIMD4<UInt64>.zero
      var high = SIMD4<UInt64>.zero
      let mask = SIMD4<UInt64>(repeating: 0xFFFF_FFFF)
      while left >= 64 {
        let a = unsafe pointer.loadUnaligned(as: SIMD4<UInt64>.self)
        let b = unsafe pointer.loadUnaligned(fromByteOffset: 32, as: SIMD4<UInt64>.self)
        low &+= (a & mask) &+ (b & mask)
        high &+= (a &>> 32) &+ (b &>> 32)
        unsafe pointer = unsafe pointer + 64
        left &-= 64
      }
      let lanes = low &+ high
      var sum = lanes[0] &+ lanes[1] &+ lanes[2] &+ lanes[3]
      while left >= 4 {
        sum &+= UInt64(unsafe pointer.loadUnaligned(as: UInt32.self))
        unsafe pointer = unsafe pointer + 4
        left &-= 4
      }
      var tail: UInt64 = 0
      var shift: UInt64 = 0
      while left > 0 {
        tail |= UInt64(unsafe pointer.load(as: UInt8.self)) &<< shift
        shift &+= 8
        unsafe pointer = unsafe pointer + 1
        left &-= 1
      }
      return sum &+ tail
    }
  }
}

extension MutableSpan where Element == UInt8 {
  /// Stores one byte at `offset`, where there is one.
  @inline(__always)
  @_lifetime(self: copy self)
  public mutating func store(_ value: UInt8, at offset: Int) {
    guard offset >= 0, offset < count else { return }
    unsafe withUnsafeMutableBytes {
      unsafe $0.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
    }
  }

  /// Stores 16 bits in network order at `offset`, where there are two bytes.
  @inline(__always)
  @_lifetime(self: copy self)
  public mutating func store(_ value: UInt16, at offset: Int) {
    guard offset >= 0, offset <= count &- 2 else { return }
    unsafe withUnsafeMutableBytes {
      unsafe $0.baseAddress.unsafelyUnwrapped.storeBytes(
        of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
    }
  }

  /// Stores 32 bits in network order at `offset`, where there are four bytes.
  @inline(__always)
  @_lifetime(self: copy self)
  public mutating func store(_ value: UInt32, at offset: Int) {
    guard offset >= 0, offset <= count &- 4 else { return }
    unsafe withUnsafeMutableBytes {
      unsafe $0.baseAddress.unsafelyUnwrapped.storeBytes(
        of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
  }

  /// Stores 64 bits in network order at `offset`, where there are eight bytes.
  @inline(__always)
  @_lifetime(self: copy self)
  public mutating func store(_ value: UInt64, at offset: Int) {
    guard offset >= 0, offset <= count &- 8 else { return }
    unsafe withUnsafeMutableBytes {
      unsafe $0.baseAddress.unsafelyUnwrapped.storeBytes(
        of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
    }
  }
}

/// Memory that holds one packet, freed with its owner. ``Packet`` is the way to use it.
@safe
@usableFromInline
struct PacketMemory: ~Copyable, @unchecked Sendable {
  @usableFromInline let base: UnsafeMutablePointer<UInt8>
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity < 64 ? 64 : capacity
    unsafe base = .allocate(capacity: self.capacity)
    unsafe base.initialize(repeating: 0, count: self.capacity)
  }

  // Embedded Swift must see it wherever a packet dies.
  @inlinable deinit { unsafe base.deallocate() }

  /// The bytes of `start..<end`, cut to what there is.
  @inline(__always)
  @_lifetime(borrow self)
  func span(_ start: Int, _ end: Int) -> Span<UInt8> {
    let lower = start < 0 ? 0 : (start > capacity ? capacity : start)
    let upper = end < lower ? lower : (end > capacity ? capacity : end)
    let span = unsafe Span(
      _unsafeElements: UnsafeBufferPointer(
        start: UnsafePointer(base.advanced(by: lower)), count: upper &- lower))
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  /// The bytes of `start..<end` to write to, cut to what there is.
  @inline(__always)
  @_lifetime(&self)
  mutating func mutableSpan(_ start: Int, _ end: Int) -> MutableSpan<UInt8> {
    let lower = start < 0 ? 0 : (start > capacity ? capacity : start)
    let upper = end < lower ? lower : (end > capacity ? capacity : end)
    let span = unsafe MutableSpan(
      _unsafeElements: UnsafeMutableBufferPointer(
        start: base.advanced(by: lower), count: upper &- lower))
    return unsafe _overrideLifetime(span, mutating: &self)
  }
}

/// Packets laid by, the last one first, up to a limit: `Array` cannot hold what cannot be copied.
@safe
@usableFromInline
struct PacketStack: ~Copyable, @unchecked Sendable {
  @usableFromInline var base: UnsafeMutablePointer<Packet>
  private var capacity: Int
  @usableFromInline private(set) var count = 0
  let limit: Int

  init(limit: Int) {
    self.limit = limit < 0 ? 0 : (limit > 1 &<< 20 ? 1 &<< 20 : limit)
    capacity = 16
    unsafe base = Self.allocate(16)
  }

  @inlinable deinit {
    unsafe base.deinitialize(count: count)
    unsafe base.deallocate()
  }

  /// Raw, since the typed form multiplies with a trap.
  private static func allocate(_ capacity: Int) -> UnsafeMutablePointer<Packet> {
    unsafe UnsafeMutableRawPointer.allocate(
      byteCount: capacity &* MemoryLayout<Packet>.stride,
      alignment: MemoryLayout<Packet>.alignment
    ).bindMemory(to: Packet.self, capacity: capacity)
  }

  mutating func pop() -> Packet? {
    guard count > 0 else { return nil }
    count &-= 1
    return unsafe (base + count).move()
  }

  /// Keeps the packet, or frees it where the limit is reached. Doubles its room as it grows.
  mutating func push(_ packet: consuming Packet) {
    guard count < limit else { return }
    if count == capacity {
      let larger = unsafe Self.allocate(capacity &* 2)
      unsafe larger.moveInitialize(from: base, count: count)
      unsafe base.deallocate()
      unsafe base = larger
      capacity &*= 2
    }
    unsafe (base + count).initialize(to: packet)
    count &+= 1
  }
}
