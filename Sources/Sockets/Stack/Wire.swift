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
    var hasEnded = false
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
    transmit(packet.bytes, packet.offload)
  }

  /// As ``transmit(_:)``, of a packet's parts. Packets that the wire has no memory for, and those
  /// after its end, are lost.
  func transmit(_ bytes: Span<UInt8>, _ offload: Offload) -> Bool {
    let wasEmpty = state.withLock { state -> Bool? in
      if state.hasEnded { return false }
      guard !state.packets.isFull else {
        state.senderWaits = true
        return nil
      }
      let wasEmpty = state.packets.isEmpty
      var copy = state.spare.popLast() ?? Packet(capacity: packetCapacity)
      copy.reset()
      guard copy.append(bytes) else { return false }
      copy.offload = offload
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

  /// As ``receive(into:)``, the bytes alone; nil when the wire is empty.
  func receiveBytes() -> [UInt8]? {
    let (bytes, senderWaited) = state.withLock { state -> ([UInt8]?, Bool) in
      guard let next = state.packets.popFirst() else { return (nil, false) }
      let copy = Self.bytes(of: next)
      if !state.spare.isFull { state.spare.append(next) }
      defer { state.senderWaits = false }
      return (copy, state.senderWaits)
    }
    if senderWaited { nudges.withLock { $0.sender }?() }
    return bytes
  }

  private static func bytes(of packet: borrowing Packet) -> [UInt8] {
    var copy = [UInt8](repeating: 0, count: packet.count)
    var span = copy.mutableSpan
    packet.bytes.copy(into: &span)
    return copy
  }

  /// Nothing more goes in; both sides are told.
  func end() {
    state.withLock { $0.hasEnded = true }
    let (receiver, sender) = nudges.withLock { $0 }
    receiver?()
    sender?()
  }

  var hasEnded: Bool { state.withLock { $0.hasEnded } }
  /// Whether the receiver need not wait.
  var mayReceive: Bool { state.withLock { $0.hasEnded || !$0.packets.isEmpty } }
  /// Whether the sender need not wait.
  var mayTransmit: Bool { state.withLock { $0.hasEnded || !$0.packets.isFull } }
}
