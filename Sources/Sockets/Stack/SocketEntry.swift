public import Addresses
import Packets
import ProtocolStack

/// One socket of a ``StackNode``, as a table of sockets shows it.
public struct SocketEntry: Hashable, Sendable {
  /// Where it stands.
  public enum State: Hashable, Sendable {
    /// A TCP connection, whether somebody holds it or not.
    case connection(TCPConnection.State)
    /// A TCP listener.
    case listening
    /// A UDP socket that hears everybody.
    case open
    /// A UDP socket that hears one peer.
    case connected
  }

  public let state: State
  /// With TCP or UDP as its transport.
  public let local: Endpoint
  /// nil where it has no peer.
  public let remote: Endpoint?
  /// Bytes that wait to be read, of datagrams with what they take besides; of a listener, the
  /// connections that wait to be accepted.
  public let receiveQueue: Int
  /// Bytes that the peer has not acknowledged; of a listener, the connections that may wait.
  public let sendQueue: Int
}

extension StackNode {
  /// The node's TCP and UDP sockets, one by one: listeners and UDP sockets, then connections. Takes
  /// the node's thread time in proportion to their number.
  public func sockets() async -> [SocketEntry] { await core.sockets() }
}

extension StackCore {
  func sockets() -> [SocketEntry] {
    var entries: [SocketEntry] = []
    stack.forEachSocket { socket, local, remote in
      let queues = stack.queues(socket)
      let transport: TransportProtocol = socket.kind == .udp ? .udp : .tcp
      entries.append(
        SocketEntry(
          state: socket.kind == .udp ? (remote == nil ? .open : .connected) : .listening,
          local: Endpoint(transport, local), remote: remote.map { Endpoint(transport, $0) },
          receiveQueue: queues.receive, sendQueue: queues.send))
    }
    stack.forEachConnection { info in
      entries.append(
        SocketEntry(
          state: .connection(TCPConnection.State(info.state)), local: Endpoint(.tcp, info.local),
          remote: Endpoint(.tcp, info.remote), receiveQueue: info.bytesReadable,
          sendQueue: info.bytesQueued))
    }
    return entries
  }
}
