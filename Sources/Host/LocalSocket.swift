internal import CLinux
public import SystemPackage

/// The system calls on a socket between processes of this machine (unix(7)): one each, with their
/// errors typed. What would block is an answer, not an error; an interrupted call is repeated.
///
/// It does not own the descriptor. Names are bytes: a path, an abstract name, which begins with a
/// zero, or nothing.
public struct LocalSocket: Sendable {
  public enum Kind: Sendable {
    /// Bytes in order, over a connection.
    case stream
    /// Messages in order, over a connection.
    case packets
    /// Messages, to anybody.
    case datagram

    fileprivate var number: Int32 {
      let number =
        switch self {
        case .stream: CLINUX_LOCAL_STREAM
        case .packets: CLINUX_LOCAL_PACKETS
        case .datagram: CLINUX_LOCAL_DATAGRAM
        }
      return Int32(number)
    }
  }

  public let descriptor: FileDescriptor

  private var number: Int32 { descriptor.rawValue }

  /// The longest name, in bytes.
  public static var longestName: Int { Int(CLINUX_LOCAL_NAME) }
  /// The most descriptors that one message passes.
  public static var mostDescriptors: Int { Int(CLINUX_DESCRIPTORS) }

  public init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// A new socket, non-blocking.
  public static func open(_ kind: Kind) throws(Errno) -> LocalSocket {
    LocalSocket(try .opened(clinux_local_socket(kind.number)))
  }

  /// Two sockets that are connected to each other.
  public static func openPair(_ kind: Kind) throws(Errno) -> (LocalSocket, LocalSocket) {
    var numbers: [2 of Int32] = [0, 0]
    let result = unsafe withUnsafeMutablePointer(to: &numbers) { pointer in
      unsafe pointer.withMemoryRebound(to: Int32.self, capacity: 2) {
        unsafe clinux_local_pair(kind.number, $0)
      }
    }
    try Errno.check(result)
    return (
      LocalSocket(FileDescriptor(rawValue: numbers[0])),
      LocalSocket(FileDescriptor(rawValue: numbers[1]))
    )
  }

  public func bind(to name: [UInt8]) throws(Errno) {
    try Errno.check(unsafe clinux_local_bind(number, name, name.count))
  }

  public func listen(backlog: Int) throws(Errno) {
    try Errno.check(clinux_listen(number, Int32(clamping: backlog)))
  }

  /// - Returns: false where the listener's backlog is full: try again later.
  public func connect(to name: [UInt8]) throws(Errno) -> Bool {
    try Errno.attempt { unsafe clinux_local_connect(number, name, name.count) } != nil
  }

  /// - Returns: nil when no connection waits.
  public func accept() throws(Errno) -> LocalSocket? {
    while true {
      let result = clinux_local_accept(number)
      if result >= 0 { return LocalSocket(FileDescriptor(rawValue: result)) }
      switch Errno.last {
      case .wouldBlock: return nil
      case .interrupted, .connectionAbort: continue
      case let reason: throw reason
      }
    }
  }

  /// This side's name, or the other side's.
  public func name(ofPeer: Bool) throws(Errno) -> [UInt8] {
    var name = [UInt8](repeating: 0, count: Self.longestName)
    let length = unsafe clinux_local_name(number, ofPeer ? 1 : 0, &name)
    guard length >= 0 else { throw .last }
    return Array(name.prefix(length))
  }

  /// Who a process is.
  public struct Credentials: Sendable {
    public let process: Int32
    public let user: UInt32
    public let group: UInt32
  }

  /// Who the other side was when it connected or listened (`SO_PEERCRED`).
  public func peerCredentials() throws(Errno) -> Credentials {
    var credentials = clinux_credentials()
    try Errno.check(unsafe clinux_local_credentials(number, &credentials))
    return Credentials(
      process: credentials.process, user: credentials.user, group: credentials.group)
  }

  public func shutdownSend() throws(Errno) { try Errno.check(clinux_shutdown_send(number)) }

  /// - Parameters:
  ///   - name: who gets it; nothing for the socket it is connected to.
  ///   - descriptors: passed along; the sender keeps its own.
  /// - Returns: bytes taken; nil when there is no room.
  public func send(
    _ bytes: Span<UInt8>, to name: [UInt8], passing descriptors: [FileDescriptor]
  ) throws(Errno) -> Int? {
    let numbers = descriptors.map(\.rawValue)
    return try unsafe Errno.attempt(sending: bytes) {
      unsafe clinux_local_send(
        number, $0, $1, name, name.count, numbers, UInt32(numbers.count))
    }
  }

  /// What came with bytes.
  public struct Arrival: Sendable {
    public let count: Int
    /// The message was longer than the room for it.
    public let isTruncated: Bool
    /// Descriptors were lost: this process may open no more, or there was no room for them.
    public let hasLostDescriptors: Bool
    public let source: [UInt8]
    /// The receiver's to close.
    public let descriptors: [FileDescriptor]
  }

  /// - Parameter limit: the most descriptors to take; more are closed.
  /// - Returns: nil when nothing is there.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, upTo limit: Int
  ) throws(Errno) -> Arrival? {
    var facts = clinux_local_message()
    var name = [UInt8](repeating: 0, count: Self.longestName)
    var numbers = [Int32](repeating: 0, count: min(max(limit, 0), Self.mostDescriptors))
    let capacity = UInt32(numbers.count)
    let count = try unsafe Errno.attempt(filling: &bytes) {
      unsafe clinux_local_receive(number, $0, $1, &name, &numbers, capacity, &facts)
    }
    guard let count else { return nil }
    return Arrival(
      count: count, isTruncated: facts.flags & UInt32(CLINUX_LOCAL_TRUNCATED) != 0,
      hasLostDescriptors: facts.flags & UInt32(CLINUX_LOCAL_DESCRIPTORS_LOST) != 0,
      source: Array(name.prefix(Int(facts.name_length))),
      descriptors: numbers.prefix(Int(facts.descriptor_count)).map {
        FileDescriptor(rawValue: $0)
      })
  }
}
