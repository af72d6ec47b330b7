import DequeModule
package import Packets
import Synchronization

/// One direction of a cable between two nodes of this process: a bounded queue of packets.
///
/// Each end belongs to another thread. Packets keep their memory in circulation: what the receiver
/// takes in is exchanged for a packet that the sender uses again.
package final class Wire: Sendable {
  private struct State: ~Copyable {
    var packets: RigidDeque<Packet>
    var spare: RigidDeque<Packet>
    var senderWaits = false
  }

  private let state: Mutex<State>
  private let packetCapacity: Int
  /// Called when the receiver has something to take in, and when the sender has room again.
  private let nudges = Mutex<(receiver: Nudge?, sender: Nudge?)>((nil, nil))

  package typealias Nudge = @Sendable () -> Void

  /// - Parameters:
  ///   - depth: the packets that fit.
  ///   - packetCapacity: bytes of memory for each, headroom included.
  package init(depth: Int, packetCapacity: Int) {
    self.packetCapacity = packetCapacity
    state = Mutex(
      State(packets: RigidDeque(capacity: depth), spare: RigidDeque(capacity: depth)))
  }

  /// Says who is to take a turn when a packet has come, or room.
  package func connect(receiver: @escaping Nudge, sender: @escaping Nudge) {
    nudges.withLock { $0 = (receiver, sender) }
  }

  /// - Returns: false when the wire is full; the sender is nudged when it no longer is.
  package func transmit(_ packet: borrowing Packet) -> Bool {
    let wasEmpty = state.withLock { state -> Bool? in
      guard !state.packets.isFull else {
        state.senderWaits = true
        return nil
      }
      let wasEmpty = state.packets.isEmpty
      var copy = state.spare.popLast() ?? Packet(capacity: packetCapacity)
      copy.reset()
      guard copy.append(packet.bytes) else { return wasEmpty }
      copy.offload = packet.offload
      state.packets.append(copy)
      return wasEmpty
    }
    guard let wasEmpty else { return false }
    if wasEmpty { nudges.withLock { $0.receiver }?() }
    return true
  }

  /// - Returns: false when the wire is empty.
  package func receive(into packet: inout Packet) -> Bool {
    let (found, senderWaited) = state.withLock { state in
      guard var next = state.packets.popFirst() else { return (false, false) }
      swap(&next, &packet)
      if !state.spare.isFull { state.spare.append(next) }
      defer { state.senderWaits = false }
      return (true, state.senderWaits)
    }
    if senderWaited { nudges.withLock { $0.sender }?() }
    return found
  }
}
