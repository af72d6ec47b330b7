public import Packets
public import ProtocolStack

/// A simulated host: a protocol stack, the programs that use it, and its places on wires.
public struct Host: ~Copyable {
  /// Where an interface of the host is plugged in.
  struct Plug {
    var wire: Int
    var end: Int
    var interface: InterfaceIndex
  }

  /// An alarm a program has set.
  struct Alarm {
    var instant: Instant
    var application: Int
  }

  public let name: String
  public var stack: ProtocolStack
  /// Its timers ring up to so much late, by chance, as on a busy machine.
  public var timerLateness = Interval.zero
  /// Applications that are not finished.
  public private(set) var unfinished = 0

  var plugs: [Plug] = []
  /// The instant the world has promised to look after the timers at.
  var scheduledDeadline = Instant.distantFuture
  var alarms: [Alarm] = []
  private var applications: [any Application] = []
  private var finished: [Bool] = []
  private var owners: [SocketHandle: Int] = [:]
  private var running = 0
  private var scratch: [UInt8] = []

  init(name: String, stack: consuming ProtocolStack) {
    self.name = name
    self.stack = stack
  }

  // MARK: What an application may ask for

  /// Makes the running application the one that hears of this socket.
  public mutating func own(_ socket: SocketHandle) { owners[socket] = running }

  /// The running application hears of this socket no more.
  public mutating func disown(_ socket: SocketHandle) { owners[socket] = nil }

  /// Starts a further application and lets it hear of the socket.
  public mutating func launch(
    _ application: any Application, owning socket: SocketHandle? = nil, at now: Instant
  ) {
    let number = applications.count
    applications.append(application)
    finished.append(false)
    unfinished += 1
    if let socket { owners[socket] = number }
    run(number) { $0.start(on: &$1, at: now) }
  }

  /// Sets an alarm for the running application.
  public mutating func wake(at instant: Instant) {
    alarms.append(Alarm(instant: instant, application: running))
  }

  /// Lends a buffer, to be given back with ``giveBack(_:)``: reading needs the stack and the memory
  /// at the same time. One of the usual size is always the same memory; others are made anew.
  public mutating func borrowBuffer(of size: Int = Host.usualBufferSize) -> [UInt8] {
    guard size == Self.usualBufferSize, !scratch.isEmpty else {
      return [UInt8](repeating: 0, count: max(1, size))
    }
    var buffer: [UInt8] = []
    swap(&buffer, &scratch)
    return buffer
  }

  public mutating func giveBack(_ buffer: consuming [UInt8]) {
    if buffer.count == Self.usualBufferSize { scratch = buffer }
  }

  /// 64 KiB.
  public static var usualBufferSize: Int { 65_536 }

  // MARK: What the world does

  mutating func dispatch(_ event: Event, at now: Instant) {
    guard let number = owners[event.socket] else { return }
    run(number) { $0.handle(event, on: &$1, at: now) }
  }

  mutating func ring(_ number: Int, at now: Instant) {
    run(number) { $0.wake(on: &$1, at: now) }
  }

  /// The complaints of its applications.
  var failures: [String] {
    applications.compactMap { application in
      application.failure.map { "\(name): \($0)" }
    }
  }

  private mutating func run(_ number: Int, _ body: (any Application, inout Host) -> Void) {
    guard applications.indices.contains(number) else { return }
    let outer = running
    running = number
    body(applications[number], &self)
    running = outer
    if !finished[number], applications[number].isFinished {
      finished[number] = true
      unfinished -= 1
    }
  }
}

extension Event {
  /// Whom it is about.
  public var socket: SocketHandle {
    switch self {
    case .connected(let socket), .readable(let socket), .writable(let socket),
      .acceptable(let socket), .failed(let socket, _), .closed(let socket):
      socket
    }
  }

  /// A small number for the kind, for the fingerprint.
  var kindNumber: UInt64 {
    switch self {
    case .connected: 1
    case .readable: 2
    case .writable: 3
    case .acceptable: 4
    case .failed(_, let error): 5 | UInt64(error.rawValue) << 8
    case .closed: 6
    }
  }
}
