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
        try? core.ports[port].watch(with: &poller, number: port)
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
    let interface = ports[port].interface
    let capture = ports[port].capture
    var bytes = 0
    var packets = 0
    while packets < Self.packetsPerIntake, bytes < Self.bytesPerIntake {
      guard ports[port].receive() else { return }
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
      let hasMore = ports[port].givePackets(
        from: &stack, upTo: Self.packetsPerOutput, number: port, at: now)
      if hasMore { isBusy = true }
      ports[port].tend(with: &poller, number: port)
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

  /// Resumes the tasks that waited for what has happened.
  private func announceEvents() {
    while let event = stack.nextEvent() {
      switch event {
      case .readable(let socket), .acceptable(let socket):
        waiters.wake(WaitPoint(socket: socket, direction: .reading))
      case .writable(let socket), .connected(let socket):
        waiters.wake(WaitPoint(socket: socket, direction: .writing))
      case .failed(let socket, let error):
        waiters.wake(socket, .failed(error))
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
