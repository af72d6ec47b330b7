import Addresses
import Host
import Packets
import SystemPackage

/// A UDP socket of the kernel's.
final class KernelDatagrams: DatagramImplementation {
  private let handle: KernelHandle
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

  func send(
    _ bytes: Span<UInt8>, to remote: Endpoint?, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    var patience = Patience.lasting
    while true {
      if case .done = try trySend(bytes, to: remote) { return }
      try await wait(.writing, until: deadline, &patience)
    }
  }

  func tryReceive(
    into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<DatagramHeader> {
    let room = bytes.count
    return try handle.tryReading { socket throws(Errno) in
      guard let arrival = try socket.receive(into: &bytes) else { return nil }
      let destination = SocketAddress(
        arrival.destination ?? local.address, port: local.port, zone: local.zone)
      let header = DatagramHeader(
        count: min(arrival.length, room), isTruncated: arrival.length > room,
        source: Endpoint(.udp, arrival.source), destination: Endpoint(.udp, destination))
      return (header, true)
    }
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> DatagramHeader {
    var patience = Patience.lasting
    while true {
      if case .done(let header) = try tryReceive(into: &bytes) { return header }
      try await wait(.reading, until: deadline, &patience)
    }
  }

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) { handle.enlist(waiter, direction) }
  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    handle.wake(number, direction, .cancelled)
  }
  func close() { handle.close() }
}
