import BasicContainers
import Host
import Packets
import ProtocolStack

extension StackCore: ReactorGuest {
  /// Packets taken in before output is given: one acknowledgment answers a batch.
  private static var packetsPerIntake: Int { 64 }
  /// Bytes taken in before output is given, more or less: few enough to be in the cache still when
  /// the reader copies them out.
  private static var bytesPerIntake: Int { 192 << 10 }
  /// Packets given out in one turn and port.
  private static var packetsPerOutput: Int { 256 }

  nonisolated func watch(with poller: inout EpollPoller) {
    assumeIsolated { core in
      for port in core.ports.indices {
        try? core.ports[port].link.watch(
          with: &poller, token: UInt64(port) + 1, forRoom: false, again: false)
      }
    }
  }

  nonisolated var livesOnEvents: Bool { false }

  /// A link's readiness needs no note: every turn asks every link.
  nonisolated func note(_ event: PollEvent) {}

  nonisolated func takeInput() { assumeIsolated { $0.intake() } }

  nonisolated func giveOutput(with poller: inout EpollPoller) -> GuestState {
    assumeIsolated { $0.output(with: &poller) }
  }

  private func intake() {
    readClock()
    obeyCommands()
    for port in ports.indices { takePackets(from: port) }
    stack.advance(to: now)
    waiters.advance(to: now)
    advanceLocalAlarms()
    announceEvents()
  }

  private func takePackets(from port: Int) {
    guard !ports[port].isGone else { return }
    let interface = ports[port].interface
    let capture = ports[port].capture
    var bytes = 0
    var packets = 0
    while packets < Self.packetsPerIntake, bytes < Self.bytesPerIntake {
      do {
        guard try ports[port].receive() else { return }
      } catch {
        switch error.linkFault {
        case .refused: continue
        case .congested, .down: return
        case .gone:
          ports[port].isGone = true
          return
        }
      }
      packets += 1
      // A batch can take longer than a round trip does.
      if packets % 8 == 0 { readClock() }
      bytes += ports[port].arriving.count
      capture?.record(ports[port].arriving, port: port, isOutgoing: false, at: now)
      stack.receive(&ports[port].arriving, on: interface, at: now)
    }
    isBusy = true
  }

  private func output(with poller: inout EpollPoller) -> GuestState {
    readClock()
    for port in ports.indices {
      givePackets(to: port)
      ports[port].tend(with: &poller, token: UInt64(port) + 1)
      if ports[port].health != ports[port].toldHealth { tellHealth(of: port) }
    }
    if now >= diary.nextLook { tellDrops() }
    announceEvents()
    announceAddresses()
    if hasLostEveryLink || isReleased && mayFinish() {
      finish()
      return .finished
    }
    defer { isBusy = false }
    if isBusy { return .busy }
    return .idle(until: nextDeadline)
  }

  private func givePackets(to port: Int) {
    let interface = ports[port].interface
    let now = now
    var packets = 0
    while packets < Self.packetsPerOutput {
      guard
        let packet = ports[port].delayed.take() ?? stack.nextPacket(for: interface, at: now)
      else { return }
      packets += 1
      switch ports[port].transmit(packet, port: port, at: now) {
      case .sent, .lost: stack.recycle(packet)
      case .full:
        ports[port].delayed = consume packet
        return
      }
    }
    isBusy = true
  }

  /// Resumes the tasks that waited for what has happened.
  private func announceEvents() {
    while let event = stack.nextEvent() {
      switch event {
      case .readable(let socket), .acceptable(let socket):
        waiters.wake(WaitPoint(socket: socket, direction: .reading))
      case .writable(let socket), .connected(let socket):
        waiters.wake(WaitPoint(socket: socket, direction: .writing))
      case .failed(let socket, let error):
        waiters.wake(socket, .failed(SocketError.Reason(error)))
      case .closed(let socket):
        waiters.wake(socket, isEnd: true)
      }
    }
  }

  private var nextDeadline: Instant? {
    var earliest = stack.nextDeadline ?? .distantFuture
    earliest = min(earliest, waiters.nextDeadline() ?? .distantFuture)
    earliest = min(earliest, nextLocalDeadline() ?? .distantFuture)
    earliest = min(earliest, lingerDeadline ?? .distantFuture)
    earliest = min(earliest, diary.deadline(stack))
    return earliest == .distantFuture ? nil : earliest
  }
}

extension NodePort {
  enum Transmission { case sent, full, lost }

  mutating func receive() throws(SystemError) -> Bool { try link.receive(into: &arriving) }

  mutating func transmit(
    _ packet: borrowing Packet, port: Int, at now: Instant
  ) -> Transmission {
    guard !isGone else { return .lost }
    do {
      guard try link.transmit(packet) else { return .full }
      isDown = false
      capture?.record(packet, port: port, isOutgoing: true, at: now)
      return .sent
    } catch {
      switch error.linkFault {
      case .gone: isGone = true
      // A device that is down is read from as one that is quiet.
      case .down: isDown = true
      case .congested, .refused: break
      }
      return .lost
    }
  }

  /// Has the poller tell of what the port now waits for.
  mutating func tend(with poller: inout EpollPoller, token: UInt64) {
    if isGone { return link.stopWatching(with: &poller) }
    let wantsRoom = delayed != nil
    guard wantsRoom != isWatchedForRoom else { return }
    isWatchedForRoom = wantsRoom
    try? link.watch(with: &poller, token: token, forRoom: wantsRoom, again: true)
  }
}
