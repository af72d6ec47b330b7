public import Packets

/// Waits for many descriptors at once.
///
/// One loop owns a poller. It adds each descriptor under a token of its own choosing, waits, and
/// drains the events:
///
/// ```
/// try poller.add(link.descriptor, interest: .readable, token: 1)
/// _ = try poller.wait(atMost: deadline.since(HostClock.now()))
/// while let event = poller.nextEvent() { … }
/// ```
///
/// An event may outlive its descriptor by one drain: who removes or closes a descriptor while
/// draining must recognise its token as stale. Tokens that are never reused make that easy.
public protocol Poller: ~Copyable {
  /// Starts to watch `descriptor`, which must stay open until it is removed.
  mutating func add(
    _ descriptor: borrowing Descriptor, interest: PollInterest, token: UInt64
  ) throws(SystemError)

  /// Replaces the interest and the token of a descriptor added before.
  mutating func modify(
    _ descriptor: borrowing Descriptor, interest: PollInterest, token: UInt64
  ) throws(SystemError)

  /// Stops watching. Closing a descriptor that has no duplicates does the same.
  mutating func remove(_ descriptor: borrowing Descriptor) throws(SystemError)

  /// Waits until something happens, or for `limit`: nil waits without limit, zero and less not at
  /// all. Undrained events of the wait before are forgotten; those still true are reported again,
  /// unless they are edge-triggered.
  ///
  /// - Returns: how many events ``nextEvent()`` will give: zero after the limit, or when a signal
  ///   cut the wait short.
  mutating func wait(atMost limit: Interval?) throws(SystemError) -> Int

  /// The next event of the last wait.
  mutating func nextEvent() -> PollEvent?
}

/// What to watch a descriptor for. Failure and hang-up are always reported.
public struct PollInterest: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  public static let readable = Self(rawValue: 1)
  public static let writable = Self(rawValue: 2)
  /// Report a change once, instead of for as long as it lasts.
  public static let edgeTriggered = Self(rawValue: 4)
}

/// What happened to one descriptor.
public struct PollEvent: Hashable, Sendable {
  /// What a descriptor can be ready for.
  public struct Readiness: OptionSet, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let readable = Self(rawValue: 1)
    public static let writable = Self(rawValue: 2)
    /// The other side will send no more; it may still read.
    public static let remoteClosed = Self(rawValue: 4)
    /// Both directions are finished.
    public static let hungUp = Self(rawValue: 8)
    /// Something failed; the next call on the descriptor says what.
    public static let failed = Self(rawValue: 16)
  }

  /// As given to ``Poller/add(_:interest:token:)``.
  public let token: UInt64
  public let readiness: Readiness

  public init(token: UInt64, readiness: Readiness) {
    self.token = token
    self.readiness = readiness
  }
}
