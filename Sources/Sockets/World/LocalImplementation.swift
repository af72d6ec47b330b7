package import Packets
package import SystemPackage

/// Behind a ``LocalConnection``, a ``LocalListener`` or a ``LocalDatagramSocket``. A call that does
/// not suit the kind is not made.
package protocol LocalImplementation: SocketImplementation {
  func address(ofPeer: Bool) throws(SocketError.Reason) -> LocalAddress
  func peerCredentials() throws(SocketError.Reason) -> LocalConnection.Credentials
  func tryAccept() throws(SocketError.Reason) -> Attempt<any LocalImplementation>
  /// - Parameter limit: the most descriptors to take.
  func tryReceive(
    into bytes: inout MutableSpan<UInt8>, upTo limit: Int
  ) throws(SocketError.Reason) -> Attempt<LocalMessage>
  /// - Parameter remote: nil for the socket that this one is connected to.
  /// - Returns: bytes taken; of a message all.
  func trySend(
    _ bytes: Span<UInt8>, to remote: LocalAddress?, passing descriptors: [FileDescriptor]
  ) throws(SocketError.Reason) -> Attempt<Int>
  /// Suspends the caller until there may be room for what it sends.
  func waitForRoom(
    at remote: LocalAddress?, until deadline: Instant?, _ patience: inout Patience,
    _ pause: inout Pause
  ) async throws(SocketError.Reason)
  func shutdownSend() throws(SocketError.Reason)
}

extension LocalImplementation {
  func accept(until deadline: Instant?) async throws(SocketError.Reason) -> any LocalImplementation
  {
    try await outlast(.reading, until: deadline, with: .brief, tryAccept())
  }

  func receive(
    into bytes: inout MutableSpan<UInt8>, upTo limit: Int, until deadline: Instant?
  ) async throws(SocketError.Reason) -> LocalMessage {
    try await outlast(
      .reading, until: deadline, with: .brief, tryReceive(into: &bytes, upTo: limit))
  }

  /// Sends all of `bytes`, in parts only where a stream takes them so.
  func send(
    _ bytes: Span<UInt8>, to remote: LocalAddress?, passing descriptors: [FileDescriptor],
    until deadline: Instant?
  ) async throws(SocketError.Reason) {
    var patience = Patience.brief
    var pause = Pause()
    var sent = 0
    var passed = descriptors
    while true {
      let rest = bytes.extracting(droppingFirst: sent)
      if case .done(let count) = try trySend(rest, to: remote, passing: passed) {
        sent += count
        passed = []
        if sent == bytes.count { return }
      } else {
        try await waitForRoom(at: remote, until: deadline, &patience, &pause)
      }
    }
  }
}

/// How long to wait before the next try where nobody tells when it may succeed: each time twice as
/// long, up to a limit.
package struct Pause: Sendable {
  private var next = Interval.milliseconds(1)
  private static let longest = Interval.milliseconds(32)

  package init() {}

  /// When to try again.
  package mutating func end(from now: Instant) -> Instant {
    defer { next = min(next + next, Self.longest) }
    return now + next
  }
}
