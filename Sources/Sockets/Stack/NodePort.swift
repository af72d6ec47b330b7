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

// What a turn of whoever drives the stack does with each port. A port's number is its place among
// those of the stack.
extension NodePort {
  /// Has the link watched for packets.
  func watch(with poller: inout EpollPoller, number: Int) throws(SystemError) {
    try link.watch(with: &poller, token: Self.token(number), forRoom: false, again: false)
  }

  /// Has the poller tell of what the port now waits for.
  mutating func tend(with poller: inout EpollPoller, number: Int) {
    if isGone { return link.stopWatching(with: &poller) }
    let wantsRoom = delayed != nil
    guard wantsRoom != isWatchedForRoom else { return }
    isWatchedForRoom = wantsRoom
    try? link.watch(with: &poller, token: Self.token(number), forRoom: wantsRoom, again: true)
  }

  private static func token(_ number: Int) -> UInt64 { UInt64(number) + 1 }

  /// Reads the next packet.
  ///
  /// - Returns: false when none is waiting, or none will come.
  mutating func receive() -> Bool {
    while !isGone {
      do {
        return try link.receive(into: &arriving)
      } catch {
        switch error.linkFault {
        case .refused: continue
        case .congested, .down: return false
        case .gone: isGone = true
        }
      }
    }
    return false
  }

  /// Hands what the stack has to send to the link, until one of them has no more, or no room.
  ///
  /// - Returns: whether it was `limit` that ended it.
  mutating func givePackets(
    from stack: inout ProtocolStack, upTo limit: Int, number: Int, at now: Instant
  ) -> Bool {
    var packets = 0
    while packets < limit {
      guard let packet = delayed.take() ?? stack.nextPacket(for: interface, at: now) else {
        return false
      }
      packets += 1
      guard transmit(packet, number: number, at: now) else {
        delayed = consume packet
        return false
      }
      stack.recycle(packet)
    }
    return true
  }

  /// - Returns: false where there is no room for it now; what is lost counts as sent.
  private mutating func transmit(
    _ packet: borrowing Packet, number: Int, at now: Instant
  ) -> Bool {
    guard !isGone else { return true }
    do {
      guard try link.transmit(packet) else { return false }
      isDown = false
      capture?.record(packet, port: number, isOutgoing: true, at: now)
    } catch {
      switch error.linkFault {
      case .gone: isGone = true
      // A device that is down is read from as one that is quiet.
      case .down: isDown = true
      case .congested, .refused: break
      }
    }
    return true
  }
}
