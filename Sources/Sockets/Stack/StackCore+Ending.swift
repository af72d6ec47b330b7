import BasicContainers
import Packets
import ProtocolStack

extension StackCore {
  /// How long streams may take to end when nobody holds the node any more.
  private static var lingerLimit: Interval { .seconds(5) }

  /// How long the links may take for the last packets, resets among them.
  private static var farewellLimit: Interval { .seconds(1) }

  /// Lets the streams end for at most `limit`, then resets those that have not, stops the node, and
  /// returns.
  func shutdown(within limit: Interval) async {
    guard !isFinished else { return }
    isReleased = true
    lingerDeadline = now + limit
    reactor.nudge()
    await withCheckedContinuation { finisher in
      // The runtime may have let the last turn pass on the way here.
      if isFinished { finisher.resume() } else { finishers.append(finisher) }
    }
  }

  /// Whether a released node has nothing left to deliver, or has taken long enough.
  func mayFinish() -> Bool {
    let now = now
    let deadline = lingerDeadline ?? now + Self.lingerLimit
    lingerDeadline = deadline
    if now >= deadline {
      if isGivingUp { return true }
      isGivingUp = true
      tellResets(unfinishedStreams)
      lingerDeadline = now + Self.farewellLimit
    }
    if unfinishedStreams > 0 {
      guard isGivingUp else { return false }
      // RFC 9293 §3.10.5: the peers of what is given up are told, in the turns that follow.
      _ = stack.abortConnections(because: .networkDown, at: now)
      isBusy = true
    }
    return !isBusy && !isLinkFull
  }

  /// Whether the node's devices were all deleted under it: nothing can reach it any more.
  var hasLostEveryLink: Bool { !ports.isEmpty && ports.indices.allSatisfy { ports[$0].isGone } }

  /// Whether a link has yet to take a packet.
  private var isLinkFull: Bool {
    ports.indices.contains { !ports[$0].isGone && ports[$0].delayed != nil }
  }

  /// The streams that still have something to deliver or to hear. In TIME-WAIT both sides have
  /// heard everything.
  private var unfinishedStreams: Int {
    var count = 0
    stack.forEachConnection { if $0.state != .timeWait, $0.state != .closed { count += 1 } }
    return count
  }

  func table() -> SocketTable {
    var connections: [TCPConnection.State: Int] = [:]
    stack.forEachConnection { connections[TCPConnection.State($0.state), default: 0] += 1 }
    return SocketTable(
      connections: connections, listeners: stack.socketCount(.tcpListener),
      datagramSockets: stack.socketCount(.udp), echoSockets: stack.socketCount(.echo))
  }

  func counters() -> (stack: StackCounters, tcp: TCPCounters) {
    (stack.counters, stack.tcpCounters)
  }

  /// Ends every wait; the reactor comes here no more.
  func finish() {
    tellDrops()
    tellEnd(isFault: hasLostEveryLink && !isReleased)
    isFinished = true
    waiters.close(.networkDown)
    useLocalSpace { $0.bringDown() }
    for port in ports.indices { ports[port].link.end() }
    for finisher in finishers { finisher.resume() }
    finishers = []
    announceAddresses()
  }
}
