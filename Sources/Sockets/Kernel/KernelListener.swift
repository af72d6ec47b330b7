import Addresses
import Host
import Packets
import SystemPackage

/// A TCP listener of the kernel's. While the process or the system has no descriptor left for a
/// connection, it pauses: whoever accepts waits.
final class KernelListener: ListenerImplementation, KernelImplementation {
  let handle: KernelHandle
  private let lease: KernelLease

  init(_ handle: KernelHandle, _ lease: KernelLease) {
    self.handle = handle
    self.lease = lease
  }

  func tryAccept() throws(SocketError.Reason) -> Attempt<TCPConnection> {
    let attempt = try handle.tryReading { socket throws(Errno) in
      try acceptOrPause(socket).map { (value: $0, mayHaveMore: true) }
    }
    guard case .done(let accepted) = attempt else { return .wouldBlock }
    let stream = KernelStream(accepted.socket, lease)
    let local: SocketAddress
    do {
      local = try accepted.socket.localAddress()
    } catch {
      throw SocketError.Reason(error)
    }
    try stream.handle.register()
    return .done(
      TCPConnection(
        local: Endpoint(.tcp, local), remote: Endpoint(.tcp, accepted.remote),
        implementation: stream))
  }

  /// Who comes when no descriptor is left waits in the backlog: an error would end the program's
  /// loop, and trying again at once would take the time of those who could give one back.
  private func acceptOrPause(
    _ listening: KernelSocket
  ) throws(Errno) -> (socket: KernelSocket, remote: SocketAddress)? {
    do {
      return try listening.accept()
    } catch {
      switch error {
      case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .noBufferSpace:
        lease.core.pause(handle)
        return nil
      default: throw error
      }
    }
  }
}
