import DequeModule
import Packets

/// Packets in the order they came, at most so many and so many bytes of them.
struct PacketQueue: ~Copyable {
  private var packets = UniqueDeque<Packet>()
  /// Bytes of all packets.
  private(set) var bytes = 0
  let packetLimit: Int
  let byteLimit: Int

  init(packetLimit: Int, byteLimit: Int = .max) {
    self.packetLimit = packetLimit
    self.byteLimit = byteLimit
  }

  var count: Int { packets.count }
  @inline(__always)
  var isEmpty: Bool { packets.isEmpty }

  /// Whether a packet of `length` bytes fits. The first one always does.
  func hasRoom(for length: Int = 0) -> Bool {
    packets.isEmpty || (packets.count < packetLimit && length <= byteLimit &- bytes)
  }

  /// Whether a sender that was told to wait should be woken: half of both limits is free.
  var isHalfEmpty: Bool { packets.count <= packetLimit &>> 1 && bytes <= byteLimit &>> 1 }

  /// Adds the newest packet; ask ``hasRoom(for:)`` before.
  mutating func append(_ packet: consuming Packet) {
    bytes &+= packet.count
    packets.append(packet)
  }

  /// Takes the oldest packet out.
  mutating func popFirst() -> Packet? {
    guard let packet = packets.popFirst() else { return nil }
    bytes &-= packet.count
    return packet
  }
}
