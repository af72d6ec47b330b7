import Packets

/// Sockets between the tasks that hold this node, in memory, under names that are this node's own.
extension StackNode {
  public func connect(
    to remote: LocalAddress, as kind: LocalConnection.Kind, timeout: Duration?
  ) async throws(SocketError) -> LocalConnection {
    do throws(SocketError.Reason) {
      let core = lease.core
      let deadline = core.clock.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        let attempt = try core.useLocalSpace { space throws(SocketError.Reason) in
          try space.connect(to: remote, LocalSpace.Kind(kind))
        }
        switch attempt {
        case .connected(let number):
          return try LocalConnection(MemoryLocalSocket(number, lease), kind)
        case .full(let listener):
          try await MemoryLocalRoom(listener, lease).wait(.writing, until: deadline, &patience)
        }
      }
    } catch {
      throw SocketError(.connect, address: remote, reason: error)
    }
  }

  public func listen(
    on local: LocalAddress, as kind: LocalConnection.Kind, backlog: Int
  ) throws(SocketError) -> LocalListener {
    do throws(SocketError.Reason) {
      let number = try lease.core.useLocalSpace { space throws(SocketError.Reason) in
        try space.open(LocalSpace.Kind(kind), named: local, backlog: backlog)
      }
      return try LocalListener(MemoryLocalSocket(number, lease), kind)
    } catch {
      throw SocketError(.listen, address: local, reason: error)
    }
  }

  public func bind(_ local: LocalAddress) throws(SocketError) -> LocalDatagramSocket {
    do throws(SocketError.Reason) {
      let number = try lease.core.useLocalSpace { space throws(SocketError.Reason) in
        try space.open(.datagram, named: local)
      }
      return try LocalDatagramSocket(MemoryLocalSocket(number, lease))
    } catch {
      throw SocketError(.bind, address: local, reason: error)
    }
  }

  public func connectPair(
    as kind: LocalConnection.Kind
  ) throws(SocketError) -> (LocalConnection, LocalConnection) {
    do throws(SocketError.Reason) {
      let pair = try lease.core.useLocalSpace { space throws(SocketError.Reason) in
        try space.pair(LocalSpace.Kind(kind))
      }
      return (
        try LocalConnection(MemoryLocalSocket(pair.0, lease), kind),
        try LocalConnection(MemoryLocalSocket(pair.1, lease), kind)
      )
    } catch {
      throw SocketError(.connect, address: .unnamed, reason: error)
    }
  }
}
