import BasicContainers
import Packets

/// The packets that are on their way, each in a numbered place.
///
/// A packet is moved in when it enters a wire and out when it arrives, with the number of the host
/// whose memory it is; copies come from a pool of the wires' own. Nothing is allocated once the
/// table has grown to the run's high-water mark.
struct Flight: ~Copyable {
  /// The owner of the copies that wires make.
  static var wires: Int { -1 }

  struct Traveller: ~Copyable {
    var packet: Packet
    /// The host whose pool the memory goes back to, or ``wires``.
    var owner: Int
  }

  private var places = UniqueArray<Traveller?>()
  private var free: [UInt32] = []
  private var pool = PacketPool(standardLimit: 16_384, jumboLimit: 256)

  /// Packets on their way.
  private(set) var count = 0

  init() {}

  mutating func insert(_ packet: consuming Packet, of owner: Int) -> UInt32 {
    count &+= 1
    if let place = free.popLast() {
      places[Int(place)] = Traveller(packet: packet, owner: owner)
      return place
    }
    places.append(Traveller(packet: packet, owner: owner))
    return UInt32(truncatingIfNeeded: places.count &- 1)
  }

  /// Moves the packet at an occupied place out.
  mutating func remove(_ place: UInt32) -> Traveller? {
    guard place < places.count, let traveller = places[Int(place)].take() else { return nil }
    count &-= 1
    free.append(place)
    return traveller
  }

  /// An empty packet with room for `length` bytes behind the usual headroom.
  mutating func spare(for length: Int) -> Packet {
    pool.take(capacity: length &+ Packet.defaultHeadroom)
  }

  /// A copy, facts included.
  mutating func copy(_ packet: borrowing Packet) -> Packet {
    var copy = spare(for: packet.count)
    if copy.append(packet.bytes) { copy.offload = packet.offload }
    return copy
  }

  /// The next piece of a super-segment that is being cut.
  mutating func piece(of segmenter: inout Segmenter) -> Packet? { segmenter.next(from: &pool) }

  /// Takes a packet's memory back that ``spare(for:)`` or ``copy(_:)`` gave out.
  mutating func recycle(_ packet: consuming Packet) { pool.recycle(packet) }
}
