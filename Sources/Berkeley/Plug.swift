import Addresses
import Host
import Packets
import ProtocolStack
import Sockets
import Synchronization
import SystemPackage

/// What leaves a node whose network is its user, in order, and when.
struct PacketTap: Sendable {
  /// More are dropped: nobody takes them.
  private static var limit: Int { 65_536 }

  struct Taken: Sendable {
    let bytes: [UInt8]
    let left: Instant
  }

  let interface: InterfaceIndex
  var packets: [Taken] = []
  /// Opened when a packet has left.
  let gate: Gate

  private static func copy(_ packet: borrowing Packet) -> [UInt8] {
    let span = packet.bytes
    var bytes: [UInt8] = []
    bytes.reserveCapacity(span.count)
    for index in span.indices { bytes.append(span[index]) }
    return bytes
  }

  mutating func takePackets(from stack: inout ProtocolStack, at now: Instant) {
    var pool = PacketPool()
    while let packet = stack.nextPacket(for: interface, at: now) {
      // What leaves a host is what its link has cut.
      var pieces = Segmenter(packet)
      while let piece = pieces.next(from: &pool) {
        if packets.count < Self.limit {
          packets.append(Taken(bytes: Self.copy(piece), left: now))
        }
        pool.recycle(piece)
      }
    }
    if !packets.isEmpty { gate.open() }
  }
}

/// A node that packetdrill plays the network of, in a time that only packetdrill lets pass.
///
/// Nothing happens by itself: no thread, no link. Time jumps from one of the stack's deadlines to
/// the next, so what a script says about when packets leave is met or missed by the stack alone,
/// however busy the machine is. Only calls that block on another thread need real time to go on;
/// before a jump they are given a moment.
final class Plug: Sendable {
  static let shared = Mutex<Plug?>(nil)

  /// How long a thread that was woken may take to come back.
  private static let moment = Interval.milliseconds(5)
  private static let patience = Interval.seconds(10)

  private let addresses: [Prefix]
  private let mtu: Int
  private let gate = Gate()
  private let node = Mutex<Node?>(nil)
  /// The time before the stack was started, and then the stack's.
  private let time: Mutex<Instant>

  /// - Throws: `EINVAL` for what says something else than addresses and an MTU.
  init(_ description: String) throws(Errno) {
    var addresses: [Prefix] = []
    var mtu = 1_500
    for part in description.split(whereSeparator: { $0 == " " || $0 == "," }) {
      if part.hasPrefix("mtu="), let number = Int(part.dropFirst(4)) {
        mtu = number
      } else if let address = try? Prefix(parsing: part) {
        addresses.append(address)
      } else {
        throw .invalidArgument
      }
    }
    guard !addresses.isEmpty else { throw .invalidArgument }
    self.addresses = addresses
    self.mtu = mtu
    time = Mutex(HostClock.now())
  }

  /// Starts the stack, unless it runs.
  func begin() throws(Errno) {
    guard node.withLock({ $0 == nil }) else { return }
    let start = time.withLock { $0 }
    let number = Descriptors.shared.reserveNode()
    let made = try make(number: number, at: start)
    Descriptors.shared.add(made)
    node.withLock { $0 = made }
  }

  private func make(number: Int, at start: Instant) throws(Errno) -> Node {
    let builder: StackBuilder
    do throws(SocketError) {
      builder = try StackBuilder(configuration: .systemSettings())
    } catch {
      throw .noMemory
    }
    do throws(SystemError) {
      return try builder.handOver { (stack, ports) throws(SystemError) in
        let (addresses, mtu, gate) = (addresses, mtu, gate)
        let node = try Node(number: number, stack: stack, ports: ports, hasOwnTime: true)
        node.turn { $0.plugIn(addresses, mtu: mtu, gate: gate, at: start) }
        return node
      }
    } catch {
      throw error.errno
    }
  }

  func close() {
    guard let node = node.withLock({ $0.take() }) else { return }
    _ = Descriptors.shared.removeNode(node.number)
    node.close()
  }

  // MARK: Packets

  func inject(_ bytes: Span<UInt8>) throws(Errno) {
    guard bytes.count <= 65_535 else { throw .messageTooLong }
    var octets: [UInt8] = []
    octets.reserveCapacity(bytes.count)
    for index in bytes.indices { octets.append(bytes[index]) }
    try begin()
    guard let node = node.withLock({ $0 }) else { return }
    node.turn { $0.inject(octets) }
  }

  /// The next packet that leaves.
  func take() -> PacketTap.Taken? {
    guard let node = node.withLock({ $0 }) else { return nil }
    let deadline = now + Self.patience
    while true {
      gate.close()
      if let taken = node.turn({ $0.takePacket() }) { return taken }
      if giveMoment(node) { continue }
      guard step(node, to: deadline) else { return nil }
    }
  }

  // MARK: Time

  var now: Instant { time.withLock { $0 } }

  func pass(_ interval: Interval) {
    let end = now + interval
    guard let node = node.withLock({ $0 }) else { return time.withLock { $0 = max($0, end) } }
    repeat { _ = giveMoment(node) } while step(node, to: end)
  }

  /// Goes to the stack's next deadline, or to `end` where that comes first.
  ///
  /// - Returns: whether there was a deadline before the end.
  private func step(_ node: Node, to end: Instant) -> Bool {
    let next = node.turn { state in min(state.stack.nextDeadline ?? end, end) }
    let moment = time.withLock { time in
      time = max(time, next)
      return time
    }
    node.turn { $0.pass(to: moment) }
    return moment < end
  }

  /// Lets threads go on whose calls were woken.
  ///
  /// - Returns: whether there were any.
  private func giveMoment(_ node: Node) -> Bool {
    guard node.turn({ $0.hasWokenCalls }) else { return false }
    let pause = Gate()
    // On a busy machine a thread may take long to come; then it looks at the clock.
    for _ in 0..<200 where node.turn({ $0.hasWokenCalls }) {
      _ = pause.wait(until: HostClock.now() + Self.moment)
    }
    _ = pause.wait(until: HostClock.now() + Self.moment)
    return true
  }
}

extension NodeState {
  fileprivate mutating func plugIn(_ addresses: [Prefix], mtu: Int, gate: Gate, at start: Instant) {
    // packetdrill takes super-segments, and looks at no checksum but IP's.
    let abilities = LinkAbilities(
      mtu: mtu, checksumOffload: true, segmentationOffload: 65_535, receiveCoalescing: true)
    pass(to: start)
    guard let interface = try? stack.addInterface("tun0", abilities, at: now) else { return }
    tap = PacketTap(interface: interface, gate: gate)
    for address in addresses {
      try? stack.addAddress(address, on: interface, at: now)
      let any: IPAddress = address.address.isIPv4 ? .v4(.any) : .v6(.any)
      if let everywhere = Prefix(any, length: 0) {
        try? stack.addRoute(everywhere, via: nil, on: interface)
      }
    }
  }

  fileprivate mutating func inject(_ octets: [UInt8]) {
    guard let interface = tap?.interface else { return }
    var packet = Packet(capacity: octets.count + Packet.defaultHeadroom)
    _ = packet.append(octets.span)
    stack.receive(&packet, on: interface, at: now)
  }

  fileprivate mutating func takePacket() -> PacketTap.Taken? {
    guard let tap, !tap.packets.isEmpty else { return nil }
    return self.tap?.packets.removeFirst()
  }
}

extension StackConfiguration {
  /// The options of TCP that the system has in this network namespace, as far as we have them.
  fileprivate static func systemSettings() -> StackConfiguration {
    var configuration = StackConfiguration()
    configuration.duplicateAddressProbes = 0
    configuration.tcp.quickAcknowledgments = 16
    func numbers(_ name: String) -> [Int] {
      var bytes = [UInt8](repeating: 0, count: 256)
      var span = bytes.mutableSpan
      guard let file = try? HostFile(reading: "/proc/sys/net/ipv4/\(name)"),
        let count = try? file.read(into: &span, at: 0)
      else { return [] }
      let text = String(decoding: bytes.prefix(count), as: UTF8.self)
      return text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    }
    let receive = numbers("tcp_rmem")
    if receive.count == 3 {
      // Linux counts its overhead in: half is for the bytes.
      configuration.tcp.initialReceiveBuffer = max(receive[1] / 2, 4_096)
      configuration.tcp.maximumReceiveBuffer = max(receive[2], 4_096)
    }
    let send = numbers("tcp_wmem")
    if send.count == 3 {
      configuration.tcp.initialSendBuffer = max(send[1] / 2, 4_096)
      configuration.tcp.maximumSendBuffer = max(send[2], 4_096)
    }
    if let retries = numbers("tcp_syn_retries").first { configuration.tcp.synRetries = retries }
    configuration.tcp.usesTimestamps = numbers("tcp_timestamps").first != 0
    configuration.tcp.usesSelectiveAcknowledgments = numbers("tcp_sack").first != 0
    configuration.tcp.restartsAfterIdle = numbers("tcp_slow_start_after_idle").first != 0
    switch numbers("tcp_ecn").first {
    case 0: configuration.tcp.explicitCongestionNotification = .never
    case 1: configuration.tcp.explicitCongestionNotification = .always
    default: configuration.tcp.explicitCongestionNotification = .whenAsked
    }
    if let segments = numbers("tcp_min_tso_segs").first, segments > 0 {
      configuration.tcp.minimumOffloadSegments = segments
    }
    if let limit = numbers("tcp_notsent_lowat").first, limit > 0, limit < Int(UInt32.max) {
      configuration.tcp.notSentLowWater = limit
    }
    return configuration
  }
}
