import Addresses
import Host
import Packets
import ProtocolStack
import SystemPackage

/// What is kept of a socket beside what the stack has: where it is in the life that Linux's calls
/// give it, its options by Linux's names, and who waits for it.
struct SocketRecord: Sendable {
  /// The life of a stream socket; a datagram socket is idle or connected.
  enum Phase: Sendable {
    case idle, listening, connecting, connected
    /// The connection failed, before or after it was made, and no call of `connect` has told of it.
    case refused
    /// It was shut down before one did. Linux connects it no more.
    case unconnectable
    /// The connection was reset or timed out.
    case ended
  }

  let isStream: Bool
  /// Of a raw socket.
  let rawProtocol: UInt8?
  /// 4 or 6.
  let family: UInt8
  /// Tells this socket from those that had its place before; zero where the place is vacant.
  let generation: UInt32
  var phase = Phase.idle
  /// The socket in the stack, once there is one.
  var handle: SocketHandle?
  /// Where it was bound, by its user or by necessity: its name, also when its port is free again.
  var bound: SocketAddress?
  /// The port is its own, where `bound` says which.
  var holdsPort = false
  /// It was bound when its connection was over.
  var isBoundAgain = false
  /// Its user named a port, which it keeps (`SOCK_BINDPORT_LOCK`).
  var isPortChosen = false
  /// Its user named an address, which it keeps (`SOCK_BINDADDR_LOCK`).
  var isAddressChosen = false
  /// The socket in the stack is there for the groups alone: to its user it is not bound.
  var isForGroups = false
  /// What a raw socket was connected to by way of a port.
  var rawPort = PortNumber.any
  var groups: [GroupMembership] = []
  var isNonBlocking: Bool
  var options: SocketOptions
  /// What went wrong and was not told yet (`SO_ERROR`).
  var error: Errno?
  var isReadShut = false
  var isWriteShut = false
  /// A call of `connect` has answered with success.
  var isConnectTold = false
  /// Threads to wake when anything changes.
  var waiters: [Gate] = []
  /// Some of them were woken and have not looked yet.
  var hasWoken = false
  /// Epoll instances to tell when anything changes.
  var watchers: [EpollWatcher] = []
  /// Counts the changes, for edge-triggered epoll.
  var edges: UInt64 = 0

  init(
    isStream: Bool, rawProtocol: UInt8? = nil, family: UInt8, generation: UInt32,
    isNonBlocking: Bool, options: SocketOptions
  ) {
    self.isStream = isStream
    self.rawProtocol = rawProtocol
    self.family = family
    self.generation = generation
    self.isNonBlocking = isNonBlocking
    self.options = options
  }

  var isVacant: Bool { generation == 0 }

  /// The wildcard of its family. Raw sockets have their protocol for a port.
  var wildcard: SocketAddress {
    SocketAddress(
      family == 4 ? .v4(.any) : .v6(.any), port: PortNumber(rawValue: UInt16(rawProtocol ?? 0)))
  }

  /// Where a socket is to be from now on, as far as that was chosen.
  var place: SocketAddress? {
    guard let bound, !holdsPort else { return bound }
    return isAddressChosen ? SocketAddress(bound.address, port: .any, zone: bound.zone) : nil
  }

  /// What went wrong, told once.
  mutating func takeError() -> Errno? {
    defer { error = nil }
    return error
  }

  mutating func forget(_ gate: Gate) {
    waiters.removeAll { $0 === gate }
    hasWoken = false
  }

  mutating func changed() {
    edges &+= 1
    for waiter in waiters { waiter.open() }
    hasWoken = !waiters.isEmpty
    for watcher in watchers { watcher.tell() }
  }
}

/// A socket as descriptors name it: a node, a place there, and who filled it.
struct SocketReference: Sendable {
  let node: Node
  let index: Int
  let generation: UInt32
}

extension Errno {
  init(_ error: StackError) {
    self =
      switch error {
      case .noSuchSocket: .badFileDescriptor
      case .invalidOperation: .invalidArgument
      case .addressInUse: .addressInUse
      case .addressNotAvailable: .addressNotAvailable
      case .addressFamilyNotSupported: .addressFamilyNotSupported
      case .networkUnreachable: .networkUnreachable
      case .hostUnreachable: .noRouteToHost
      case .connectionRefused: .connectionRefused
      case .connectionReset: .connectionReset
      case .connectionAborted: .connectionAbort
      case .timedOut: .timedOut
      case .notConnected: .socketNotConnected
      case .alreadyConnected: .socketIsConnected
      case .brokenPipe: .brokenPipe
      case .messageTooLong: .messageTooLong
      case .noBufferSpace: .noBufferSpace
      case .permissionDenied: .permissionDenied
      case .networkDown: .networkDown
      }
  }

  /// Why something does not go somewhere. From an address of IPv6 no way leads to one of IPv4; the
  /// other way round is a mistake.
  init(_ error: StackError, to remote: SocketAddress?) {
    let isIPv4 = remote?.address.mapped.isIPv4Mapped ?? false
    self = error == .addressFamilyNotSupported && isIPv4 ? .networkUnreachable : Errno(error)
  }
}

/// Runs what the stack may refuse, and says so as Linux would.
func refusing<Result: ~Copyable>(
  _ body: () throws(StackError) -> Result
) throws(Errno) -> Result {
  do throws(StackError) {
    return try body()
  } catch {
    throw Errno(error)
  }
}
