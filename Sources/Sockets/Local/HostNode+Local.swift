import Host
import Packets
import SystemPackage

/// Sockets between processes of this machine.
extension HostNode {
  /// Connects to a listener of this machine. Waits only while the listener's backlog is full.
  ///
  /// - Throws: among others ``SocketError/Reason/connectionRefused`` where nobody listens;
  ///   ``SocketError/Reason/system(errno:_:)`` where there is no such file.
  public func connect(
    to remote: LocalAddress, as kind: LocalConnection.Kind = .stream, timeout: Duration? = nil
  ) async throws(SocketError) -> LocalConnection {
    do throws(SocketError.Reason) {
      let deadline = Instant(after: timeout)
      let socket = try open(LocalSocket.Kind(kind))
      let name = try remote.bytes
      // Of the end of a full backlog the kernel tells nobody: one has to try again.
      while !(try socket.use { socket throws(Errno) in try socket.connect(to: name) }) {
        if let deadline, deadline <= HostClock.now() { throw .deadlineExceeded }
        do {
          try await Task.sleep(for: .milliseconds(2))
        } catch {
          throw .cancelled
        }
      }
      try socket.register()
      return try LocalConnection(socket, kind)
    } catch {
      throw SocketError(.connect, address: remote, reason: error)
    }
  }

  /// Waits for connections of processes of this machine. A path must not stand already; it goes
  /// when the listener does.
  public func listen(
    on local: LocalAddress, as kind: LocalConnection.Kind = .stream, backlog: Int = 1024
  ) throws(SocketError) -> LocalListener {
    do throws(SocketError.Reason) {
      let socket = try open(LocalSocket.Kind(kind))
      let name = try local.bytes
      try socket.use { socket throws(Errno) in
        try socket.bind(to: name)
        try socket.listen(backlog: backlog)
      }
      try socket.register()
      return try LocalListener(socket, kind)
    } catch {
      throw SocketError(.listen, address: local, reason: error)
    }
  }

  /// Makes a socket for messages, with a name where others are to answer.
  public func bind(
    _ local: LocalAddress
  ) throws(SocketError) -> LocalDatagramSocket {
    do throws(SocketError.Reason) {
      let socket = try open(.datagram)
      let name = try local.bytes
      if !name.isEmpty {
        try socket.use { socket throws(Errno) in try socket.bind(to: name) }
      }
      try socket.register()
      return try LocalDatagramSocket(socket)
    } catch {
      throw SocketError(.bind, address: local, reason: error)
    }
  }

  /// Makes a connection and its other end (`socketpair`).
  public func connectPair(
    as kind: LocalConnection.Kind = .stream
  ) throws(SocketError) -> (LocalConnection, LocalConnection) {
    do throws(SocketError.Reason) {
      let lease = try running()
      let pair: (LocalSocket, LocalSocket)
      do {
        pair = try LocalSocket.openPair(LocalSocket.Kind(kind))
      } catch {
        throw SocketError.Reason(error)
      }
      let first = try KernelLocalSocket(pair.0, lease)
      let second = try KernelLocalSocket(pair.1, lease)
      try first.register()
      try second.register()
      return (try LocalConnection(first, kind), try LocalConnection(second, kind))
    } catch {
      throw SocketError(.connect, address: .unnamed, reason: error)
    }
  }

  private func open(_ kind: LocalSocket.Kind) throws(SocketError.Reason) -> KernelLocalSocket {
    let lease = try running()
    let socket: LocalSocket
    do {
      socket = try LocalSocket.open(kind)
    } catch {
      throw SocketError.Reason(error)
    }
    return try KernelLocalSocket(socket, lease)
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
