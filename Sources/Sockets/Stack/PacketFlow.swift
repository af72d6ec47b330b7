import Packets
import Synchronization

/// A node's link whose other end is the program: packets from wherever it gets them, and packets to
/// wherever it takes them.
///
/// It is to a ``StackNode`` what `NEPacketTunnelFlow` is to a system: a VPN's program, or an
/// emulator's, writes the IP packets that it was given, and reads those that the node answers with.
///
/// ```
/// let flow = PacketFlow(mtu: 1_400)
/// let node = try StackNode(flow, "10.7.0.1/24", takesAnyDestination: true)
/// let listener = try await node.listenAnywhere()
/// // for each batch from the tunnel:  try await flow.writePackets(batch)
/// // and in a task of its own:        let answers = try await flow.readPackets()
/// ```
///
/// Packets are whole IPv4 or IPv6 packets, header first. Each direction holds `depth` of them: who
/// writes waits while the node has not taken those before, and the node holds its packets back, and
/// so its senders, while nobody reads. One flow serves one node, and does not keep it.
public final class PacketFlow: Sendable {
  /// Bytes of the largest packet, either way.
  public let mtu: Int
  let inward: Wire
  let outward: Wire
  private let ends = PacketFlowEnds()
  private let isTaken = Atomic(false)

  /// - Parameters:
  ///   - mtu: bytes of the largest packet; 576 at least, IPv6 wants 1,280.
  ///   - depth: the packets that each direction holds.
  public init(mtu: Int = 1_500, depth: Int = 256) {
    self.mtu = min(max(mtu, 576), 65_535)
    let capacity = NodeLink.packetCapacity(for: LinkAbilities(mtu: self.mtu))
    inward = Wire(depth: max(depth, 1), packetCapacity: capacity)
    outward = Wire(depth: max(depth, 1), packetCapacity: capacity)
    ends.watch(inward, outward)
  }

  deinit { close() }

  /// Gives the node packets; waits while it has no room for them. Cancelled, it has given some,
  /// from the first on.
  ///
  /// - Throws: ``SocketError/Reason/messageTooLong`` for one beyond ``mtu``, before any is given;
  ///   ``SocketError/Reason/closed``; ``SocketError/Reason/networkDown`` when the node has ended.
  public func writePackets(_ packets: [[UInt8]]) async throws(SocketError) {
    do throws(SocketError.Reason) {
      for packet in packets where packet.count > mtu { throw .messageTooLong }
      var patience = Patience.brief
      for packet in packets where !packet.isEmpty {
        while !(try ends.tryWrite(packet.span, to: inward)) {
          try await ends.wait(.writing, until: nil, &patience)
        }
      }
    } catch {
      throw SocketError(.write, reason: error)
    }
  }

  /// Takes packets that the node sends; waits while there are none. Cancelled, it has taken none.
  ///
  /// - Parameter limit: how many at most.
  /// - Returns: one at least, in order.
  /// - Throws: ``SocketError/Reason/closed``; ``SocketError/Reason/networkDown`` when the node has
  ///   ended and its last packets were read.
  public func readPackets(upTo limit: Int = 64) async throws(SocketError) -> [[UInt8]] {
    do throws(SocketError.Reason) {
      var patience = Patience.brief
      while true {
        let packets = try ends.tryRead(from: outward, upTo: max(limit, 1))
        if !packets.isEmpty { return packets }
        try await ends.wait(.reading, until: nil, &patience)
      }
    } catch {
      throw SocketError(.read, reason: error)
    }
  }

  /// Calls that wait throw ``SocketError/Reason/closed``, and what the node sends goes nowhere.
  /// Returns at once; from any thread, any number of times.
  public func close() {
    ends.close()
    inward.end()
    outward.end()
  }

  /// - Throws: ``SocketError/Reason/invalidOperation`` where another node has it.
  func take() throws(SocketError) {
    if isTaken.exchange(true, ordering: .relaxed) {
      throw SocketError(.open, reason: .invalidOperation)
    }
  }

  /// Has the node's thread told of packets and of room.
  func connect(_ nudge: @escaping @Sendable () -> Void) {
    let ends = ends
    inward.connect(receiver: nudge, sender: { ends.wake(.writing) })
    outward.connect(receiver: { ends.wake(.reading) }, sender: nudge)
    nudge()
    // The node's thread runs already, and what it has taken or given so far was told to nobody.
    ends.wake(.writing)
    ends.wake(.reading)
  }
}

/// The tasks that wait for a ``PacketFlow``.
private final class PacketFlowEnds: SocketImplementation {
  private struct State {
    var reading = WaitQueue()
    var writing = WaitQueue()
    var inward: Wire?
    var outward: Wire?
    var isClosed = false
  }

  private let state = Mutex(State())

  func watch(_ inward: Wire, _ outward: Wire) {
    state.withLock { state in
      state.inward = inward
      state.outward = outward
    }
  }

  func tryWrite(_ bytes: Span<UInt8>, to wire: Wire) throws(SocketError.Reason) -> Bool {
    try mustBeOpen()
    if wire.hasEnded { throw .networkDown }
    return wire.transmit(bytes, Offload())
  }

  func tryRead(from wire: Wire, upTo limit: Int) throws(SocketError.Reason) -> [[UInt8]] {
    try mustBeOpen()
    var packets: [[UInt8]] = []
    while packets.count < limit, let packet = wire.receiveBytes() { packets.append(packet) }
    if packets.isEmpty, wire.hasEnded { throw .networkDown }
    return packets
  }

  private func mustBeOpen() throws(SocketError.Reason) {
    if state.withLock({ $0.isClosed }) { throw .closed }
  }

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) {
    // To be told of a brief wait's end takes a thread with alarms: here it is a lasting one.
    if waiter.patience == .brief { return waiter.wake(.outlasted) }
    let refusal = state.withLock { state -> WaitOutcome? in
      if state.isClosed { return .closed }
      if waiter.isCancelled { return .cancelled }
      switch direction {
      case .reading:
        if state.outward?.mayReceive ?? true { return .happened }
        state.reading.append(waiter)
      case .writing:
        if state.inward?.mayTransmit ?? true { return .happened }
        state.writing.append(waiter)
      }
      return nil
    }
    if let refusal { waiter.wake(refusal) }
  }

  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    let waiter = state.withLock { state in
      switch direction {
      case .reading: state.reading.remove(number: number)
      case .writing: state.writing.remove(number: number)
      }
    }
    waiter?.wake(.cancelled)
  }

  func wake(_ direction: WaitDirection) {
    var queue = state.withLock { state in
      switch direction {
      case .reading: state.reading.takeAll()
      case .writing: state.writing.takeAll()
      }
    }
    queue.wakeAll(.happened)
  }

  func close() {
    var (readers, writers) = state.withLock { state in
      state.isClosed = true
      return (state.reading.takeAll(), state.writing.takeAll())
    }
    readers.wakeAll(.closed)
    writers.wakeAll(.closed)
  }
}
