public import Addresses
public import Packets
public import ProtocolStack

/// One end of a TCP connection that sends so many bytes of one stream and expects so many of
/// another, each verified where it arrives: the bulk sender, the sink, and all between the two.
///
/// ```
///   connect / accepted -> write and read as the plan's pace allows
///        -> all written: half-close -> all read, end of stream: close -> finished
/// ```
public final class Transfer: Application {
  /// What it does, and how it misbehaves.
  public struct Plan: Sendable {
    /// Bytes to send, of the stream ``sendsFlow``.
    public var sends = 0
    public var sendsFlow: UInt64 = 0
    /// Sends no more from this instant on, however much is left.
    public var stopsSending = Instant.distantFuture
    /// Bytes the peer will send, of the stream ``expectsFlow``; nil: as many as it likes.
    public var expects: Int? = 0
    public var expectsFlow: UInt64 = 0
    /// Bytes of one write call, at most.
    public var writeSize = 65_536
    /// Rests between two writes; zero: writes whenever there is room.
    public var writePause = Interval.zero
    /// Bytes of one read call, at most.
    public var readSize = Host.usualBufferSize
    /// Rests between two reads; zero: reads whenever there is something.
    public var readPause = Interval.zero
    /// Does not read before it has sent everything.
    public var sendsFirst = false
    /// Resets the connection once it has sent so much.
    public var abortsAfterSending: Int?
    /// Resets the connection once it has received so much.
    public var abortsAfterReceiving: Int?
    /// The other end is meant to reset the connection: that is no failure.
    public var toleratesReset = false
    public var options = TCPSocketOptions()

    public init() {}
  }

  public let plan: Plan
  /// Bytes the stack has taken, and bytes read and found right.
  public private(set) var sent = 0
  public private(set) var received = 0
  public private(set) var connectedAt: Instant?
  public private(set) var finishedAt: Instant?
  /// The error the connection ended with.
  public private(set) var error: StackError?
  public private(set) var failure: String?
  /// What the connection knew of its path when all was sent and acknowledged, or it ended.
  public private(set) var information: TCPInfo?

  private let destination: SocketAddress?
  private let source: SocketAddress?
  private let outgoing: BytePattern
  private let incoming: BytePattern
  private var socket: SocketHandle?
  private var hasHalfClosed = false
  private var hasReadAll = false
  private var nextWrite = Instant.zero
  private var nextRead = Instant.zero

  public var isFinished: Bool { finishedAt != nil }

  /// A client that connects.
  public init(to destination: SocketAddress, from source: SocketAddress? = nil, _ plan: Plan) {
    self.destination = destination
    self.source = source
    self.plan = plan
    outgoing = BytePattern(flow: plan.sendsFlow)
    incoming = BytePattern(flow: plan.expectsFlow)
  }

  /// A server's end of a connection it has accepted.
  public init(accepted socket: SocketHandle, _ plan: Plan) {
    destination = nil
    source = nil
    self.socket = socket
    self.plan = plan
    outgoing = BytePattern(flow: plan.sendsFlow)
    incoming = BytePattern(flow: plan.expectsFlow)
  }

  public func start(on host: inout Host, at now: Instant) {
    if let destination {
      do throws(StackError) {
        let socket = try host.stack.connectTCP(
          to: destination, from: source, options: plan.options, at: now)
        self.socket = socket
        host.own(socket)
      } catch {
        fail(error, "connect", on: &host, at: now)
      }
    } else if let socket {
      host.own(socket)
      connectedAt = now
      proceed(on: &host, at: now)
    }
  }

  public func handle(_ event: Event, on host: inout Host, at now: Instant) {
    switch event {
    case .connected:
      connectedAt = now
      proceed(on: &host, at: now)
    case .failed(_, let error): fail(error, "connection", on: &host, at: now)
    case .readable, .writable: proceed(on: &host, at: now)
    case .acceptable, .closed: break
    }
  }

  public func wake(on host: inout Host, at now: Instant) { proceed(on: &host, at: now) }

  /// Does whatever can be done now.
  private func proceed(on host: inout Host, at now: Instant) {
    guard let socket, connectedAt != nil, !isFinished else { return }
    do throws(StackError) {
      try write(socket, on: &host, at: now)
      if !isFinished, !plan.sendsFirst || hasHalfClosed {
        try read(socket, on: &host, at: now)
      }
    } catch {
      fail(error, "transfer", on: &host, at: now)
      return
    }
    guard !isFinished, hasReadAll, hasHalfClosed else { return }
    leave(socket, on: &host, at: now)
    if let expected = plan.expects, received != expected, failure == nil {
      failure = "the stream ended after \(received) of \(expected) bytes"
    }
  }

  private func write(
    _ socket: SocketHandle, on host: inout Host, at now: Instant
  ) throws(StackError) {
    let outgoing = outgoing
    while sent < plan.sends, now < plan.stopsSending {
      if plan.writePause > .zero, now < nextWrite { return }
      let limit = min(plan.writeSize, plan.sends - sent)
      let bytes = outgoing.bytes(at: UInt64(sent), limit: limit)
      let taken = try host.stack.send(socket, bytes, at: now)
      sent += taken
      if let limit = plan.abortsAfterSending, sent >= limit {
        abort(socket, on: &host, at: now)
        return
      }
      if taken < bytes.count { return }
      if plan.writePause > .zero {
        nextWrite = now + plan.writePause
        host.wake(at: nextWrite)
      }
    }
    guard !hasHalfClosed else { return }
    hasHalfClosed = true
    try host.stack.shutdownSend(socket, at: now)
  }

  private func read(
    _ socket: SocketHandle, on host: inout Host, at now: Instant
  ) throws(StackError) {
    var buffer = host.borrowBuffer(of: plan.readSize)
    defer { host.giveBack(buffer) }
    while !hasReadAll {
      if plan.readPause > .zero, now < nextRead { return }
      var target = buffer.mutableSpan
      switch try host.stack.read(socket, into: &target, at: now) {
      case .wouldBlock: return
      case .endOfStream: hasReadAll = true
      case .bytes(let count):
        verify(target.span.extracting(first: count))
        if let limit = plan.abortsAfterReceiving, received >= limit {
          abort(socket, on: &host, at: now)
          return
        }
        if plan.readPause > .zero {
          nextRead = now + plan.readPause
          host.wake(at: nextRead)
        }
      }
    }
  }

  private func verify(_ bytes: Span<UInt8>) {
    let agreed = incoming.agreement(of: bytes, at: UInt64(received))
    received += agreed
    guard agreed < bytes.count, failure == nil else { return }
    failure = "byte \(received) of the stream is not what was sent"
  }

  private func abort(_ socket: SocketHandle, on host: inout Host, at now: Instant) {
    information = host.stack.connectionInfo(socket)
    host.disown(socket)
    host.stack.abort(socket, at: now)
    finishedAt = now
  }

  private func leave(_ socket: SocketHandle, on host: inout Host, at now: Instant) {
    information = host.stack.connectionInfo(socket)
    host.disown(socket)
    host.stack.close(socket, at: now)
    finishedAt = now
  }

  private func fail(
    _ error: StackError, _ operation: String, on host: inout Host, at now: Instant
  ) {
    self.error = error
    if !plan.toleratesReset, failure == nil {
      failure =
        "\(operation): \(error), \(sent) of \(plan.sends) bytes sent, "
        + "\(received) of \(plan.expects ?? received) received"
    }
    if let socket { leave(socket, on: &host, at: now) } else { finishedAt = now }
  }
}
