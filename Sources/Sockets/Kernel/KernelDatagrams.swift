import Addresses
import Host
import Packets
import Synchronization
import SystemPackage

/// A UDP or raw socket of the kernel's.
final class KernelDatagrams: DatagramImplementation, KernelImplementation {
  let handle: KernelHandle
  private let local: SocketAddress
  private let transport: TransportProtocol
  /// The socket is connected to an IPv4 address.
  private let isConnectedToIPv4 = Atomic(false)
  /// Whether the kernel, or the device, is asked to cut messages.
  private let segments = Atomic(true)
  let coalescing = Coalescing()

  init(
    _ handle: KernelHandle, local: SocketAddress, _ transport: TransportProtocol = .udp
  ) {
    self.transport = transport
    self.handle = handle
    self.local = local
  }

  func connect(to remote: Endpoint) async throws(SocketError.Reason) {
    isConnectedToIPv4.store(remote.address.isIPv4, ordering: .relaxed)
    _ = try handle.use { socket throws(Errno) in try socket.connect(to: remote.socketAddress) }
  }

  // MARK: Sending

  func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint?, with options: DatagramOptions
  ) throws(SocketError.Reason) -> Attempt<Void> {
    if options.isDefault {
      return try handle.tryWriting { socket throws(Errno) in
        try socket.send(bytes, to: remote?.socketAddress) ? ((), true) : nil
      }
    }
    let outgoing = try outgoing(to: remote, options, 0..<bytes.count)
    return try handle.tryWriting { socket throws(Errno) in
      try socket.send(bytes, outgoing) ? ((), true) : nil
    }
  }

  private func outgoing(
    to remote: Endpoint?, _ options: DatagramOptions, _ place: Range<Int>
  ) throws(SocketError.Reason) -> KernelSocket.Outgoing {
    let isIPv4 = remote?.address.isIPv4 ?? isConnectedToIPv4.load(ordering: .relaxed)
    var outgoing = KernelSocket.Outgoing(to: remote?.socketAddress, isIPv6: !isIPv4, place)
    guard options.hopLimit != 0, options.source.map({ $0.isIPv4 == isIPv4 }) ?? true else {
      throw .invalidOperation
    }
    outgoing.source = options.source
    outgoing.interfaceIndex = options.interfaceIndex
    outgoing.hopLimit = options.hopLimit
    outgoing.trafficClass = options.trafficClass?.rawValue
    return outgoing
  }

  func trySend(
    _ batch: borrowing DatagramBatch, from first: Int
  ) throws(SocketError.Reason) -> Attempt<Int> {
    let elements = batch.elements
    let size = batch.maximumSize
    let count = try sendable(elements, from: first)
    let mayCut = segments.load(ordering: .relaxed)
    let bytes = batch.storage.span
    return try handle.tryWriting { socket throws(Errno) in
      let rest = elements[first..<first + count]
      var sent: Int?
      do throws(Errno) {
        sent = try send(rest, of: bytes, stride: size, segments: mayCut, to: socket)
      } catch {
        // Pieces too long for the path, which would be sent in fragments; or a device that cannot.
        guard mayCut, count > 1 else { throw error }
        switch error {
        case .invalidArgument, .messageTooLong: break
        case .ioError, .notSupported, .protocolNotAvailable:
          segments.store(false, ordering: .relaxed)
        default: throw error
        }
        sent = try send(rest, of: bytes, stride: size, segments: false, to: socket)
      }
      return sent.map { (value: $0, mayHaveMore: true) }
    }
  }

  /// Sends datagrams of a batch with one call. The closure is written where it is passed: one with
  /// a name of its own would be an allocation each time.
  private func send(
    _ elements: ArraySlice<DatagramBatch.Element>, of bytes: Span<UInt8>, stride: Int,
    segments: Bool, to socket: KernelSocket
  ) throws(Errno) -> Int? {
    let isIPv4 = isConnectedToIPv4.load(ordering: .relaxed)
    let first = elements.startIndex
    return try socket.send(bytes, count: elements.count, segments: segments) { index in
      let element = elements[first + index]
      let start = (first + index) * stride
      var outgoing = KernelSocket.Outgoing(
        to: element.remote?.socketAddress, isIPv6: !(element.remote?.address.isIPv4 ?? isIPv4),
        start..<start + element.count)
      guard !element.options.isDefault else { return outgoing }
      outgoing.source = element.options.source
      outgoing.interfaceIndex = element.options.interfaceIndex
      outgoing.hopLimit = element.options.hopLimit
      outgoing.trafficClass = element.options.trafficClass?.rawValue
      return outgoing
    }
  }

  /// How many datagrams there are before one that no call may send.
  private func sendable(
    _ elements: [DatagramBatch.Element], from first: Int
  ) throws(SocketError.Reason) -> Int {
    for index in first..<elements.count where !elements[index].options.isDefault {
      do throws(SocketError.Reason) {
        _ = try outgoing(to: elements[index].remote, elements[index].options, 0..<0)
      } catch {
        if index == first { throw error }
        return index - first
      }
    }
    return elements.count - first
  }

  // MARK: Receiving

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader> {
    if coalescing.decide(wanted: false) { return try tryReceiveCoalesced(into: &bytes) }
    let room = bytes.count
    return try handle.tryReading { socket throws(Errno) in
      guard let arrival = try socket.receive(into: &bytes) else { return nil }
      return (header(arrival, length: arrival.length, room: room), true)
    }
  }

  /// What is told of a datagram of `length` bytes that came with these facts.
  func header(
    _ arrival: KernelSocket.Arrival, length: Int, room: Int
  ) -> DatagramHeader {
    let destination = SocketAddress(
      arrival.destination ?? local.address, port: local.port, zone: local.zone)
    return DatagramHeader(
      count: min(length, room), isTruncated: length > room,
      source: Endpoint(transport, arrival.source), destination: Endpoint(transport, destination),
      interfaceIndex: arrival.interfaceIndex, hopLimit: arrival.hopLimit,
      trafficClass: TrafficClass(rawValue: arrival.trafficClass))
  }

  func tryReceive(into batch: inout DatagramBatch) throws(SocketError.Reason) -> Attempt<Int> {
    if coalescing.decide(wanted: transport == .udp && batch.capacity > 1) {
      return try tryReceiveCoalesced(into: &batch)
    }
    let stride = batch.maximumSize
    return try batch.fill { bytes, add throws(SocketError.Reason) in
      try handle.tryReading { socket throws(Errno) in
        let count = try socket.receive(into: &bytes, stride: stride) { _, arrival in
          add(header(arrival, length: arrival.length, room: stride))
        }
        return count.map { (value: $0, mayHaveMore: true) }
      }
    }
  }

  func use<Value>(
    _ body: (KernelSocket) throws(Errno) -> Value
  ) throws(SocketError.Reason) -> Value {
    try handle.use(body)
  }

  func tryReading<Value>(
    _ body: (KernelSocket) throws(Errno) -> (value: Value, mayHaveMore: Bool)?
  ) throws(SocketError.Reason) -> Attempt<Value> {
    try handle.tryReading(body)
  }

  func changeMembership(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?,
    on interface: String?
  ) async throws(SocketError.Reason) {
    let index = try KernelSocket.index(of: interface)
    let change: KernelSocket.MembershipChange =
      switch change {
      case .join: .join
      case .leave: .leave
      case .block: .block
      case .unblock: .unblock
      }
    try handle.use { socket throws(Errno) in
      try socket.changeMembership(change, group, from: source, interfaceIndex: index)
    }
  }
}

extension KernelSocket {
  /// The index of an interface; zero where none is named.
  static func index(of interface: String?) throws(SocketError.Reason) -> UInt32 {
    guard let interface else { return 0 }
    guard let index = interfaceIndex(named: interface) else { throw .noSuchInterface(interface) }
    return index
  }

  /// Throws where a socket is to be bound to a device that is not there.
  static func mustExist(_ device: String?) throws(SocketError.Reason) {
    if let device, !device.isEmpty { _ = try index(of: device) }
  }
}
