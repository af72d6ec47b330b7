public import Addresses
public import Packets

/// A socket that sees what comes and goes on interfaces, and sends frames of its own.
struct PacketSocket: ~Copyable {
  var options: PacketSocketOptions
  var queue: DatagramQueue
  /// Frames it saw, and those its buffer had no room for, since somebody asked.
  var seen: UInt64 = 0
  var dropped: UInt64 = 0
  var events = EventFlags()
  /// Waits for room in an interface's queue.
  var isWaiting = false

  init(options: PacketSocketOptions) {
    self.options = options
    queue = DatagramQueue(limit: max(options.receiveBufferSize, 0))
  }

  /// A socket that nobody has.
  static var standIn: PacketSocket { PacketSocket(options: PacketSocketOptions()) }
}

/// What a packet socket sees, and how (packet(7)).
public struct PacketSocketOptions: Hashable, Sendable {
  /// Frames come and go without their Ethernet header (`SOCK_DGRAM`).
  public var isCooked = false
  /// The frames to see; nothing: all of them, and what this host sends as well.
  public var etherType: EtherType?
  /// Where; nothing: on every interface.
  public var interface: InterfaceIndex?
  /// Bytes that may wait to be read, each frame with an overhead of
  /// ``UDPSocketOptions/datagramOverhead`` (`SO_RCVBUF`).
  public var receiveBufferSize = 1 << 20

  public init() {}
}

/// What ``ProtocolStack/receiveFrame(_:into:at:)`` has to say about the bytes it copied out.
public struct FrameFacts: Hashable, Sendable {
  /// Whom the frame is for.
  public enum Direction: UInt8, Sendable {
    case thisHost, broadcast, multicast, otherHost
    /// This host sent it.
    case outgoing
  }

  /// Bytes that were copied.
  public var count: Int
  /// All of its bytes.
  public var length: Int
  public var interface: InterfaceIndex
  public var etherType: EtherType
  public var direction: Direction
  /// The station that sent it; nothing where the link has no stations.
  public var source: EthernetAddress?
}

extension ProtocolStack {
  /// Opens a packet socket.
  ///
  /// - Throws: `networkDown` for an interface that does not exist; `noBufferSpace` at the limit.
  public mutating func openPackets(
    _ options: PacketSocketOptions, at now: Instant
  ) throws(StackError) -> SocketHandle {
    observe(now)
    if let interface = options.interface {
      guard interfaces.contains(UInt32(interface.rawValue)) else { throw .networkDown }
    }
    guard let slot = watchers.slots.insert(PacketSocket(options: options)) else {
      throw .noBufferSpace
    }
    return watchers.handle(slot, .packet)
  }

  mutating func closePackets(_ slot: UInt32) { _ = watchers.slots.remove(slot) }

  /// Sends a frame: with its Ethernet header, or where the socket is cooked without. On a link
  /// without stations an IP packet.
  ///
  /// - Parameters:
  ///   - interface: nothing: the one the socket is bound to.
  ///   - station: who gets it, for a cooked socket on an Ethernet.
  ///   - etherType: what it is, for the same; nothing: what the socket sees.
  /// - Returns: false where the interface's queue is full; ``Event/writable(_:)`` follows.
  /// - Throws: `messageTooLong`, `networkDown` for no interface, `invalidOperation` for what is no
  ///   frame.
  public mutating func sendFrame(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, on interface: InterfaceIndex? = nil,
    to station: EthernetAddress? = nil, etherType: EtherType? = nil, at now: Instant
  ) throws(StackError) -> Bool {
    observe(now)
    guard let slot = watchers.slot(socket, .packet) else { throw .noSuchSocket }
    let options = watchers.slots[slot].options
    guard let interface = interface ?? options.interface else { throw .networkDown }
    let number = UInt32(interface.rawValue)
    guard number > 0, interfaces.contains(number) else { throw .networkDown }
    let isEthernet = interfaces[number].isEthernet
    let hasHeader = isEthernet && !options.isCooked
    let overhead = hasHeader ? EthernetHeader.size : 0
    guard bytes.count <= interfaces[number].mtu &+ overhead else { throw .messageTooLong }
    guard bytes.count >= max(overhead, 1) else { throw .invalidOperation }
    if !isEthernet {
      let version = bytes.uint8(at: 0) &>> 4
      guard version == 4 || version == 6 else { throw .invalidOperation }
    }
    guard interfaces[number].frames.hasRoom(for: bytes.count) else {
      watchers.slots[slot].isWaiting = true
      hasWaitingSenders = true
      return false
    }
    var packet = pool.take(capacity: bytes.count &+ Packet.defaultHeadroom)
    guard packet.append(bytes) else { throw .noBufferSpace }
    if isEthernet, options.isCooked {
      guard let station, let type = etherType ?? options.etherType,
        packet.prepend(EthernetHeader.size)
      else { throw .invalidOperation }
      var target = packet.mutableBytes
      EthernetHeader(
        destination: station, source: interfaces[number].station, etherType: type
      ).write(into: &target)
    }
    interfaces[number].frames.append(packet)
    interfaces[number].frameSenders.append(
      UInt64(watchers.slots.generation(slot)) &<< 32 | UInt64(slot))
    return true
  }

  /// Takes the oldest frame out of a socket's buffer.
  ///
  /// - Returns: what it was; nothing where none waits, and ``Event/readable(_:)`` follows.
  public mutating func receiveFrame(
    _ socket: SocketHandle, into target: inout MutableSpan<UInt8>, at now: Instant
  ) throws(StackError) -> FrameFacts? {
    observe(now)
    guard let slot = watchers.slot(socket, .packet) else { throw .noSuchSocket }
    guard let (record, copied) = watchers.slots[slot].queue.popFirst(into: &target) else {
      return nil
    }
    return FrameFacts(
      count: copied, length: record.length, interface: InterfaceIndex(rawValue: record.interface),
      etherType: EtherType(rawValue: UInt16(truncatingIfNeeded: record.detail)),
      direction: FrameFacts.Direction(rawValue: record.kind) ?? .otherHost,
      source: record.destinationPort == 0 ? nil : EthernetAddress(rawValue: record.sourceLow))
  }

  /// Frames that the socket was shown and those that were dropped because its buffer was full,
  /// since this was last asked (`PACKET_STATISTICS`).
  public mutating func takeFrameCounts(
    _ socket: SocketHandle
  ) throws(StackError) -> (seen: UInt64, dropped: UInt64) {
    guard let slot = watchers.slot(socket, .packet) else { throw .noSuchSocket }
    defer {
      watchers.slots[slot].seen = 0
      watchers.slots[slot].dropped = 0
    }
    return (watchers.slots[slot].seen, watchers.slots[slot].dropped)
  }

  /// Shows a packet on a link to all who watch it. Linear in the packet sockets.
  ///
  /// - Parameters:
  ///   - bytes: as on the link.
  ///   - sender: of an outgoing one, the packet socket that sent it, which does not see it.
  @inline(never)
  mutating func show(
    _ bytes: Span<UInt8>, on number: UInt32, isOutgoing: Bool, from sender: UInt64? = nil
  ) {
    let isEthernet = interfaces[number].isEthernet
    var type = EtherType.ipv4
    var source = EthernetAddress(rawValue: 0)
    var direction = isOutgoing ? FrameFacts.Direction.outgoing : .thisHost
    if isEthernet {
      guard let header = try? EthernetHeader(parsing: bytes) else { return }
      type = header.etherType
      source = header.source
      if !isOutgoing {
        if header.destination.isBroadcast {
          direction = .broadcast
        } else if header.destination.isMulticast {
          direction = .multicast
        } else if header.destination != interfaces[number].station {
          direction = .otherHost
        }
      }
    } else if bytes.count > 0, bytes.uint8(at: 0) &>> 4 == 6 {
      type = .ipv6
    }
    var record = DatagramRecord(
      source: .v6(.any), destination: .v6(.any), sourcePort: 0,
      destinationPort: isEthernet ? 1 : 0, interface: UInt8(truncatingIfNeeded: number),
      trafficClass: 0, hopLimit: 0, kind: direction.rawValue, detail: UInt32(type.rawValue))
    record.sourceLow = source.rawValue
    for slot in watchers.slots.indices where watchers.slots.contains(slot) {
      let options = watchers.slots[slot].options
      if let wanted = options.interface, UInt32(wanted.rawValue) != number { continue }
      if let wanted = options.etherType {
        // As on Linux: who asked for one type is not shown what this host sends.
        guard wanted == type, !isOutgoing else { continue }
      }
      let name = UInt64(watchers.slots.generation(slot)) &<< 32 | UInt64(slot)
      if sender == name { continue }
      watchers.slots[slot].seen &+= 1
      let frame =
        options.isCooked && isEthernet ? bytes.slice(from: EthernetHeader.size) : bytes
      if watchers.slots[slot].queue.append(record, frame) {
        tellReadable(packet: slot)
      } else {
        watchers.slots[slot].dropped &+= 1
        counts.frameBufferDrops &+= 1
      }
    }
  }

  /// The next frame of a packet socket's to leave.
  mutating func popFrame(_ number: UInt32) -> Packet? {
    guard let packet = interfaces[number].frames.popFirst() else { return nil }
    let sender = interfaces[number].frameSenders.popFirst()
    if hasWaitingSenders, interfaces[number].frames.isHalfEmpty { wakeWaitingSenders() }
    showLeaving(packet, on: number, from: sender)
    return packet
  }

  private mutating func showLeaving(
    _ packet: borrowing Packet, on number: UInt32, from sender: UInt64?
  ) {
    show(packet.bytes, on: number, isOutgoing: true, from: sender)
  }
}
