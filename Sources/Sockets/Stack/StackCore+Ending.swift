import Packets
import ProtocolStack

extension StackCore {
  /// How long streams may take to end when nobody holds the node any more.
  private static var lingerLimit: Interval { .seconds(5) }

  /// Lets the streams end for at most `limit`, then stops the node, and returns.
  func shutdown(within limit: Interval) async {
    guard !isFinished else { return }
    isReleased = true
    lingerDeadline = now + limit
    reactor.nudge()
    await withCheckedContinuation { finishers.append($0) }
  }

  /// Whether a released node has nothing left to deliver, or has taken long enough.
  func mayFinish() -> Bool {
    let now = now
    let deadline = lingerDeadline ?? now + Self.lingerLimit
    lingerDeadline = deadline
    return now >= deadline || !hasUnfinishedStreams
  }

  /// Whether a stream still has something to deliver or to hear. In TIME-WAIT both sides have
  /// heard everything.
  private var hasUnfinishedStreams: Bool {
    var found = false
    stack.forEachConnection { found = found || ($0.state != .timeWait && $0.state != .closed) }
    return found
  }

  func table() -> SocketTable {
    var connections: [TCPConnection.State: Int] = [:]
    stack.forEachConnection { connections[TCPConnection.State($0.state), default: 0] += 1 }
    return SocketTable(
      connections: connections, listeners: stack.socketCount(.tcpListener),
      datagramSockets: stack.socketCount(.udp), echoSockets: stack.socketCount(.echo))
  }

  /// Ends every wait; the reactor comes here no more.
  func finish() {
    isFinished = true
    waiters.close(.failed(.networkDown))
    for finisher in finishers { finisher.resume() }
    finishers = []
    announceAddresses()
  }
}
