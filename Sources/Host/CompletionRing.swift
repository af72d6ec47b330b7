internal import CLinux
public import Packets
internal import Synchronization
public import SystemPackage

/// The kernel's rings of requests and completions (io_uring), and the buffers it receives into.
///
/// One thread owns a ring: the one that enables it, and everything but making one is its alone. It
/// writes requests, hands all of them over with one system call, the same that waits, and drains
/// what has completed:
///
/// ```
/// ring.receive(descriptor, token: 1)
/// try ring.enter(waiting: nil)
/// while let completion = ring.nextCompletion() { … }
/// ```
@safe public struct CompletionRing: ~Copyable, Sendable {
  private nonisolated(unsafe) let ring: OpaquePointer
  /// What ``receive(_:token:)`` fills.
  public let buffers: ReceiveBuffers

  /// Whatever thread makes a ring or enters it is sent a signal, without a handler, some time after
  /// the ring has gone: calls that wait there for a limited time then fail with `EINTR`. So it is
  /// made on a thread that ends (``HostThread/run(name:_:)``).
  ///
  /// - Parameters:
  ///   - requests: how many can be written before they must be handed over.
  ///   - completions: how many can wait to be drained before the kernel must keep them for itself.
  ///   - bufferCount: a power of two up to 32,768.
  ///   - bufferSize: bytes of each.
  /// - Throws: `ENOSYS` or `EPERM` where io_uring is forbidden, `EINVAL` or `EOPNOTSUPP` where the
  ///   kernel is older than 6.1, `ENOMEM`, `EMFILE`.
  public init(
    requests: Int, completions: Int, bufferCount: Int, bufferSize: Int
  ) throws(SystemError) {
    let ring = unsafe clinux_ring_open(UInt32(clamping: requests), UInt32(clamping: completions))
    guard let ring = unsafe ring else { throw SystemError(.last, .createRing) }
    let buffers = unsafe clinux_buffers_open(
      ring, Self.group, UInt32(clamping: bufferCount), UInt32(clamping: bufferSize))
    guard let buffers = unsafe buffers else {
      let reason = Errno.last
      unsafe clinux_ring_close(ring)
      throw SystemError(reason, .createRing)
    }
    unsafe self.ring = ring
    self.buffers = unsafe ReceiveBuffers(buffers, count: bufferCount, size: bufferSize)
  }

  // The buffers go after it: the kernel lets go of them here.
  deinit { unsafe clinux_ring_close(ring) }

  private static let group: UInt16 = 0

  /// Makes the calling thread the owner.
  public func enable() throws(SystemError) {
    guard unsafe clinux_ring_enable(ring) == 0 else { throw SystemError(.last, .createRing) }
  }

  /// Tries on a small ring whether this kernel and whoever restricts it allow all of this.
  public static func probe() throws(SystemError) {
    try HostThread.run(name: "ring") { () throws(SystemError) in
      let ring = try CompletionRing(requests: 4, completions: 8, bufferCount: 2, bufferSize: 64)
      try ring.enable()
      ring.cancel(token: 1)
      try ring.enter(waiting: .zero)
    }
  }

  // MARK: Requests, each with what to tell it by

  /// Receives to ``buffers`` again and again, until the end, an error, or no buffer is left.
  public func receive(_ descriptor: FileDescriptor, token: UInt64) {
    write { unsafe clinux_ring_receive(ring, descriptor.rawValue, Self.group, token) }
  }

  /// Completes when `descriptor` is ready, or has failed; with `again`, each time it becomes so.
  public func poll(
    _ descriptor: FileDescriptor, for interest: PollInterest, again: Bool, token: UInt64
  ) {
    let mask =
      (interest.contains(.readable) ? EPOLLIN.rawValue : 0)
      | (interest.contains(.writable) ? EPOLLOUT.rawValue : 0)
    write { unsafe clinux_ring_poll(ring, descriptor.rawValue, mask, again ? 1 : 0, token) }
  }

  /// Has the request of that token complete with `ECANCELED`, unless it completes otherwise.
  public func cancel(token: UInt64) {
    write { unsafe clinux_ring_cancel(ring, token) }
  }

  /// Where the ring is full, hands over what is in it.
  private func write(_ request: () -> Int32) {
    while request() == 0 {
      guard (try? enter(waiting: .zero)) != nil else { return }
    }
  }

  // MARK: Turns

  /// Whether entering has something to do besides waiting.
  public var isDue: Bool { unsafe clinux_ring_is_due(ring) != 0 }

  /// Hands over all requests, and waits until something has completed, for up to `limit`: nil for
  /// any time, zero not at all. A signal ends the wait too.
  public func enter(waiting limit: Interval?) throws(SystemError) {
    let nanoseconds = limit.map { max($0.nanoseconds, 0) } ?? -1
    guard unsafe clinux_ring_enter(ring, nanoseconds == 0 ? 0 : 1, nanoseconds) == 0 else {
      throw SystemError(.last, .enterRing)
    }
  }

  /// What has become of a request.
  public struct Completion: Sendable {
    public let token: UInt64
    /// What the system call would have answered, or an errno, negated.
    public let result: Int32
    /// The buffer that was filled; to be given back.
    public let buffer: UInt16?
    /// More completions of this request follow.
    public let hasMore: Bool

    public var error: Errno? { result < 0 ? Errno(rawValue: 0 &- result) : nil }
  }

  public func nextCompletion() -> Completion? {
    var next = clinux_completion()
    guard unsafe clinux_ring_next(ring, &next) != 0 else { return nil }
    return Completion(
      token: next.token, result: next.result,
      buffer: Int(next.flags) & Int(CLINUX_RING_HAS_BUFFER) != 0 ? next.buffer : nil,
      hasMore: Int(next.flags) & Int(CLINUX_RING_HAS_MORE) != 0)
  }
}

/// Buffers that the kernel takes from when it has received something, whoever it is for. From any
/// thread.
@safe public final class ReceiveBuffers: Sendable {
  private nonisolated(unsafe) let buffers: OpaquePointer
  private let lock = Mutex(())
  public let count: Int
  /// Bytes of each.
  public let size: Int

  fileprivate init(_ buffers: OpaquePointer, count: Int, size: Int) {
    unsafe self.buffers = buffers
    self.count = count
    self.size = size
  }

  deinit { unsafe clinux_buffers_close(buffers) }

  /// Copies from a buffer to the front of `target`, as much as there is room for.
  ///
  /// - Parameter place: of the bytes in the buffer; what lies outside of it is not copied.
  /// - Returns: how many bytes.
  public func copy(
    _ number: UInt16, _ place: Range<Int>, to target: inout MutableSpan<UInt8>
  ) -> Int {
    let place = place.clamped(to: 0..<size)
    let count = min(place.count, target.count)
    let source = unsafe UnsafeRawBufferPointer(
      start: clinux_buffers_bytes(buffers, number) + place.lowerBound, count: count)
    unsafe target.withUnsafeMutableBytes { unsafe $0.copyMemory(from: source) }
    return count
  }

  /// Gives a buffer back to the kernel.
  public func give(_ number: UInt16) {
    lock.withLock { _ in unsafe clinux_buffers_give(buffers, number) }
  }
}
