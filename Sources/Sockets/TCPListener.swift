public import Addresses
import Packets
import Synchronization

/// Takes TCP connections in. Closes when its last reference goes; what it has given out stays.
public final class TCPListener: Sendable {
  /// Where it listens, with the port that was chosen where none was asked for.
  public let local: Endpoint
  let implementation: any ListenerImplementation
  /// Who wants to hear of the close; nil once it has come.
  private let closeObservers = Mutex<[@Sendable () -> Void]?>([])

  package init(local: Endpoint, implementation: any ListenerImplementation) {
    self.local = local
    self.implementation = implementation
  }

  deinit { implementation.close() }

  /// Waits for the next connection. Any number of tasks may wait; each gets another. Cancelled or
  /// out of time, it has taken no connection away. While the kernel has no descriptor or memory for
  /// another, connections stay in the backlog.
  ///
  /// - Throws: ``SocketError/Reason/closed``, and ``SocketError/Reason/networkDown`` when the node
  ///   goes.
  public func accept(timeout: Duration? = nil) async throws(SocketError) -> TCPConnection {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.tryAccept() {
        case .done(let connection): return connection
        case .wouldBlock: try await implementation.wait(.reading, until: deadline, &patience)
        case .elsewhere: return try await implementation.accept(until: deadline)
        }
      }
    } catch {
      throw SocketError(.accept, local: local, reason: error)
    }
  }

  /// The connections as they come. The sequence ends when the listener is closed; cancellation ends
  /// it with an error. Whoever iterates slowly leaves connections in the backlog.
  public var connections: Connections {
    Arrivals { () async throws(SocketError) in try await self.accept() }
  }

  /// The connections of a ``TCPListener``, as they come.
  public typealias Connections = Arrivals<TCPConnection>

  /// Listens no more: waiting calls throw ``SocketError/Reason/closed``, connections not yet
  /// accepted are reset. Returns at once; from any thread, any number of times.
  public func close() {
    implementation.close()
    let observers = closeObservers.withLock { observers in
      defer { observers = nil }
      return observers
    }
    for observer in observers ?? [] { observer() }
  }

  /// Calls `observer` when the listener is closed on this side, at once where it was.
  func whenClosed(_ observer: @escaping @Sendable () -> Void) {
    let isOpen = closeObservers.withLock { observers in
      observers?.append(observer)
      return observers != nil
    }
    if !isOpen { observer() }
  }
}
