import Addresses
import Host
import Logging
import Packets
import Synchronization
import SystemPackage

/// A TCP listener of the kernel's. While the process or the system has no descriptor left for a
/// connection, it pauses: whoever accepts waits.
final class KernelListener: ListenerImplementation, KernelImplementation {
  let handle: KernelHandle
  private let lease: KernelLease
  private let counters: HostCounters
  /// Connections wait because there was no descriptor or memory for one.
  private let isShort = Atomic(false)

  init(_ handle: KernelHandle, _ lease: KernelLease, _ counters: HostCounters) {
    self.handle = handle
    self.counters = counters
    self.lease = lease
  }

  func tryAccept() throws(SocketError.Reason) -> Attempt<TCPConnection> {
    let attempt = try handle.tryReading { socket throws(Errno) in
      try acceptOrPause(socket).map { (value: $0, mayHaveMore: true) }
    }
    guard case .done(let accepted) = attempt else { return .wouldBlock }
    let stream = KernelStream(accepted.socket, lease, counters)
    let local: SocketAddress
    do {
      local = try accepted.socket.localAddress()
    } catch {
      throw SocketError.Reason(error)
    }
    try stream.handle.register()
    stream.begin { counters.noteAccepted() }
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
      let accepted = try listening.accept()
      if accepted != nil { noteRelief(listening) }
      return accepted
    } catch {
      switch error {
      case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory, .noBufferSpace:
        noteShortage(listening, error)
        lease.core.pause(handle)
        return nil
      default: throw error
      }
    }
  }

  /// Once, however often it is tried again.
  private func noteShortage(_ listening: KernelSocket, _ error: Errno) {
    guard !isShort.exchange(true, ordering: .relaxed) else { return }
    counters.notePause()
    lease.core.logger.warning(
      "no connections are accepted: the system has nothing left for another", error: error,
      metadata: ["local": "\(Self.name(listening))"])
  }

  private func noteRelief(_ listening: KernelSocket) {
    guard isShort.load(ordering: .relaxed), isShort.exchange(false, ordering: .relaxed) else {
      return
    }
    lease.core.logger.notice(
      "connections are accepted again", metadata: ["local": "\(Self.name(listening))"])
  }

  private static func name(_ listening: KernelSocket) -> String {
    (try? listening.localAddress()).map { "\(Endpoint(.tcp, $0))" } ?? "unknown"
  }
}
