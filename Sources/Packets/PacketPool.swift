/// Keeps used packets for the next ones, so that the data path allocates nothing once it has
/// reached its pace.
///
/// There are two sizes: ``standardCapacity`` for what fits into an ordinary frame, and
/// ``jumboCapacity`` for super-segments. Of each at most a fixed number is kept; what comes back
/// beyond that is freed. A pool belongs to one loop.
public struct PacketPool: ~Copyable, Sendable {
  /// Bytes of a standard packet, headroom included.
  public static var standardCapacity: Int { 2_048 }
  /// Bytes of a packet that holds 64 KiB and every header in front of them.
  public static var jumboCapacity: Int { 66_048 }

  private var standard: PacketStack
  private var jumbo: PacketStack
  /// Packets made because none was kept: flat in a steady state.
  public private(set) var allocations: UInt64 = 0

  /// - Parameters:
  ///   - standardLimit: how many standard packets are kept at most.
  ///   - jumboLimit: how many jumbo packets are kept at most.
  public init(standardLimit: Int = 1_024, jumboLimit: Int = 64) {
    standard = PacketStack(limit: standardLimit)
    jumbo = PacketStack(limit: jumboLimit)
  }

  /// How many standard packets lie ready.
  public var standardCount: Int { standard.count }
  /// How many jumbo packets lie ready.
  public var jumboCount: Int { jumbo.count }

  /// An empty packet of at least `capacity` bytes, headroom included. One of more than
  /// ``jumboCapacity`` is made for the occasion.
  public mutating func take(
    capacity: Int = PacketPool.standardCapacity, headroom: Int = Packet.defaultHeadroom
  ) -> Packet {
    if capacity <= Self.standardCapacity {
      if var packet = standard.pop() {
        packet.reset(headroom: headroom)
        return packet
      }
      allocations &+= 1
      return Packet(capacity: Self.standardCapacity, headroom: headroom)
    }
    if capacity <= Self.jumboCapacity, var packet = jumbo.pop() {
      packet.reset(headroom: headroom)
      return packet
    }
    allocations &+= 1
    return Packet(
      capacity: capacity < Self.jumboCapacity ? Self.jumboCapacity : capacity, headroom: headroom)
  }

  /// Takes a packet back, to give it out again.
  public mutating func recycle(_ packet: consuming Packet) {
    switch packet.capacity {
    case Self.standardCapacity: standard.push(packet)
    case Self.jumboCapacity: jumbo.push(packet)
    default: break
    }
  }
}
