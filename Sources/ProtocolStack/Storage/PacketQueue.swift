import Packets

/// Packets in the order they came, at most so many and so many bytes of them.
///
/// A ring whose length is a power of two: indices are masked, so that none can miss.
@safe
struct PacketQueue: ~Copyable, @unchecked Sendable {
  private var base: UnsafeMutablePointer<Packet>?
  private var capacity = 0
  private var head = 0
  private(set) var count = 0
  /// Bytes of all packets.
  private(set) var bytes = 0
  let packetLimit: Int
  let byteLimit: Int

  init(packetLimit: Int, byteLimit: Int = .max) {
    unsafe base = nil
    self.packetLimit = packetLimit
    self.byteLimit = byteLimit
  }

  deinit {
    guard let base = unsafe base else { return }
    var place = 0
    while place < count {
      unsafe (base + (head &+ place) & (capacity &- 1)).deinitialize(count: 1)
      place &+= 1
    }
    unsafe base.deallocate()
  }

  @inline(__always)
  var isEmpty: Bool { count == 0 }

  /// Whether a packet of `length` bytes fits. The first one always does.
  func hasRoom(for length: Int = 0) -> Bool {
    isEmpty || (count < packetLimit && length <= byteLimit &- bytes)
  }

  /// Whether a sender that was told to wait should be woken: half of both limits is free.
  var isHalfEmpty: Bool { count <= packetLimit &>> 1 && bytes <= byteLimit &>> 1 }

  /// Adds the newest packet; ask ``hasRoom(for:)`` before.
  mutating func append(_ packet: consuming Packet) {
    if count == capacity { grow() }
    guard let base = unsafe base else { return }
    bytes &+= packet.count
    unsafe (base + (head &+ count) & (capacity &- 1)).initialize(to: packet)
    count &+= 1
  }

  /// Takes the oldest packet out.
  mutating func popFirst() -> Packet? {
    guard count > 0, let base = unsafe base else { return nil }
    let packet = unsafe (base + head & (capacity &- 1)).move()
    head &+= 1
    count &-= 1
    bytes &-= packet.count
    return packet
  }

  @inline(never)
  private mutating func grow() {
    let wanted = capacity == 0 ? 4 : capacity &* 2
    let fresh = UnsafeMutablePointer<Packet>.allocate(capacity: wanted)
    if let base = unsafe base {
      var place = 0
      while place < count {
        let from = unsafe base + (head &+ place) & (capacity &- 1)
        unsafe (fresh + place).moveInitialize(from: from, count: 1)
        place &+= 1
      }
      unsafe base.deallocate()
    }
    unsafe base = unsafe fresh
    capacity = wanted
    head = 0
  }
}
