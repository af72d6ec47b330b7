import Host
import Packets
import SystemPackage

/// What the kernel does for a socket before anybody asks for it (a multishot request), and what has
/// come of it so far.
///
/// Taking and dropping are the reactor's; what has come is read from any thread.
protocol WorkAhead: AnyObject, Sendable {
  /// Has the kernel begin.
  func begin(_ descriptor: FileDescriptor, _ token: UInt64, with ring: borrowing CompletionRing)
  /// Takes in what has come.
  ///
  /// - Returns: whether that is enough, so that the kernel is to stop.
  func take(_ completion: CompletionRing.Completion) -> Bool
  /// The socket is ready to be read from, as was asked.
  func becomeReadable()
  /// Whether something has come that nobody has read. From any thread.
  var hasUnread: Bool { get }
  /// Gives back what has come: the socket is closed.
  ///
  /// - Returns: whether there was something.
  func drop() -> Bool
}

/// The part of a node that drives io_uring.
///
/// The ring and its places belong to the reactor's thread; whoever calls sees to being there.
final class RingEngine: Sendable {
  /// What the kernel can be asked to do for a socket, each once at a time.
  enum Request: UInt8, Sendable {
    /// To work ahead. Zero is the token of what needs no answer.
    case ahead = 1
    /// To tell once that there is something to read.
    case readable
    /// To tell once that there is room to write.
    case writable
  }

  /// A socket that the kernel does something for. It is held here meanwhile.
  @safe private struct Place {
    /// Retained once, when it comes here, and not at every look; until ``release()``.
    private let held: Unmanaged<KernelHandle>
    /// Which requests are under way, a bit for each.
    var underWay: UInt8 = 0
    /// The socket is closed as soon as none is.
    var isEnding = false

    init(_ handle: KernelHandle) { unsafe held = Unmanaged.passRetained(handle) }

    @inline(__always)
    func withHandle<Value>(_ body: (KernelHandle) -> Value) -> Value {
      unsafe held._withUnsafeGuaranteedRef(body)
    }

    /// The last that is done with the place.
    func release() -> KernelHandle { unsafe held.takeRetainedValue() }
  }

  private let ring: CompletionRing
  /// Touched on the reactor's thread alone, which the core checks.
  nonisolated(unsafe) private var places: [Place?] = []
  nonisolated(unsafe) private var holes: [Int] = []
  nonisolated(unsafe) private var poller: FileDescriptor?
  /// The poller has told of events that were not looked at.
  nonisolated(unsafe) private var pollerHasEvents = false

  init(_ sizes: RingSizes) throws(SystemError) {
    // The caller's thread would hear of the ring's end.
    ring = try HostThread.run(name: "ring") { () throws(SystemError) in
      try CompletionRing(
        requests: sizes.requests, completions: sizes.completions, bufferCount: sizes.bufferCount,
        bufferSize: sizes.bufferSize)
    }
  }

  /// Where the kernel puts what it has received. From any thread.
  var buffers: ReceiveBuffers { ring.buffers }

  deinit {
    for place in unsafe places { _ = place?.release() }
  }

  // MARK: On the reactor's thread

  /// The token of the reactor's own poller.
  private static let poller = UInt64.max

  /// Begins, and has `sleep` end when `poller` has events.
  func open(watching poller: FileDescriptor) throws(SystemError) {
    try ring.enable()
    unsafe self.poller = poller
    watchPoller()
  }

  private func watchPoller() {
    guard let poller = unsafe poller else { return }
    ring.poll(poller, for: .readable, again: true, token: Self.poller)
  }

  /// Hands over what was asked for, sleeps, and takes in what has completed.
  ///
  /// - Returns: whether the reactor's poller has events.
  func sleep(atMost limit: Interval?) -> Bool {
    if unsafe pollerHasEvents {
      turn(waiting: .zero)
    } else if limit != .zero || ring.isDue {
      turn(waiting: limit)
    }
    defer { unsafe pollerHasEvents = false }
    return unsafe pollerHasEvents
  }

  private func turn(waiting limit: Interval?) {
    guard (try? ring.enter(waiting: limit)) != nil else {
      // The poller's own wait is the way out.
      unsafe pollerHasEvents = true
      return
    }
    while let completion = ring.nextCompletion() {
      if completion.token == Self.poller {
        unsafe pollerHasEvents = true
        if !completion.hasMore { watchPoller() }
      } else {
        note(completion)
      }
    }
  }

  private func note(_ completion: CompletionRing.Completion) {
    let index = Int(truncatingIfNeeded: completion.token >> 2)
    guard let request = Request(rawValue: UInt8(truncatingIfNeeded: completion.token & 3)),
      unsafe places.indices.contains(index), let place = unsafe places[index]
    else { return }
    if !completion.hasMore { unsafe places[index]?.underWay &= ~request.bit }
    place.withHandle { note(completion, of: request, for: $0) }
    if let place = unsafe places[index], place.isEnding, place.underWay == 0 { finish(index) }
  }

  @inline(__always)
  private func note(
    _ completion: CompletionRing.Completion, of request: Request, for handle: KernelHandle
  ) {
    switch request {
    case .ahead:
      if handle.ahead?.take(completion) ?? false, completion.hasMore {
        ring.cancel(token: completion.token)
      }
      handle.note(
        completion.result > 0 || completion.error == nil ? .readable : [.readable, .failed])
    case .readable:
      handle.ahead?.becomeReadable()
      handle.note(.readable)
    case .writable: handle.note(.writable)
    }
  }

  /// Has the kernel do something for a socket, unless it does already or the socket is closed.
  func begin(_ request: Request, for handle: KernelHandle) {
    guard !handle.isGone else { return }
    let index: Int
    if let place = handle.place {
      index = place
    } else if let hole = unsafe holes.popLast() {
      index = hole
      unsafe places[index] = Place(handle)
      handle.place = index
    } else {
      index = unsafe places.count
      unsafe places.append(Place(handle))
      handle.place = index
    }
    guard let underWay = unsafe places[index]?.underWay, underWay & request.bit == 0 else { return }
    unsafe places[index]?.underWay |= request.bit
    let token = UInt64(index) << 2 | UInt64(request.rawValue)
    let descriptor = handle.socket.descriptor
    switch request {
    case .ahead: handle.ahead?.begin(descriptor, token, with: ring)
    case .readable: ring.poll(descriptor, for: .readable, again: false, token: token)
    case .writable: ring.poll(descriptor, for: .writable, again: false, token: token)
    }
  }

  /// Lets go of a socket, and closes it then: the kernel's requests hold it open. At once, as
  /// closing does elsewhere.
  func end(_ handle: KernelHandle) {
    guard let index = handle.place, let underWay = unsafe places[index]?.underWay else {
      return handle.finish()
    }
    unsafe places[index]?.isEnding = true
    if underWay == 0 { return finish(index) }
    for request in [Request.ahead, .readable, .writable] where underWay & request.bit != 0 {
      ring.cancel(token: UInt64(index) << 2 | UInt64(request.rawValue))
    }
    turn(waiting: .zero)
  }

  private func finish(_ index: Int) {
    guard let handle = unsafe places[index]?.release() else { return }
    unsafe places[index] = nil
    unsafe holes.append(index)
    handle.place = nil
    handle.finish()
  }
}

/// How much a node shares with the kernel.
package struct RingSizes: Sendable {
  /// Requests that are written before they must be handed over.
  package var requests = 256
  /// Completions that have room; the kernel keeps what is more.
  package var completions = 4_096
  /// Buffers to receive to, a power of two.
  package var bufferCount = 1_024
  /// Bytes of each.
  package var bufferSize = 4_096

  package init() {}
}

extension RingEngine.Request {
  fileprivate var bit: UInt8 { 1 << rawValue }
}
