import Host
import Packets
import SystemPackage

/// A socket of the kernel's between processes, as the public ones hold it.
final class KernelLocalSocket: SocketImplementation {
  private let handle: KernelHandle
  private let lease: KernelLease

  /// - Parameter socket: owned from now on.
  init(_ socket: LocalSocket, _ lease: KernelLease) throws(SocketError.Reason) {
    self.lease = lease
    handle = KernelHandle(KernelSocket(socket.descriptor, isIPv6: false), lease)
  }

  /// Has the kernel report what it is ready for. Once, before anybody waits.
  func register() throws(SocketError.Reason) { try handle.register() }

  func use<Value>(
    _ body: (LocalSocket) throws(Errno) -> Value
  ) throws(SocketError.Reason) -> Value {
    try handle.use { socket throws(Errno) in try body(LocalSocket(socket.descriptor)) }
  }

  func name(ofPeer: Bool) throws(SocketError.Reason) -> LocalAddress {
    LocalAddress(
      bytes: try use { socket throws(Errno) in try socket.name(ofPeer: ofPeer) })
  }

  func accept(_ deadline: Instant?) async throws(SocketError.Reason) -> KernelLocalSocket {
    var patience = Patience.brief
    while true {
      let attempt = try handle.tryReading { socket throws(Errno) in
        (try LocalSocket(socket.descriptor).accept()).map { (value: $0, mayHaveMore: true) }
      }
      if case .done(let accepted) = attempt {
        let socket = try KernelLocalSocket(accepted, lease)
        try socket.register()
        return socket
      }
      try await wait(.reading, until: deadline, &patience)
    }
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, upTo limit: Int, _ deadline: Instant?
  ) async throws(SocketError.Reason) -> LocalSocket.Arrival {
    var patience = Patience.brief
    while true {
      let attempt = try handle.tryReading { socket throws(Errno) in
        (try LocalSocket(socket.descriptor).receive(into: &bytes, upTo: limit)).map {
          (value: $0, mayHaveMore: true)
        }
      }
      if case .done(let arrival) = attempt { return arrival }
      try await wait(.reading, until: deadline, &patience)
    }
  }

  /// Sends all of `bytes`, in parts only where a stream takes them so.
  func send(
    _ bytes: Span<UInt8>, to name: [UInt8], passing descriptors: [FileDescriptor],
    _ deadline: Instant?
  ) async throws(SocketError.Reason) {
    var patience = Patience.brief
    var sent = 0
    var passed = descriptors
    while true {
      let rest = bytes.extracting(droppingFirst: sent)
      let attempt = try handle.tryWriting { socket throws(Errno) in
        (try LocalSocket(socket.descriptor).send(rest, to: name, passing: passed)).map {
          (value: $0, mayHaveMore: true)
        }
      }
      if case .done(let count) = attempt {
        sent += count
        passed = []
        if sent == bytes.count { return }
      } else {
        try await wait(.writing, until: deadline, &patience)
      }
    }
  }

  func enlist(_ waiter: Waiter, _ direction: WaitDirection) { handle.enlist(waiter, direction) }
  func withdraw(waiter number: UInt64, _ direction: WaitDirection) {
    handle.wake(number, direction, .cancelled)
  }

  func close() { handle.close() }

  /// - Returns: whether it was open.
  func closeOnce() -> Bool { handle.close() }
}
