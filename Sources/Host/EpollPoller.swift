import CLinux
public import Packets
public import SystemPackage

/// A ``Poller`` over epoll: adding and removing cost constant time, waiting costs the number of
/// events, not of descriptors.
///
/// Waits have nanosecond limits where the kernel has epoll_pwait2 (5.11); older kernels round up to
/// the millisecond, never down.
public struct EpollPoller: Poller, ~Copyable, Sendable {
  /// The epoll instance, itself pollable by another.
  public let descriptor: Descriptor
  private var events: [clinux_event]
  private var next = 0
  private var end = 0

  /// - Parameter capacity: the most events one wait reports, at least one; the rest come with the
  ///   next wait.
  public init(capacity: Int = 256) throws(SystemError) {
    descriptor = try Syscalls.createEpoll()
    let count = min(max(capacity, 1), 65_536)
    events = Array(repeating: clinux_event(), count: count)
  }

  public mutating func add(
    _ descriptor: borrowing Descriptor, interest: PollInterest, token: UInt64
  ) throws(SystemError) {
    try Syscalls.controlEpoll(
      self.descriptor.fileDescriptor, .add, descriptor.fileDescriptor, interest.epollMask, token)
  }

  public mutating func modify(
    _ descriptor: borrowing Descriptor, interest: PollInterest, token: UInt64
  ) throws(SystemError) {
    try Syscalls.controlEpoll(
      self.descriptor.fileDescriptor, .modify, descriptor.fileDescriptor, interest.epollMask, token)
  }

  public mutating func remove(_ descriptor: borrowing Descriptor) throws(SystemError) {
    try Syscalls.controlEpoll(
      self.descriptor.fileDescriptor, .remove, descriptor.fileDescriptor, 0, 0)
  }

  public mutating func wait(atMost limit: Interval?) throws(SystemError) -> Int {
    let nanoseconds = limit.map { max($0.nanoseconds, 0) } ?? -1
    next = 0
    end = 0
    end = try Syscalls.waitEpoll(descriptor.fileDescriptor, into: &events, nanoseconds: nanoseconds)
    return end
  }

  public mutating func nextEvent() -> PollEvent? {
    guard next < end else { return nil }
    let event = events[next]
    next += 1
    return PollEvent(
      token: event.token, readiness: PollEvent.Readiness(epollMask: event.mask))
  }
}

/// Adds descriptors to an ``EpollPoller`` that another thread waits with. Of use only as long as
/// that poller stands.
public struct EpollRegistrar: Sendable {
  private let poller: FileDescriptor

  fileprivate init(_ poller: FileDescriptor) { self.poller = poller }

  /// Has `descriptor` watched in both directions, each change of its readiness reported once,
  /// beginning with what it is ready for already. Closing it ends that.
  ///
  /// - Throws: `ENOSPC` at the system's limit on watches, `ENOMEM`.
  public func add(_ descriptor: FileDescriptor, token: UInt64) throws(SystemError) {
    let interest: PollInterest = [.readable, .writable, .edgeTriggered]
    try Syscalls.controlEpoll(poller, .add, descriptor, interest.epollMask, token)
  }

  /// Ends that at once. Who closes a descriptor on another thread than the one that waits does this
  /// before: else that thread may hold what is closed for a moment longer, its address included.
  public func remove(_ descriptor: FileDescriptor) throws(SystemError) {
    try Syscalls.controlEpoll(poller, .remove, descriptor, 0, 0)
  }
}

extension EpollPoller {
  /// For those who add descriptors from other threads.
  public var registrar: EpollRegistrar { EpollRegistrar(descriptor.fileDescriptor) }
}

extension PollInterest {
  fileprivate var epollMask: UInt32 {
    var mask = EPOLLRDHUP.rawValue
    if contains(.readable) { mask |= EPOLLIN.rawValue }
    if contains(.writable) { mask |= EPOLLOUT.rawValue }
    if contains(.edgeTriggered) { mask |= EPOLLET.rawValue }
    return mask
  }
}

extension PollEvent.Readiness {
  fileprivate init(epollMask mask: UInt32) {
    self = []
    if mask & EPOLLIN.rawValue != 0 { insert(.readable) }
    if mask & EPOLLOUT.rawValue != 0 { insert(.writable) }
    if mask & EPOLLRDHUP.rawValue != 0 { insert(.remoteClosed) }
    if mask & EPOLLHUP.rawValue != 0 { insert(.hungUp) }
    if mask & EPOLLERR.rawValue != 0 { insert(.failed) }
  }
}
