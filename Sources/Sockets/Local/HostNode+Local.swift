import Host
import Packets
import SystemPackage

/// Sockets between processes of this machine.
extension HostNode {
  public func connect(
    to remote: LocalAddress, as kind: LocalConnection.Kind, timeout: Duration?
  ) async throws(SocketError) -> LocalConnection {
    do throws(SocketError.Reason) {
      let deadline = clock.deadline(after: timeout)
      let socket = try open(LocalSocket.Kind(kind))
      let name = try remote.bytes
      var pause = Pause()
      // Of the end of a full backlog the kernel tells nobody: one has to try again.
      while !(try socket.connect(to: name)) {
        try await HostClock.sleep(until: pause.end(from: HostClock.now()), deadline)
      }
      try socket.register()
      return try LocalConnection(socket, kind)
    } catch {
      throw SocketError(.connect, address: remote, reason: error)
    }
  }

  public func listen(
    on local: LocalAddress, as kind: LocalConnection.Kind, backlog: Int
  ) throws(SocketError) -> LocalListener {
    do throws(SocketError.Reason) {
      let socket = try open(LocalSocket.Kind(kind))
      try socket.bind(to: local)
      try socket.listen(backlog: backlog)
      try socket.register()
      return try LocalListener(socket, kind)
    } catch {
      throw SocketError(.listen, address: local, reason: error)
    }
  }

  public func bind(_ local: LocalAddress) throws(SocketError) -> LocalDatagramSocket {
    do throws(SocketError.Reason) {
      let socket = try open(.datagram)
      if local != .unnamed { try socket.bind(to: local) }
      try socket.register()
      return try LocalDatagramSocket(socket)
    } catch {
      throw SocketError(.bind, address: local, reason: error)
    }
  }

  public func connectPair(
    as kind: LocalConnection.Kind
  ) throws(SocketError) -> (LocalConnection, LocalConnection) {
    do throws(SocketError.Reason) {
      let lease = try running()
      let pair: (LocalSocket, LocalSocket)
      do {
        pair = try LocalSocket.openPair(LocalSocket.Kind(kind))
      } catch {
        throw SocketError.Reason(error)
      }
      let first = KernelLocalSocket(pair.0, lease)
      let second = KernelLocalSocket(pair.1, lease)
      try first.register()
      try second.register()
      return (try LocalConnection(first, kind), try LocalConnection(second, kind))
    } catch {
      throw SocketError(.connect, address: .unnamed, reason: error)
    }
  }

  private func open(_ kind: LocalSocket.Kind) throws(SocketError.Reason) -> KernelLocalSocket {
    let lease = try running()
    do {
      return KernelLocalSocket(try LocalSocket.open(kind), lease)
    } catch {
      throw SocketError.Reason(error)
    }
  }
}

extension HostClock {
  /// Sleeps until `time`.
  ///
  /// - Throws: ``SocketError/Reason/deadlineExceeded`` at `deadline`, if that is sooner;
  ///   ``SocketError/Reason/cancelled``.
  fileprivate static func sleep(
    until time: Instant, _ deadline: Instant?
  ) async throws(SocketError.Reason) {
    let end = min(time, deadline ?? time)
    do {
      try await Task.sleep(for: Duration(end.since(now())))
    } catch {
      throw .cancelled
    }
    if let deadline, deadline <= now() { throw .deadlineExceeded }
  }
}

extension LocalSocket.Kind {
  init(_ kind: LocalConnection.Kind) {
    self =
      switch kind {
      case .stream: .stream
      case .packets: .packets
      }
  }
}
