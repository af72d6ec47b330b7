/// What a socket's owner may want to act on. Pulled with ``ProtocolStack/nextEvent()``.
///
/// Events are edges, not data: after one, read or write until there is nothing more to do. A socket
/// has at most one of each kind waiting, so the queue is bounded by the number of sockets.
public enum Event: Hashable, Sendable {
  /// The handshake is complete.
  case connected(SocketHandle)
  /// Data, a datagram, the end of the stream or an error waits to be read.
  case readable(SocketHandle)
  /// There is room to write again after a write took less than everything.
  case writable(SocketHandle)
  /// A listener has a connection to accept.
  case acceptable(SocketHandle)
  /// The connection is over because of an error; reads and writes now throw it.
  case failed(SocketHandle, StackError)
  /// The connection has ended in both directions and its closed handle is free.
  case closed(SocketHandle)
}
