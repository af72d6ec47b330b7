import Addresses
import Host
import Packets
import SystemPackage

/// A UDP socket of the kernel's.
final class KernelDatagrams: DatagramImplementation, KernelImplementation {
  let handle: KernelHandle
  private let local: SocketAddress

  init(_ handle: KernelHandle, local: SocketAddress) {
    self.handle = handle
    self.local = local
  }

  func connect(to remote: Endpoint) async throws(SocketError.Reason) {
    _ = try handle.use { socket throws(Errno) in try socket.connect(to: remote.socketAddress) }
  }

  func trySend(
    _ bytes: Span<UInt8>, to remote: Endpoint?
  ) throws(SocketError.Reason) -> Attempt<Void> {
    try handle.tryWriting { socket throws(Errno) in
      try socket.send(bytes, to: remote?.socketAddress) ? ((), true) : nil
    }
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader> {
    let room = bytes.count
    return try handle.tryReading { socket throws(Errno) in
      guard let arrival = try socket.receive(into: &bytes) else { return nil }
      return (header(arrival, room: room), true)
    }
  }

  private func header(_ arrival: KernelSocket.Arrival, room: Int) -> DatagramHeader {
    let destination = SocketAddress(
      arrival.destination ?? local.address, port: local.port, zone: local.zone)
    return DatagramHeader(
      count: min(arrival.length, room), isTruncated: arrival.length > room,
      source: Endpoint(.udp, arrival.source), destination: Endpoint(.udp, destination))
  }

  func tryReceive(into batch: inout DatagramBatch) throws(SocketError.Reason) -> Attempt<Int> {
    let stride = batch.maximumSize
    var headers: [DatagramHeader] = []
    headers.reserveCapacity(batch.capacity)
    let attempt: Attempt<Int>
    do {
      var bytes = batch.storage.mutableSpan
      attempt = try handle.tryReading { socket throws(Errno) in
        let count = try socket.receive(into: &bytes, stride: stride) {
          headers.append(header($0, room: stride))
        }
        return count.map { (value: $0, mayHaveMore: true) }
      }
    }
    for header in headers { batch.add(header) }
    return attempt
  }

  func trySend(
    _ batch: borrowing DatagramBatch, from first: Int
  ) throws(SocketError.Reason) -> Attempt<Int> {
    let count = batch.count - first
    let elements = batch.elements
    let size = batch.maximumSize
    let bytes = batch.storage.span
    return try handle.tryWriting { socket throws(Errno) in
      let sent = try socket.send(bytes, count: count) { index in
        let start = (first + index) * size
        let element = elements[first + index]
        return KernelSocket.Outgoing(
          to: element.remote?.socketAddress, start..<start + element.count)
      }
      return sent.map { (value: $0, mayHaveMore: true) }
    }
  }

  func changeMembership(
    joins: Bool, _ group: IPAddress, from source: IPAddress?, on interface: String?
  ) async throws(SocketError.Reason) {
    let index = try KernelSocket.index(of: interface)
    try handle.use { socket throws(Errno) in
      try socket.changeMembership(joins: joins, group, from: source, interfaceIndex: index)
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
}
