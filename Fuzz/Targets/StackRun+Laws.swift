import Addresses
import Packets
import ProtocolStack

/// What must hold after every step, and at the end.
extension StackRun {
  /// Lets time pass.
  mutating func pass(_ interval: Interval) {
    now = now + interval
    stack.advance(to: now)
    settle()
  }

  mutating func passToDeadline() {
    guard let deadline = stack.nextDeadline, deadline.since(now) < .seconds(100_000) else { return }
    now = max(now, deadline)
    stack.advance(to: now)
  }

  /// Takes out everything the stack has to say, and judges it. What is due at once must be done
  /// before long.
  mutating func settle() {
    guard busySteps == 0 else {
      busySteps -= 1
      judge()
      return
    }
    var turns = 0
    repeat {
      pull()
      turns += 1
      precondition(turns < 2_000, "the stack never comes to rest")
    } while goesOn()
    judge()
  }

  /// Lets the neighbour answer, and what is due at once happen.
  ///
  /// - Returns: whether there was any of it, and so perhaps more to pull.
  private mutating func goesOn() -> Bool {
    let waiting = answers
    answers = []
    for answer in waiting { receive(answer, Offload()) }
    guard let deadline = stack.nextDeadline, deadline <= now else { return !waiting.isEmpty }
    stack.advance(to: now)
    return true
  }

  private mutating func pull() {
    var packets = 0
    while let packet = stack.nextPacket(for: interface, at: now) {
      packets += 1
      packetsOut += 1
      bytesOut += UInt64(packet.count)
      precondition(packets < 20_000, "packets without end")
      judge(packet)
      stack.recycle(packet)
    }
    var events = 0
    while stack.nextEvent() != nil {
      events += 1
      precondition(events < 1_000, "events without end")
    }
  }

  /// Limits hold, counters agree with what went in and out, nothing is broken.
  private mutating func judge() {
    let counters = stack.counters
    precondition(counters.packetsReceived == packetsIn)
    precondition(counters.packetsSent == packetsOut && counters.bytesSent == bytesOut)
    let tcp = stack.tcpCounters
    precondition(tcp.brokenInvariants == 0)
    precondition(tcp.retransmissions <= tcp.segmentsSent)
    precondition(counters.datagramsReassembled <= counters.fragmentsReceived)
    let inputs = packetsIn &+ counters.packetsLooped &+ counters.datagramsReassembled
    precondition(inputs <= destinies)

    precondition(stack.socketCount(.tcpConnection) <= configuration.tcp.connectionLimit)
    precondition(stack.socketCount(.tcpListener) <= configuration.tcp.listenerLimit)
    precondition(stack.socketCount(.udp) <= configuration.udpSocketLimit)
    precondition(stack.socketCount(.echo) <= configuration.echoSocketLimit)
    let held = stack.occupancy
    precondition(held.bufferBytes <= configuration.tcp.bufferMemory)
    precondition(held.partialDatagrams <= configuration.reassemblyDatagrams)
    precondition(held.fragmentBytes <= configuration.reassemblyBytes)
    precondition(held.neighbors <= 2 * configuration.neighborLimit)
    precondition(held.unresolvedNeighbors <= 2 * configuration.unresolvedNeighborLimit)
    precondition(held.paths <= configuration.pathLimit)
    precondition(held.routes <= configuration.routeLimit)
    let queues = configuration.outputQueuePackets + configuration.controlQueuePackets
    precondition(held.queuedPackets <= 2 * queues)
    precondition(held.timers <= stack.socketCount(.tcpConnection))
    var connections = 0
    stack.forEachConnection { info in
      connections += 1
      precondition(info.congestionWindow > 0 && info.maximumSegmentSize > 0)
      precondition(info.bytesUnacknowledged >= 0 && info.bytesQueued >= 0)
      precondition(info.bytesReadable >= 0 && info.receiveWindow >= 0)
      precondition(info.bytesReadable <= configuration.tcp.bufferMemory)
      precondition(info.retransmissionTimeout > .zero)
      precondition(info.retransmissionTimeout <= configuration.tcp.maximumRetransmissionTimeout)
    }
    precondition(connections == stack.socketCount(.tcpConnection))
  }

  /// Everything that counts what became of a packet; each is counted at least once.
  var destinies: UInt64 {
    let counters = stack.counters
    var sum = counters.runts &+ counters.foreignFrames &+ counters.unknownEtherTypes
    sum &+= counters.malformed.total &+ counters.martianSources &+ counters.foreignDestinations
    sum &+= counters.sourceRoutes &+ counters.unknownProtocols &+ counters.fragmentsReceived
    sum &+= counters.arpReceived &+ counters.neighborDiscoveryReceived
    sum &+= counters.neighborDiscoveryIgnored &+ counters.echoRequestsAnswered
    sum &+= counters.echoRequestsIgnored &+ counters.echoReplies &+ counters.errorsReceived
    sum &+= counters.icmpIgnored &+ counters.datagramsReceived &+ counters.datagramsToNobody
    sum &+= counters.datagramsBadChecksum &+ counters.datagramsBadPort
    sum &+= counters.receiveBufferDrops &+ counters.membershipQueries
    sum &+= counters.membershipIgnored
    return sum &+ stack.tcpCounters.segmentsReceived
  }

  /// When every socket is given up and every timer has run out, nothing is left.
  mutating func end() {
    busySteps = 0
    acceptEverything()
    for socket in sockets { stack.abort(socket, at: now) }
    settle()
    // The most patient timer: sixteen retransmissions of closed sockets' data, two minutes apart.
    let end = now + .seconds(2_500)
    var turns = 0
    while let deadline = stack.nextDeadline, deadline <= end {
      now = max(now, deadline)
      stack.advance(to: now)
      settle()
      turns += 1
      precondition(turns < 20_000, "timers without end")
    }
    let held = stack.occupancy
    precondition(stack.socketCount == 0, "sockets are left: \(leftovers)")
    precondition(held.timers == 0 && held.bufferBytes == 0, "buffers are left: \(leftovers)")
    precondition(
      held.queuedPackets == 0 && held.partialDatagrams == 0, "packets are left: \(leftovers)")
    precondition(held.fragmentBytes == 0)
  }

  private var leftovers: String {
    var text = ""
    stack.forEachConnection {
      text += "\($0.state) \($0.local) \($0.remote) \($0.failure as Any), "
    }
    stack.forEachSocket { handle, local, _ in text += "\(handle.kind) \(local), " }
    return text + "\(stack.occupancy), next \(stack.nextDeadline as Any) at \(now)"
  }

  private mutating func acceptEverything() {
    for socket in sockets where socket.kind == .tcpListener {
      while let accepted = try? stack.acceptTCP(socket, at: now) { keep(accepted) }
    }
  }
}
