/// The options of a TCP header (RFC 9293 §3.2, RFC 7323, RFC 2018), flat and without allocation.
///
/// The optional properties read and write plain fields and a set of presence bits. Kinds that this
/// stack does not use are passed over.
public struct TCPOptions: Equatable, Sendable {
  /// The value and echo of a Timestamps option (RFC 7323 §3), in the sender's own ticks.
  public struct Timestamp: Equatable, Sendable {
    /// TSval: the sender's clock.
    public var value: UInt32
    /// TSecr: the other side's clock, as it was last heard.
    public var echo: UInt32

    @inline(__always)
    public init(value: UInt32, echo: UInt32) {
      self.value = value
      self.echo = echo
    }
  }

  private struct Presence: OptionSet, Equatable, Sendable {
    var rawValue: UInt8
    static var maximumSegmentSize: Self { Self(rawValue: 1) }
    static var windowScale: Self { Self(rawValue: 2) }
    static var sackPermitted: Self { Self(rawValue: 4) }
    static var timestamp: Self { Self(rawValue: 8) }
    static var fastOpenCookie: Self { Self(rawValue: 16) }
    static var malformed: Self { Self(rawValue: 32) }
  }

  /// The bytes of options that fit into a header.
  public static var maximumSize: Int { 40 }
  /// The largest shift that RFC 7323 §2.3 allows.
  public static var maximumWindowScale: UInt8 { 14 }
  /// The least payload per segment that this stack sends, whatever the other side announces: a
  /// smaller one would turn every write into a storm of headers.
  public static var minimumSegmentSize: UInt16 { 64 }

  private var present = Presence()
  private var windowShift: UInt8 = 0
  private var segmentSize: UInt16 = 0
  private var timestampValue: UInt32 = 0
  private var timestampEcho: UInt32 = 0
  /// The runs that arrived out of order, the most recent first.
  public var sackBlocks = SACKBlocks()

  @inline(__always)
  public init() {}

  /// The largest payload that the sender takes, as announced; see ``segmentSizeLimit(default:)``.
  public var maximumSegmentSize: UInt16? {
    @inline(__always) get { present.contains(.maximumSegmentSize) ? segmentSize : nil }
    @inline(__always) set {
      segmentSize = newValue ?? 0
      set(.maximumSegmentSize, newValue != nil)
    }
  }

  /// By how many bits the sender's windows are to be shifted to the left: at most 14.
  public var windowScale: UInt8? {
    @inline(__always) get { present.contains(.windowScale) ? windowShift : nil }
    @inline(__always) set {
      // RFC 7323 §2.3 MUST: a shift above 14 is taken for 14.
      windowShift = min(newValue ?? 0, Self.maximumWindowScale)
      set(.windowScale, newValue != nil)
    }
  }

  /// Whether the sender understands selective acknowledgments.
  public var sackPermitted: Bool {
    @inline(__always) get { present.contains(.sackPermitted) }
    @inline(__always) set { set(.sackPermitted, newValue) }
  }

  public var timestamp: Timestamp? {
    @inline(__always) get {
      present.contains(.timestamp) ? Timestamp(value: timestampValue, echo: timestampEcho) : nil
    }
    @inline(__always) set {
      timestampValue = newValue?.value ?? 0
      timestampEcho = newValue?.echo ?? 0
      set(.timestamp, newValue != nil)
    }
  }

  /// Whether a Fast Open option (RFC 7413) was there. It is tolerated, and never written.
  public var hasFastOpenCookie: Bool { present.contains(.fastOpenCookie) }

  /// Whether a length made the walk end early. What was found before that stands.
  public var isMalformed: Bool { present.contains(.malformed) }

  /// The announced segment size, or `standard` where none was, but never below
  /// ``minimumSegmentSize``.
  @inline(__always)
  public func segmentSizeLimit(default standard: UInt16) -> UInt16 {
    max(maximumSegmentSize ?? standard, Self.minimumSegmentSize)
  }

  @inline(__always)
  private mutating func set(_ member: Presence, _ isPresent: Bool) {
    present.rawValue =
      isPresent ? present.rawValue | member.rawValue : present.rawValue & ~member.rawValue
  }
}

// MARK: - Parsing

extension TCPOptions {
  /// Parses the bytes between the fixed header and the data. Never fails: what makes no sense is
  /// passed over. At most one step per byte; one comparison for a segment with just a timestamp.
  ///
  /// - Parameter flags: of the header; several options have a meaning only with SYN, others only
  ///   without.
  @inline(__always)
  public init(parsing bytes: Span<UInt8>, flags: TCPFlags) {
    self.init()
    if bytes.count == 12, bytes.uint32(at: 0) == 0x0101_080A {
      timestampValue = bytes.uint32(at: 4)
      timestampEcho = bytes.uint32(at: 8)
      present = .timestamp
    } else if bytes.count > 0 {
      walk(bytes, isSYN: flags.contains(.syn), isReset: flags.contains(.rst))
    }
  }

  /// Parses the options of the segment that `header` was parsed from.
  @inline(__always)
  public init(in segment: Span<UInt8>, header: TCPHeader) {
    self.init(
      parsing: segment.slice(
        from: TCPHeader.size, length: header.dataOffset &- TCPHeader.size),
      flags: header.flags)
  }

  @inline(never)
  private mutating func walk(_ bytes: Span<UInt8>, isSYN: Bool, isReset: Bool) {
    var offset = 0
    while offset < bytes.count {
      let kind = bytes.uint8(at: offset)
      if kind == 0 { return }
      if kind == 1 {
        offset &+= 1
        continue
      }
      // RFC 9293 §3.1 MUST-7: an option with an impossible length must do no harm.
      let length = Int(bytes.uint8(at: offset &+ 1))
      guard length >= 2, length <= bytes.count &- offset else {
        set(.malformed, true)
        return
      }
      take(kind: kind, bytes.slice(from: offset, length: length), isSYN: isSYN, isReset: isReset)
      // RFC 9293 §3.1 MUST-6: kinds that are not known are passed over.
      offset &+= length
    }
  }

  private mutating func take(kind: UInt8, _ option: Span<UInt8>, isSYN: Bool, isReset: Bool) {
    switch (kind, option.count) {
    case (2, 4) where isSYN:
      maximumSegmentSize = option.uint16(at: 2)
    case (3, 3) where isSYN:
      // RFC 7323 §2.2: outside of a SYN the option means nothing.
      windowScale = option.uint8(at: 2)
    case (4, 2) where isSYN:
      sackPermitted = true
    case (5, 10...34) where !isSYN && !isReset && option.count & 7 == 2:
      takeSACKBlocks(option)
    case (8, 10):
      timestamp = Timestamp(value: option.uint32(at: 2), echo: option.uint32(at: 6))
    case (34, 2...18), (254, 4...20):
      if kind == 34 || option.uint16(at: 2) == 0xF989 { set(.fastOpenCookie, true) }
    default: break
    }
  }

  private mutating func takeSACKBlocks(_ option: Span<UInt8>) {
    var offset = 2
    sackBlocks = SACKBlocks()
    while offset < option.count {
      let block = SACKBlock(
        left: SequenceNumber(rawValue: option.uint32(at: offset)),
        right: SequenceNumber(rawValue: option.uint32(at: offset &+ 4)))
      if block.isValid { sackBlocks.append(block) }
      offset &+= 8
    }
  }
}

// MARK: - Writing

extension TCPOptions {
  /// The bytes that ``write(into:at:)`` writes: a multiple of 4, at most 40.
  @inline(__always)
  public var size: Int {
    let blocks = writtenSACKBlocks
    return fixedSize &+ (blocks > 0 ? 4 &+ blocks &* 8 : 0)
  }

  /// How many of ``sackBlocks`` have room beside the other options.
  public var writtenSACKBlocks: Int {
    guard sackBlocks.count > 0 else { return 0 }
    let room = (Self.maximumSize &- fixedSize &- 4) &>> 3
    return min(room < 0 ? 0 : room, sackBlocks.count)
  }

  private var fixedSize: Int {
    var size = 0
    if present.contains(.maximumSegmentSize) { size &+= 4 }
    if present.contains(.timestamp) {
      size &+= 12
    } else if present.contains(.sackPermitted) {
      size &+= 4
    }
    if present.contains(.windowScale) { size &+= 4 }
    return size
  }

  /// Writes ``size`` bytes, each option padded to a multiple of four by no-operations before it.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    var offset = offset
    if present.contains(.maximumSegmentSize) {
      bytes.store(0x0204_0000 | UInt32(segmentSize), at: offset)
      offset &+= 4
    }
    if present.contains(.timestamp) {
      // Two bytes are left over beside a timestamp; SACK Permitted takes them on a SYN.
      bytes.store(
        present.contains(.sackPermitted) ? 0x0402_080A as UInt32 : 0x0101_080A, at: offset)
      bytes.store(timestampValue, at: offset &+ 4)
      bytes.store(timestampEcho, at: offset &+ 8)
      offset &+= 12
    } else if present.contains(.sackPermitted) {
      bytes.store(0x0101_0402 as UInt32, at: offset)
      offset &+= 4
    }
    if present.contains(.windowScale) {
      bytes.store(0x0103_0300 | UInt32(windowShift), at: offset)
      offset &+= 4
    }
    let blocks = writtenSACKBlocks
    guard blocks > 0 else { return }
    bytes.store(0x0101_0502 &+ UInt32(truncatingIfNeeded: blocks &* 8), at: offset)
    offset &+= 4
    var index = 0
    while index < blocks {
      let block = sackBlocks[index]
      bytes.store(block.left.rawValue, at: offset)
      bytes.store(block.right.rawValue, at: offset &+ 4)
      offset &+= 8
      index &+= 1
    }
  }
}
