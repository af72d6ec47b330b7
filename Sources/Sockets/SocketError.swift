public import Addresses

/// Why a socket did not do what was asked. Prints as a sentence:
///
/// ```
/// connect to tcp://10.7.0.1:80: connection refused
/// ```
public struct SocketError: Error, Hashable, Sendable {
  /// What was asked.
  public enum Operation: Hashable, Sendable {
    case connect, listen, accept, bind, open
    case read, write, shutdown
    case send, receive
    case configure
    /// To learn the addresses, or what else is known, of a name.
    case resolve(String)
    /// To read a file that is to be sent.
    case readFile(String)
  }

  /// What was asked.
  public var operation: Operation { facts.operation }
  /// This side's address, where it is known.
  public var local: Endpoint? { facts.local }
  /// The other side's, where there is one.
  public var remote: Endpoint? { facts.remote }
  /// The name of a socket between processes, where it is about one.
  public var address: LocalAddress? { facts.address }
  /// Why it was not done.
  public var reason: Reason { facts.reason }

  /// In memory of its own: every call that may throw has room for the error in its frame, and a
  /// waiting task has many frames.
  private let facts: Facts

  private final class Facts: Sendable {
    let operation: Operation
    let local: Endpoint?
    let remote: Endpoint?
    let address: LocalAddress?
    let reason: Reason

    init(
      _ operation: Operation, _ local: Endpoint?, _ remote: Endpoint?, _ address: LocalAddress?,
      _ reason: Reason
    ) {
      self.operation = operation
      self.local = local
      self.remote = remote
      self.address = address
      self.reason = reason
    }
  }

  public init(
    _ operation: Operation, local: Endpoint? = nil, remote: Endpoint? = nil, reason: Reason
  ) {
    facts = Facts(operation, local, remote, nil, reason)
  }

  /// About a socket between processes of this machine.
  public init(_ operation: Operation, address: LocalAddress, reason: Reason) {
    facts = Facts(operation, nil, nil, address, reason)
  }

  public static func == (a: Self, b: Self) -> Bool {
    a.operation == b.operation && a.local == b.local && a.remote == b.remote
      && a.address == b.address && a.reason == b.reason
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(operation)
    hasher.combine(local)
    hasher.combine(remote)
    hasher.combine(address)
    hasher.combine(reason)
  }
}

extension SocketError {
  /// The first thing that stood in the way. Where POSIX has a name for it, it is given.
  public enum Reason: Error, Hashable, Sendable {
    /// The handle was closed on this side (`EBADF`).
    case closed
    /// The task was cancelled while it waited (`ECANCELED`). What was asked may have been done in
    /// part; nothing of it goes on.
    case cancelled
    /// The time allowed for the call is over. What was asked may have been done in part.
    case deadlineExceeded
    /// The text is no endpoint, or the endpoint is of the wrong kind.
    case badEndpoint(String)
    /// The operation does not suit the socket's state or its arguments (`EINVAL`).
    case invalidOperation
    /// The local address and port, or the path, are taken; the group was joined before
    /// (`EADDRINUSE`).
    case addressInUse
    /// No interface of this node has that address, no port is free, or the group was not joined
    /// (`EADDRNOTAVAIL`).
    case addressNotAvailable
    /// The socket speaks the other version of the Internet Protocol (`EAFNOSUPPORT`).
    case addressFamilyNotSupported
    /// No route leads there, or the address is none that a connection can go to (`ENETUNREACH`).
    case networkUnreachable
    /// The neighbour did not answer, or a router said so (`EHOSTUNREACH`).
    case hostUnreachable
    /// Nobody listens there (`ECONNREFUSED`).
    case connectionRefused
    /// The peer gave the connection up (`ECONNRESET`).
    case connectionReset
    /// This side gave the connection up (`ECONNABORTED`).
    case connectionAborted
    /// The peer did not answer, or stopped answering (`ETIMEDOUT`).
    case timedOut
    /// The socket is not connected (`ENOTCONN`).
    case notConnected
    /// The socket is connected already (`EISCONN`). No call of this module's is of that kind; the
    /// kernel may say it.
    case alreadyConnected
    /// This side has ended its direction of the stream, or on Linux the connection was reset before
    /// (`EPIPE`).
    case brokenPipe
    /// More than the protocol, the path or the caller's own limit allows (`EMSGSIZE`).
    case messageTooLong
    /// This kind of node cannot do that (`EOPNOTSUPP`).
    case unsupported
    /// A table or the memory budget is full (`ENOBUFS`).
    case noBufferSpace
    /// A broadcast address without the option that allows it, or a privilege is missing (`EACCES`,
    /// `EPERM`).
    case permissionDenied
    /// The interface is gone or down (`ENETDOWN`).
    case networkDown
    /// The node has no interface of that name (`ENODEV`).
    case noSuchInterface(String)
    /// The peer's stream ended before what was asked for was there.
    case unexpectedEnd
    /// There is no such name.
    case nameNotFound
    /// The name is there, but has nothing of the kind that was asked for.
    case nameHasNoData
    /// No name server gave a usable answer; what the last one did.
    case nameServerFailure(String)
    /// None of several ways worked; why, in the order they were tried.
    case allFailed([SocketError])
    /// The machine refused: its errno, and a sentence that says what to do.
    case system(errno: Int32, String)
  }
}

extension SocketError: CustomStringConvertible {
  public var description: String { "\(phrase): \(reason)" }

  /// The operation and its object: `read from tcp://10.7.0.1:80`.
  private var phrase: String {
    let here = local.map { " on \($0)" } ?? ""
    if let address { return "\(verb) \(address)" }
    return switch operation {
    case .connect: "connect" + (remote.map { " to \($0)" } ?? here)
    case .listen: "listen" + here
    case .accept: "accept" + here
    case .bind: "bind" + (local.map { " to \($0)" } ?? "")
    case .open: "open a network" + here
    case .read: "read" + (remote.map { " from \($0)" } ?? here)
    case .write: "write" + (remote.map { " to \($0)" } ?? here)
    case .shutdown: "shut down" + (remote.map { " the stream to \($0)" } ?? here)
    case .send: "send" + (remote.map { " to \($0)" } ?? here)
    case .receive: "receive" + (remote.map { " from \($0)" } ?? here)
    case .configure: "set the options" + (remote.map { " of the stream to \($0)" } ?? here)
    case .resolve(let name): "resolve \(name)"
    case .readFile(let path): "read \(path)"
    }
  }
}

extension SocketError {
  /// With the word that leads to a local socket's name.
  private var verb: String {
    switch operation {
    case .connect: "connect to"
    case .listen: "listen on"
    case .accept: "accept on"
    case .bind: "bind to"
    case .open: "open"
    case .read, .receive: "read from"
    case .write, .send: "write to"
    case .shutdown: "shut down the stream to"
    case .configure: "set the options of"
    // A local socket's name is not resolved, and no file read for it.
    case .resolve, .readFile: "use"
    }
  }
}

extension SocketError.Reason: CustomStringConvertible {
  public var description: String {
    switch self {
    case .closed: "the socket is closed"
    case .cancelled: "cancelled"
    case .deadlineExceeded: "not done in the time allowed"
    case .badEndpoint(let complaint): complaint
    case .invalidOperation: "invalid in the socket's state or with these arguments"
    case .addressInUse: "address already in use"
    case .addressNotAvailable: "no interface of this node has that address"
    case .addressFamilyNotSupported: "the socket speaks the other IP version"
    case .networkUnreachable: "no route to that network"
    case .hostUnreachable: "no route to that host"
    case .connectionRefused: "connection refused"
    case .connectionReset: "connection reset by the peer"
    case .connectionAborted: "connection aborted"
    case .timedOut: "the peer stopped answering"
    case .notConnected: "not connected"
    case .alreadyConnected: "already connected"
    case .brokenPipe: "this side has ended the stream"
    case .messageTooLong: "message too long"
    case .unsupported: "this kind of node cannot do that"
    case .noBufferSpace: "no buffer space"
    case .permissionDenied: "permission denied"
    case .networkDown: "the network is down"
    case .noSuchInterface(let name): "there is no interface \"\(name)\""
    case .unexpectedEnd: "the peer's stream ended early"
    case .nameNotFound: "there is no such name"
    case .nameHasNoData: "the name has nothing of that kind"
    case .nameServerFailure(let complaint): complaint
    case .allFailed(let errors): errors.map(\.description).joined(separator: "; ")
    case .system(_, let sentence): sentence
    }
  }
}
