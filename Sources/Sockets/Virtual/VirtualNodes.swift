package import Addresses
import Host
package import Logging
package import Packets
package import ProtocolStack
import Synchronization

/// What carries packets between nodes in virtual time. Called on the nodes' thread alone.
package protocol VirtualFabric: AnyObject, Sendable {
  /// Puts what arrives up to now into the nodes' incoming wires.
  func deliver(at now: Instant)
  /// Takes what the nodes have sent out of their outgoing wires.
  ///
  /// - Returns: how many packets that were.
  func collect(at now: Instant) -> Int
  /// When the next packet arrives.
  var nextArrival: Instant? { get }
}

/// Nodes that share one thread and one virtual time.
///
/// Time moves while something runs: each turn of the thread takes a microsecond of it, so that a
/// task that only yields does not stop it, and one more for each packet, about what they take in
/// reality. When nothing can run, it leaps to the next deadline, arrival or end of a sleep. Outside
/// of ``begin()`` and ``end()`` nothing moves at all, so that what is prepared on other threads
/// takes no time; nor does it while a file is read on one, for nobody knows how long that takes.
package final class VirtualNodes: Sendable {
  private let reactor: Reactor
  private let guest: VirtualGuest

  /// Starts the thread.
  package init(_ fabric: any VirtualFabric) throws(SocketError) {
    let time = VirtualTime()
    do throws(SystemError) {
      reactor = try Reactor(name: "simulation", virtualTime: time)
    } catch {
      throw SocketError(opening: error)
    }
    guest = VirtualGuest(reactor, time, fabric)
    let reactor = reactor
    // Its clock holds the time, which must not keep it and its thread.
    time.whenSleeping { [weak reactor] in reactor?.nudge() }
    reactor.attach(guest)
  }

  deinit { guest.release() }

  package var executor: any TaskExecutor { reactor }
  package var clock: NodeClock { reactor.clock }
  package var now: Instant { reactor.clock.moment }

  /// Lets time pass. To be called on the executor; each call needs its ``end()``.
  package func begin() { guest.begin() }

  package func end() { guest.end() }

  /// Adds a node with one interface.
  package func addNode(
    _ name: String, _ secrets: Secrets, _ link: consuming NodeLink, addresses: [Prefix],
    configuration: StackConfiguration = StackConfiguration(), logger: Logger? = nil
  ) throws(SocketError) -> StackNode {
    var builder = StackBuilder(
      configuration: configuration, secrets: secrets, logger: logger ?? .silent)
    _ = try builder.attach(link, addresses: addresses, at: now)
    let core = builder.build(on: reactor, name: name)
    guest.add(core)
    return StackNode(core, isDriven: true)
  }
}

/// What the thread of ``VirtualNodes`` drives.
private final class VirtualGuest: ReactorGuest {
  private struct State {
    var cores: [StackCore] = []
    /// Programs that are running.
    var runs = 0
    /// Sent in the last turn.
    var packets = 0
    var isReleased = false
  }

  private let reactor: Reactor
  private let time: VirtualTime
  private let fabric: any VirtualFabric
  private let state = Mutex(State())

  init(_ reactor: Reactor, _ time: VirtualTime, _ fabric: any VirtualFabric) {
    self.reactor = reactor
    self.time = time
    self.fabric = fabric
  }

  func add(_ core: StackCore) {
    state.withLock { $0.cores.append(core) }
    reactor.nudge()
  }

  func begin() { change { $0.runs += 1 } }
  func end() { change { $0.runs -= 1 } }
  /// Without the nodes' owner their ends may take place.
  func release() { change { $0.isReleased = true } }

  private func change(_ body: (inout sending State) -> Void) {
    state.withLock { body(&$0) }
    reactor.nudge()
  }

  private var isMoving: Bool {
    !time.isHeld && state.withLock { $0.runs > 0 || $0.isReleased }
  }
  private var cores: [StackCore] { state.withLock { $0.cores } }

  var livesOnEvents: Bool { false }
  func watch(with poller: inout EpollPoller) {}
  func note(_ event: PollEvent) {}

  func takeInput() {
    guard isMoving else { return }
    let work = state.withLock { 1 + $0.packets }
    time.advance(to: time.now + .microseconds(Int64(work)))
    fabric.deliver(at: time.now)
    time.wakeSleepers()
    for core in cores { core.takeInput() }
  }

  func giveOutput(with poller: inout EpollPoller) -> GuestState {
    guard isMoving else { return .idle(until: nil) }
    var isBusy = false
    var earliest = Instant.distantFuture
    for core in cores {
      switch core.giveOutput(with: &poller) {
      case .busy: isBusy = true
      case .idle(let deadline): earliest = min(earliest, deadline ?? .distantFuture)
      case .finished: state.withLock { $0.cores.removeAll { $0 === core } }
      }
    }
    let packets = fabric.collect(at: time.now)
    state.withLock { $0.packets = packets }
    if isBusy { return .busy }
    if state.withLock({ $0.isReleased && $0.cores.isEmpty }) { return .finished }
    earliest = min(earliest, fabric.nextArrival ?? .distantFuture)
    earliest = min(earliest, time.nextDeadline ?? .distantFuture)
    return .idle(until: earliest == .distantFuture ? nil : earliest)
  }
}

extension VirtualNodes {
  /// A seed that nobody has chosen.
  package static func drawSeed() throws(SocketError) -> UInt64 {
    do {
      return try HostRandom.uint64()
    } catch {
      throw SocketError(opening: error)
    }
  }
}
