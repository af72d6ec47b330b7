import Addresses
import Host
import Packets
import ProtocolStack
import Sockets
import Synchronization
import SystemPackage

/// A host of this process for callers that block: one lock around a stack, and a thread for what
/// nobody calls for.
///
/// Whoever calls, works: a call takes the lock, changes the stack, sends what comes of it and wakes
/// whom it concerns, on its own thread and with no hop to another. The node's thread only takes in
/// packets and acts on timers. A call that must wait leaves a ``Gate`` with its socket, lets go of
/// the lock and sleeps. That is why this does not stand on the reactor under the async sockets: its
/// users are tasks on one thread, ours are any threads, and each call of theirs would cost two
/// changes of thread.
final class Node: Sendable {
  let number: Int
  private let state: Mutex<NodeState>
  /// Interrupts the node's thread.
  private let wakeUp: WakeUp

  /// - Parameter hasOwnTime: time passes when it is told to, not with the clock.
  init(
    number: Int, stack: consuming ProtocolStack, ports: consuming PortSet,
    hasOwnTime: Bool = false
  ) throws(SystemError) {
    self.number = number
    wakeUp = try WakeUp()
    state = Mutex(NodeState(stack: stack, ports: ports, hasOwnTime: hasOwnTime))
  }

  /// Starts the thread. It holds the node until ``close()``.
  func start() throws(SystemError) {
    var poller = try EpollPoller(capacity: 64)
    try poller.add(wakeUp.descriptor, interest: .readable, token: 0)
    try state.withLock { state throws(SystemError) in try state.ports.watch(with: &poller) }
    let box = Mutex(poller as EpollPoller?)
    try HostThread.start(name: "sockets-\(number)") { [self] in
      guard let poller = box.withLock({ $0.take() }) else { return }
      run(poller)
    }
  }

  /// Does something to the stack, and then what comes of it.
  func turn<Result: Sendable, Failure: Error>(
    _ body: (inout NodeState) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let (result, mustWake) = state.withLock { state in
      state.readClock()
      let result = Swift.Result(catching: { () throws(Failure) in try body(&state) })
      state.settle()
      return (result, state.isDriverLate())
    }
    if mustWake { nudge() }
    return try result.get()
  }

  /// Has the thread take a turn. Signalling fails only when nobody is left to hear it.
  func nudge() { try? wakeUp.signal() }

  private func run(_ poller: consuming EpollPoller) {
    var poller = poller
    var isBusy = false
    while true {
      let deadline = state.withLock { state -> Instant? in
        state.readClock()
        isBusy = state.intake()
        state.settle()
        state.ports.tend(with: &poller)
        if state.isClosed { return nil }
        return state.sleepUntil(isBusy: isBusy)
      }
      guard let deadline else { return }
      if isBusy { continue }
      _ = try? poller.wait(
        atMost: deadline == .distantFuture ? nil : deadline.since(HostClock.now()))
      while let event = poller.nextEvent() {
        if event.token == 0 { _ = try? wakeUp.clear() }
      }
    }
  }

  /// Resets every connection and ends the thread.
  func close() {
    turn { $0.close() }
    nudge()
  }
}
