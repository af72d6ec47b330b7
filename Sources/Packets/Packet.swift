/// One packet on its way: bytes with room before and after them, moved from hop to hop.
///
/// Layers drop their header from the front on the way up and prepend it into the headroom on the
/// way down; nothing is copied. The facts a link needs to finish the work (checksum, cutting a
/// super-segment) travel with it as ``Offload``.
///
/// ```
///   0            start                         end            capacity
///   | headroom   | bytes                       | tailroom     |
/// ```
///
/// Growing operations answer whether there was room; none of them traps.
public struct Packet: ~Copyable, Sendable {
  private var memory: PacketMemory
  private var start: Int
  private var end: Int
  /// What the link still has to do, or has already checked.
  public var offload: Offload

  /// Room for every header this stack prepends: Ethernet 14, IPv6 40, TCP 60, rounded up.
  public static let defaultHeadroom = 128

  /// An empty packet. Allocates; packets on the data path come from a ``PacketPool``.
  ///
  /// - Parameters:
  ///   - capacity: bytes in all, headroom included.
  ///   - headroom: bytes kept free in front.
  public init(capacity: Int, headroom: Int = Packet.defaultHeadroom) {
    memory = PacketMemory(capacity: capacity)
    start = headroom < 0 ? 0 : (headroom > memory.capacity ? memory.capacity : headroom)
    end = start
    offload = Offload()
  }

  public var count: Int { end &- start }
  public var isEmpty: Bool { end == start }
  public var capacity: Int { memory.capacity }
  public var headroom: Int { start }
  public var tailroom: Int { memory.capacity &- end }

  /// The bytes, to read.
  public var bytes: Span<UInt8> {
    @_lifetime(borrow self) get { memory.span(start, end) }
  }

  /// The bytes, to change in place.
  public var mutableBytes: MutableSpan<UInt8> {
    @_lifetime(&self) mutating get { memory.mutableSpan(start, end) }
  }

  /// Empties the packet for another use, with `headroom` free bytes in front.
  public mutating func reset(headroom: Int = Packet.defaultHeadroom) {
    start = headroom < 0 ? 0 : (headroom > memory.capacity ? memory.capacity : headroom)
    end = start
    offload = Offload()
  }

  /// Takes `length` bytes of headroom in as the packet's new front. Their content is undefined.
  ///
  /// - Returns: false, and nothing changed, where the headroom is smaller.
  public mutating func prepend(_ length: Int) -> Bool {
    guard length >= 0, length <= start else { return false }
    start &-= length
    offload.move(by: length)
    return true
  }

  /// Takes `length` bytes of tailroom in as the packet's new end. Their content is undefined.
  ///
  /// - Returns: false, and nothing changed, where the tailroom is smaller.
  public mutating func extend(_ length: Int) -> Bool {
    guard length >= 0, length <= memory.capacity &- end else { return false }
    end &+= length
    return true
  }

  /// Gives up to `length` bytes at the front back to the headroom.
  public mutating func dropFirst(_ length: Int) {
    let dropped = length < 0 ? 0 : (length > count ? count : length)
    start &+= dropped
    offload.move(by: 0 &- dropped)
  }

  /// Cuts the packet to its first `length` bytes; a longer wish changes nothing.
  public mutating func truncate(to length: Int) {
    guard length >= 0, length < count else { return }
    end = start &+ length
  }

  /// Appends a copy of `source`.
  ///
  /// - Returns: false, and nothing changed, where the tailroom is smaller. Linear in its length.
  public mutating func append(_ source: Span<UInt8>) -> Bool {
    let length = source.count
    let old = count
    guard extend(length) else { return false }
    var target = mutableBytes
    source.copy(into: &target, at: old)
    return true
  }
}

/// What a link may leave to the other side, or has done already: the facts of a virtio-net header.
public struct Offload: Equatable, Sendable {
  /// The kind of super-segment, to be cut into pieces of ``segmentSize``.
  public enum Segmentation: UInt8, Sendable {
    case none, tcp4, tcp6, udp
  }

  /// The transport checksum field holds only the folded pseudo-header sum; whoever puts the packet
  /// on a real wire completes it over everything from ``checksumStart`` on.
  public var needsChecksum = false
  /// The transport checksum was verified, or never left this machine.
  public var checksumIsValid = false
  public var segmentation = Segmentation.none
  /// Where the transport header begins, in bytes from the packet's start.
  public var checksumStart: UInt16 = 0
  /// Where the checksum field lies, in bytes from ``checksumStart``.
  public var checksumOffset: UInt16 = 0
  /// Transport payload bytes per cut segment.
  public var segmentSize: UInt16 = 0

  public init() {}

  mutating func move(by delta: Int) {
    guard needsChecksum || segmentation != .none else { return }
    checksumStart = UInt16(clamping: Int(checksumStart) &+ delta)
  }
}
