import Host
import Packets
import ProtocolStack

/// A link and the interface of the stack that it serves.
struct NodePort: ~Copyable {
  var link: NodeLink
  let interface: InterfaceIndex
  /// The memory arriving packets pass through.
  var arriving: Packet
  /// A packet the link had no room for; it goes first.
  var delayed: Packet?
  /// Where a copy of every packet goes.
  let capture: (any PacketCapture)?
  /// Whether the poller was asked to tell of room.
  var isWatchedForRoom = false
  /// The link is no more.
  var isGone = false
  /// The link carries nothing just now.
  var isDown = false
  /// What was told of the link last.
  var toldHealth = Health.up

  /// How the link is.
  enum Health { case up, down, gone }

  var health: Health { isGone ? .gone : isDown ? .down : .up }

  init(_ link: consuming NodeLink, interface: InterfaceIndex, capture: (any PacketCapture)?) {
    arriving = Packet(capacity: link.packetCapacity)
    self.link = link
    self.interface = interface
    self.capture = capture
  }
}
