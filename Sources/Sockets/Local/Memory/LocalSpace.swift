import DequeModule
import SystemPackage

/// The local sockets of one node of ours: their names, what is on its way between them, and the
/// tasks that wait on them. A value; whoever has it sees to it that one call is made at a time.
///
/// They behave as unix(7) sockets do. What a socket has not yet received is bounded by a limit of
/// bytes and an overhead for each message; whoever sends waits below it.
struct LocalSpace {
  /// A socket, never the same as another's in this space.
  typealias Number = UInt64

  enum Kind: Hashable {
    case stream, packets, datagram

    init(_ kind: LocalConnection.Kind) {
      self =
        switch kind {
        case .stream: .stream
        case .packets: .packets
        }
    }
  }

  /// Where a task waits.
  struct Place: Hashable, Sendable {
    enum Queue: Hashable, Sendable {
      /// Something to receive or to accept.
      case reading
      /// Room to send to the peer.
      case writing
      /// Room at this socket, for others to send to it or to connect.
      case delivering
    }

    let socket: Number
    let queue: Queue
  }

  /// Bytes that wait to be received, and whose they are.
  struct Message {
    var bytes: [UInt8]
    let source: LocalAddress

    /// What it counts for.
    var charge: Int { bytes.count + LocalSpace.overhead }
  }

  struct Socket {
    let kind: Kind
    var name = LocalAddress.unnamed
    var peerName = LocalAddress.unnamed
    /// Who gets what it sends; none once that has closed.
    var peer: Number?
    var messages: Deque<Message> = []
    /// Bytes of the first message that were read already: of a stream.
    var offset = 0
    var charge = 0
    /// Connections that wait to be accepted: a listener's.
    var pending: Deque<Number> = []
    /// How many of them may wait; nil where it does not listen.
    var mostPending: Int?
    /// Nothing more comes.
    var hasEnded = false
    /// Nothing more may be sent.
    var hasShutDown = false
    /// What went wrong, to be told once.
    var failure: SocketError.Reason?
    var reading = WaitQueue()
    var writing = WaitQueue()
    var delivering = WaitQueue()

    /// Whether others may send to it now, or connect.
    var hasRoom: Bool {
      if let mostPending { pending.count < mostPending } else { charge < LocalSpace.limit }
    }

    /// Whether its reader need not wait.
    var isReadable: Bool {
      !messages.isEmpty || !pending.isEmpty || hasEnded || failure != nil
    }
  }

  /// An abstract name belongs to a socket of each kind, a path to one alone.
  private enum Name: Hashable {
    case path(String)
    case abstract(String, Kind)
  }

  /// Bytes that may wait in one socket, as the kernel's default has it (net.core.wmem_default).
  static var limit: Int { 212_992 }
  /// What a message counts for beyond its bytes.
  static var overhead: Int { 256 }
  /// The longest message.
  static var longestMessage: Int { limit - 32 }
  /// The longest backlog (net.core.somaxconn).
  private static var longestBacklog: Int { 4_096 }

  var sockets: [Number: Socket] = [:]
  private var names: [Name: Number] = [:]
  private var lastNumber: Number = 0
  private var lastChosenName: UInt32 = 0
  /// To be woken after the call.
  var woken: [Woken] = []
  /// The node has been stopped.
  private(set) var isDown = false

  /// Why a socket is not there.
  var absence: SocketError.Reason { isDown ? .networkDown : .closed }

  mutating func open(_ kind: Kind) throws(SocketError.Reason) -> Number {
    if isDown { throw .networkDown }
    lastNumber += 1
    sockets[lastNumber] = Socket(kind: kind)
    return lastNumber
  }

  /// - Parameter mostPending: nil where it is not to listen.
  mutating func open(
    _ kind: Kind, named name: LocalAddress, backlog: Int? = nil
  ) throws(SocketError.Reason) -> Number {
    _ = try name.bytes
    var key = Self.key(name, kind)
    var name = name
    if key == nil, backlog != nil {
      name = chooseName(kind)
      key = Self.key(name, kind)
    }
    if let key, names[key] != nil { throw .addressInUse }
    let socket = try open(kind)
    if let key { names[key] = socket }
    sockets[socket]?.name = name
    if let backlog {
      // One more than was asked for, as on Linux; a negative number means as many as may be.
      let most = backlog < 0 ? Self.longestBacklog : min(backlog, Self.longestBacklog)
      sockets[socket]?.mostPending = most + 1
    }
    return socket
  }

  /// Who has that name.
  func find(_ name: LocalAddress, _ kind: Kind) throws(SocketError.Reason) -> Number {
    _ = try name.bytes
    if isDown { throw .networkDown }
    guard let key = Self.key(name, kind) else {
      throw kind == .datagram ? .notConnected : .invalidOperation
    }
    guard let socket = names[key] else {
      if case .path = name { throw SocketError.Reason(.noSuchFileOrDirectory) }
      throw .connectionRefused
    }
    if sockets[socket]?.kind != kind { throw SocketError.Reason(.protocolWrongTypeForSocket) }
    return socket
  }

  private static func key(_ name: LocalAddress, _ kind: Kind) -> Name? {
    switch name {
    case .path(let path): .path(path)
    case .abstract(let name): .abstract(name, kind)
    case .unnamed: nil
    }
  }

  /// Five hexadecimal digits, as unix(7) says of its own choice.
  private mutating func chooseName(_ kind: Kind) -> LocalAddress {
    while true {
      lastChosenName = (lastChosenName + 1) & 0xFFFFF
      let digits = String(lastChosenName, radix: 16)
      let name = String(repeating: "0", count: 5 - digits.count) + digits
      if names[.abstract(name, kind)] == nil { return .abstract(name) }
    }
  }

  // MARK: The end

  /// Gives a socket up: its name is free, whoever waits on it hears that it is closed, its peer
  /// that this was the end, and those who wait to be accepted that they were not.
  mutating func close(_ number: Number) { remove(number, wasAccepted: true, .closed) }

  private mutating func remove(
    _ number: Number, wasAccepted: Bool, _ outcome: WaitOutcome
  ) {
    guard let socket = sockets.removeValue(forKey: number) else { return }
    if let key = Self.key(socket.name, socket.kind), names[key] == number { names[key] = nil }
    release(socket.reading, outcome)
    release(socket.writing, outcome)
    // They look the name up again.
    release(socket.delivering, .happened)
    if let peer = socket.peer {
      // As Linux: what was not read, or not even accepted, makes the end a reset.
      if !socket.messages.isEmpty || !wasAccepted { sockets[peer]?.failure = .connectionReset }
      sockets[peer]?.peer = nil
      sockets[peer]?.hasEnded = true
      sockets[peer]?.hasShutDown = true
      wake(peer)
    }
    for connection in socket.pending { remove(connection, wasAccepted: false, outcome) }
  }

  /// Gives every socket up, for good.
  mutating func bringDown() {
    isDown = true
    for number in sockets.keys.sorted() { remove(number, wasAccepted: true, .networkDown) }
  }
}
