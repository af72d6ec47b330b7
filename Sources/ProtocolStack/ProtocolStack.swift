public import Packets

/// A host's protocol stack: interfaces below, sockets above, and no I/O.
///
/// It is a machine with six verbs, driven by one loop. ``receive(_:on:at:)`` takes a packet from a
/// link; ``advance(to:)`` lets time pass; commands (``connectTCP(to:from:options:at:)``,
/// ``sendDatagram(_:_:to:at:)`` and so on) say what users want. Those change its state and nothing
/// else. What comes of it is pulled: packets with ``nextPacket(for:at:)``, news for users with
/// ``nextEvent()``, and with ``nextDeadline`` the time when the next turn is due.
///
/// ```
///       receive                  commands                  nextPacket
///          |                         |                          ^
///   Ethernet: for us?          TCP | UDP | echo          control, then segments
///          v                         v                   and datagrams in turn
///   ARP | IPv4 | IPv6 -------> sockets -------> IP -----> neighbour -----^
///          |   whole? valid?      |             header     resolved?
///          +--> ICMP errors, echo +--> nextEvent
/// ```
///
/// The law for whoever drives it: one mutation, then pull packets for every interface and events
/// until there are none, then wait. The same calls with the same instants and the same ``Secrets``
/// give the same packets, bit for bit.
///
/// Interface number zero is the loopback interface, which carries `127.0.0.1`, `::1` and everything
/// the stack sends to an address of its own. It needs no driver: what travels there is delivered
/// while packets are pulled and time passes.
public struct ProtocolStack: ~Copyable, Sendable {
  let configuration: StackConfiguration
  var secrets: Secrets
  var counts = StackCounters()
  var names: [String] = []
  var interfaces: Slots<Interface>
  var routes: RoutingTable
  var reassembler: Reassembler
  var limiter: ErrorLimiter
  var paths: PathTable
  var identifications = Identifications()
  var pool: PacketPool
  var udp: SocketTable<UDPSocket>
  /// UDP sockets opened and connected so far.
  var udpSerial: UInt64 = 0
  /// Whether two were ever connected to the same peer from the same place.
  var udpHasRivals = false
  var echoes: SocketTable<EchoSocket>
  var raws: SocketTable<RawSocket>
  var watchers: SocketTable<PacketSocket>
  /// Some raw or packet socket waits for room to send.
  var hasWaitingSenders = false
  var news = EventQueue()
  var tcp: TransmissionControl
  /// The latest instant that was passed in.
  var present = Instant.zero
  /// How many SYN cookies were known to be out, and until when one may come back.
  var cookies: UInt64 = 0
  var cookiesUntil = Instant(nanoseconds: .min)

  /// A stack with its loopback interface and no other. Allocates its tables.
  ///
  /// - Parameters:
  ///   - configuration: limits and habits.
  ///   - secrets: the source of everything unpredictable; two stacks never share one.
  public init(configuration: StackConfiguration = .init(), secrets: Secrets) {
    self.configuration = configuration
    self.secrets = secrets
    interfaces = Slots(
      limit: min(max(configuration.interfaceLimit, 1), 256),
      standIn: Interface(LinkAbilities(mtu: 1_280), configuration: configuration))
    routes = RoutingTable(limit: configuration.routeLimit)
    reassembler = Reassembler(configuration)
    limiter = ErrorLimiter(
      interval: configuration.errorInterval, burst: configuration.errorBurst)
    paths = PathTable(limit: configuration.pathLimit)
    pool = PacketPool(standardLimit: configuration.packetPoolSize)
    udp = SocketTable(limit: configuration.udpSocketLimit, standIn: .standIn)
    echoes = SocketTable(
      limit: configuration.echoSocketLimit,
      standIn: EchoSocket(version: .v6, identifier: 0, local: nil))
    raws = SocketTable(limit: configuration.rawSocketLimit, standIn: .standIn)
    watchers = SocketTable(limit: configuration.packetSocketLimit, standIn: .standIn)
    tcp = TransmissionControl(
      configuration: configuration.tcp, ports: EphemeralPorts(configuration), secrets: secrets)
    addLoopback()
  }

  /// What has come and gone below TCP, and why.
  public var counters: StackCounters {
    var counters = counts
    counters.brokenInvariants = misses
    return counters
  }

  /// The same for TCP.
  public var tcpCounters: TCPCounters {
    var counters = tcp.counters
    counters.brokenInvariants &+= tcp.misses
    return counters
  }

  /// Uses of what no table below TCP has.
  private var misses: UInt64 {
    var sum = interfaces.misses &+ routes.misses &+ reassembler.misses
    sum &+= udp.slots.misses &+ echoes.slots.misses
    sum &+= raws.slots.misses &+ watchers.slots.misses
    for number in numbers {
      sum &+= interfaces[number].addresses.misses &+ interfaces[number].neighbors.entries.misses
      sum &+= interfaces[number].memberships.misses &+ interfaces[number].groups.misses
    }
    return sum
  }

  /// Time never goes back, and never reaches the distant future, which stands for never.
  @inline(__always)
  mutating func observe(_ now: Instant) {
    if now > present { present = min(now, Instant(nanoseconds: .max &- 1)) }
  }

  /// Lets time pass: acts on every timer that has run out by `now`.
  ///
  /// Cost: logarithmic for each timer of TCP, linear in the tables for each of the few others.
  public mutating func advance(to now: Instant) {
    observe(now)
    tcp.advance(to: present)
    if reassembler.deadline <= present { expireDatagrams() }
    for number in numbers {
      advanceNeighbors(number)
      advanceAddresses(number)
      advanceSolicitations(number)
      advanceGroups(number)
    }
    routes.expire(at: present)
    pumpLoopback()
  }

  /// When ``advance(to:)`` is due next: perhaps early, never late. Nothing: never.
  public var nextDeadline: Instant? {
    var earliest = tcp.nextDeadline ?? .distantFuture
    earliest = min(earliest, reassembler.deadline)
    earliest = min(earliest, routes.deadline)
    for number in numbers {
      earliest = min(earliest, interfaces[number].neighbors.deadline)
      earliest = min(earliest, interfaces[number].addressDeadline)
      earliest = min(earliest, interfaces[number].solicitationDeadline)
      earliest = min(earliest, interfaces[number].groupDeadline)
    }
    if hasLoopbackOutput { earliest = min(earliest, present) }
    return earliest == .distantFuture ? nil : earliest
  }

  /// Gives a transmitted packet's memory back, for the next one. Optional.
  public mutating func recycle(_ packet: consuming Packet) { pool.recycle(packet) }
}
