/// Why a user's operation failed. Each case has a POSIX twin, named in its documentation.
public enum StackError: UInt8, Error, Sendable {
  /// The handle names no socket any more, or one of another kind (`EBADF`).
  case noSuchSocket
  /// The operation does not suit the socket's state or its arguments (`EINVAL`).
  case invalidOperation
  /// The local address and port are taken (`EADDRINUSE`).
  case addressInUse
  /// No interface has that local address, or no ephemeral port is free (`EADDRNOTAVAIL`).
  case addressNotAvailable
  /// The socket speaks the other version of the Internet Protocol (`EAFNOSUPPORT`).
  case addressFamilyNotSupported
  /// No route leads there (`ENETUNREACH`).
  case networkUnreachable
  /// The neighbour did not answer, or a router said so (`EHOSTUNREACH`).
  case hostUnreachable
  /// The peer answered that nobody listens there (`ECONNREFUSED`).
  case connectionRefused
  /// The peer gave the connection up (`ECONNRESET`).
  case connectionReset
  /// This side gave the connection up (`ECONNABORTED`).
  case connectionAborted
  /// The peer stopped answering (`ETIMEDOUT`).
  case timedOut
  /// The socket is not connected (`ENOTCONN`).
  case notConnected
  /// The socket is connected already, or is about to be (`EISCONN`).
  case alreadyConnected
  /// Writing after this side has closed its direction (`EPIPE`).
  case brokenPipe
  /// A datagram larger than the protocol or the path allows (`EMSGSIZE`).
  case messageTooLong
  /// A table or the memory budget is full (`ENOBUFS`).
  case noBufferSpace
  /// A broadcast address without the option that allows it (`EACCES`).
  case permissionDenied
  /// The interface was removed or is down (`ENETDOWN`).
  case networkDown
}
