import BasicContainers
public import Packets
public import ProtocolStack

/// A closed world: hosts with the production stack, imperfect wires between them, virtual time.
///
/// ```
///   take the earliest happening -> time jumps there -> change one host (a packet, its timers, an
///   alarm) -> drain it: its events to its programs, its packets into the wires -> again
/// ```
///
/// The law: one mutation, then drain, then wait. Everything that is left to chance is drawn from
/// the seed, so the same world with the same seed does the same, bit for bit, in any build;
/// ``trace`` says so in sixteen digits.
public struct World: ~Copyable {
  public let seed: UInt64
  public internal(set) var now = Instant.zero
  /// The fingerprint of all frames sent and all events given, with their times.
  public internal(set) var trace = TraceHash()
  /// Looks on, where wished; see ``WireMonitor``. Costs about as much as the stack itself.
  public var monitor: WireMonitor?
  /// Happenings so far.
  public internal(set) var steps = 0
  /// Why the world cannot go on: a host that never comes to rest.
  public internal(set) var breakdown: String?

  var random: RandomSource
  var queue = EventQueue()
  var hosts = UniqueArray<Host>()
  var wires: [Wire] = []
  var pipes: [Pipe] = []
  /// For each pipe the wire it belongs to, the end it starts from or leads to, and which of these.
  var pipeEnds: [PipeEnd] = []
  var flight = Flight()
  var script: [(inout World) -> Void] = []
  var captures: [Capture] = []
  /// Programs that are to be started later.
  var waiting = 0
  /// Happenings since time last moved.
  var stepsThisInstant = 0

  struct PipeEnd {
    var wire: Int
    var end: Int
    var isOutbound: Bool
  }

  public init(seed: UInt64) {
    self.seed = seed
    random = RandomSource(seed: seed)
  }

  /// Adds a host whose secrets are drawn from the seed.
  ///
  /// - Returns: its number.
  public mutating func addHost(
    _ name: String, configuration: StackConfiguration = StackConfiguration()
  ) -> Int {
    var source = random.branch(0x686F_7374 &+ UInt64(hosts.count) &<< 32)
    let secrets = Secrets(source.next(), source.next())
    hosts.append(
      Host(name: name, stack: ProtocolStack(configuration: configuration, secrets: secrets)))
    return hosts.count - 1
  }

  public var hostCount: Int { hosts.count }

  /// The host, to look at or to act on from outside. What an act makes it send leaves with the next
  /// ``settle(_:)`` or ``step()``.
  public subscript(host: Int) -> Host {
    _read { yield hosts[host] }
    _modify { yield &hosts[host] }
  }

  /// Starts a program and lets what it does take effect.
  public mutating func launch(_ application: any Application, on host: Int) {
    hosts[host].launch(application, at: now)
    drain(host)
  }

  /// Starts a program later.
  public mutating func launch(_ application: any Application, on host: Int, at instant: Instant) {
    waiting += 1
    schedule(at: instant) { world in
      world.waiting -= 1
      world.launch(application, on: host)
    }
  }

  /// Does something at a later instant: cuts a wire, mends it, starts a program.
  public mutating func schedule(at instant: Instant, _ action: @escaping (inout World) -> Void) {
    script.append(action)
    queue.add(
      Happening(kind: .action, subject: 0, detail: UInt32(truncatingIfNeeded: script.count - 1)),
      at: max(instant, now))
  }

  /// Programs anywhere that are not finished, those to come included.
  public var unfinished: Int {
    var sum = waiting
    for host in 0..<hosts.count { sum += hosts[host].unfinished }
    return sum
  }

  /// What programs complain of, the world's own breakdown first.
  public var failures: [String] {
    var failures = breakdown.map { [$0] } ?? []
    for host in 0..<hosts.count { failures += hosts[host].failures }
    return failures
  }

  /// Packets on their way.
  public var packetsInFlight: Int { flight.count }
}
