public import Addresses
public import Packets
public import ProtocolStack

/// How requests and their answers look.
public struct Exchange: Sendable {
  public var requestSize = 64
  public var responseSize = 64
  /// Transactions per connection; nil: until ``stops``.
  public var count: Int?
  /// No transaction begins at this instant or later.
  public var stops = Instant.distantFuture
  /// Tells streams apart.
  public var flow: UInt64 = 0

  public init() {}

  var requests: BytePattern { BytePattern(flow: flow &* 2) }
  var responses: BytePattern { BytePattern(flow: flow &* 2 &+ 1) }
}

/// Sends a request, waits for the whole answer, notes how long it took, sends the next.
public final class Requester: Application {
  /// From the first byte of each request to the last of its answer.
  public private(set) var latencies: [Interval] = []
  public private(set) var connectedAt: Instant?
  public private(set) var isFinished = false
  public private(set) var failure: String?

  private let destination: SocketAddress
  private let source: SocketAddress?
  private let exchange: Exchange
  private let options: TCPSocketOptions
  private let requests: BytePattern
  private let responses: BytePattern
  private var socket: SocketHandle?
  private var sent = 0
  private var received = 0
  private var requestedAt = Instant.zero

  public init(
    to destination: SocketAddress, from source: SocketAddress? = nil, _ exchange: Exchange,
    options: TCPSocketOptions = TCPSocketOptions()
  ) {
    self.destination = destination
    self.source = source
    self.exchange = exchange
    self.options = options
    requests = exchange.requests
    responses = exchange.responses
    latencies.reserveCapacity(min(exchange.count ?? 4_096, 65_536))
  }

  public func start(on host: inout Host, at now: Instant) {
    do throws(StackError) {
      let socket = try host.stack.connectTCP(
        to: destination, from: source, options: options, at: now)
      self.socket = socket
      host.own(socket)
    } catch {
      fail(error, on: &host, at: now)
    }
  }

  public func handle(_ event: Event, on host: inout Host, at now: Instant) {
    guard let socket, !isFinished else { return }
    do throws(StackError) {
      switch event {
      case .failed(_, let error): throw error
      case .connected:
        connectedAt = now
        requestedAt = now
        try write(socket, on: &host, at: now)
      case .readable, .writable:
        try write(socket, on: &host, at: now)
        try read(socket, on: &host, at: now)
      case .acceptable, .closed: break
      }
    } catch {
      fail(error, on: &host, at: now)
    }
  }

  /// Where the present transaction ends, in the stream of requests and in that of answers.
  private var requestEnd: Int { (latencies.count + 1) * exchange.requestSize }
  private var responseEnd: Int { (latencies.count + 1) * exchange.responseSize }

  private func write(
    _ socket: SocketHandle, on host: inout Host, at now: Instant
  ) throws(StackError) {
    let requests = requests
    while sent < requestEnd {
      let bytes = requests.bytes(at: UInt64(sent), limit: requestEnd - sent)
      let taken = try host.stack.send(socket, bytes, at: now)
      guard taken > 0 else { return }
      sent += taken
    }
  }

  private func read(
    _ socket: SocketHandle, on host: inout Host, at now: Instant
  ) throws(StackError) {
    var buffer = host.borrowBuffer()
    defer { host.giveBack(buffer) }
    while !isFinished {
      var target = buffer.mutableSpan
      switch try host.stack.read(socket, into: &target, at: now) {
      case .wouldBlock: return
      case .endOfStream:
        failure = "the server closed after \(latencies.count) answers"
        finish(on: &host, at: now)
      case .bytes(let count):
        let bytes = target.span.extracting(first: count)
        guard responses.agreement(of: bytes, at: UInt64(received)) == count else {
          failure = "an answer is not what was sent, near byte \(received)"
          finish(on: &host, at: now)
          return
        }
        received += count
        try complete(socket, on: &host, at: now)
      }
    }
  }

  private func complete(
    _ socket: SocketHandle, on host: inout Host, at now: Instant
  ) throws(StackError) {
    guard received >= responseEnd else { return }
    if received > responseEnd { failure = "the server sent more than an answer" }
    latencies.append(now.since(requestedAt))
    if latencies.count == exchange.count || now >= exchange.stops {
      finish(on: &host, at: now)
      return
    }
    requestedAt = now
    try write(socket, on: &host, at: now)
  }

  private func fail(_ error: StackError, on host: inout Host, at now: Instant) {
    failure = "after \(latencies.count) answers: \(error)"
    finish(on: &host, at: now)
  }

  private func finish(on host: inout Host, at now: Instant) {
    if let socket {
      host.disown(socket)
      host.stack.close(socket, at: now)
    }
    isFinished = true
  }
}

/// Reads a whole request, verifies it, answers it; closes when the client has.
public final class Responder: Application {
  public private(set) var answered = 0
  public private(set) var isFinished = false
  public private(set) var failure: String?

  private let exchange: Exchange
  private let requests: BytePattern
  private let responses: BytePattern
  private let socket: SocketHandle
  private var sent = 0
  private var received = 0

  public init(accepted socket: SocketHandle, _ exchange: Exchange) {
    self.socket = socket
    self.exchange = exchange
    requests = exchange.requests
    responses = exchange.responses
  }

  public func start(on host: inout Host, at now: Instant) { proceed(on: &host, at: now) }

  public func handle(_ event: Event, on host: inout Host, at now: Instant) {
    if case .failed(_, let error) = event {
      failure = "after \(answered) answers: \(error)"
      finish(on: &host, at: now)
    } else {
      proceed(on: &host, at: now)
    }
  }

  private func proceed(on host: inout Host, at now: Instant) {
    guard !isFinished else { return }
    var buffer = host.borrowBuffer()
    defer { host.giveBack(buffer) }
    do throws(StackError) {
      while true {
        try answer(on: &host, at: now)
        var target = buffer.mutableSpan
        switch try host.stack.read(socket, into: &target, at: now) {
        case .wouldBlock: return
        case .endOfStream:
          finish(on: &host, at: now)
          return
        case .bytes(let count):
          let bytes = target.span.extracting(first: count)
          if requests.agreement(of: bytes, at: UInt64(received)) < count, failure == nil {
            failure = "a request is not what was sent, near byte \(received)"
          }
          received += count
        }
      }
    } catch {
      failure = "after \(answered) answers: \(error)"
      finish(on: &host, at: now)
    }
  }

  private func answer(on host: inout Host, at now: Instant) throws(StackError) {
    let due = received / exchange.requestSize
    let responses = responses
    while sent < due * exchange.responseSize {
      let rest = due * exchange.responseSize - sent
      let taken = try host.stack.send(
        socket, responses.bytes(at: UInt64(sent), limit: rest), at: now)
      guard taken > 0 else { return }
      sent += taken
    }
    answered = sent / exchange.responseSize
  }

  private func finish(on host: inout Host, at now: Instant) {
    host.disown(socket)
    host.stack.close(socket, at: now)
    isFinished = true
  }
}
