public import Packets
public import ProtocolStack

/// Sends back what it receives, in order, holding at most a buffer of it; closes when the peer has.
public final class Echo: Application {
  public private(set) var echoed = 0
  public private(set) var isFinished = false
  public private(set) var failure: String?
  private let socket: SocketHandle
  private var held: [UInt8] = []
  private var offset = 0

  public init(accepted socket: SocketHandle) { self.socket = socket }

  public func start(on host: inout Host, at now: Instant) { proceed(on: &host, at: now) }

  public func handle(_ event: Event, on host: inout Host, at now: Instant) {
    if case .failed(_, let error) = event {
      failure = "echo: \(error)"
      finish(on: &host, at: now)
    } else {
      proceed(on: &host, at: now)
    }
  }

  private func proceed(on host: inout Host, at now: Instant) {
    guard !isFinished else { return }
    do throws(StackError) {
      repeat {
        guard try empty(into: &host, at: now) else { return }
      } while try fill(from: &host, at: now)
    } catch {
      failure = "echo: \(error)"
      finish(on: &host, at: now)
    }
  }

  /// - Returns: false where the stack did not take all that is held.
  private func empty(into host: inout Host, at now: Instant) throws(StackError) -> Bool {
    var bytes: [UInt8] = []
    swap(&bytes, &held)
    defer { swap(&bytes, &held) }
    while offset < bytes.count {
      let taken = try host.stack.send(
        socket, bytes.span.extracting(droppingFirst: offset), at: now)
      guard taken > 0 else { return false }
      offset += taken
      echoed += taken
    }
    bytes.removeAll(keepingCapacity: true)
    offset = 0
    return true
  }

  /// - Returns: false where there is nothing to write now.
  private func fill(from host: inout Host, at now: Instant) throws(StackError) -> Bool {
    var buffer = host.borrowBuffer()
    defer { host.giveBack(buffer) }
    var target = buffer.mutableSpan
    switch try host.stack.read(socket, into: &target, at: now) {
    case .wouldBlock: return false
    case .endOfStream:
      finish(on: &host, at: now)
      return false
    case .bytes(let count):
      held.append(contentsOf: buffer[0..<count])
      return true
    }
  }

  private func finish(on host: inout Host, at now: Instant) {
    host.disown(socket)
    host.stack.close(socket, at: now)
    isFinished = true
  }
}
