import Addresses
public import Packets
public import ProtocolStack

/// What a benchmark does: two hosts, one wire, and one kind of work.
public struct BenchmarkPlan: Sendable {
  public enum Workload: String, CaseIterable, Sendable {
    /// The client sends as fast as it may; the server reads and verifies.
    case bulk
    /// Each connection sends a request, waits for the whole answer, sends the next.
    case request
  }

  public var workload = Workload.bulk
  /// Bulk: bytes to send, all connections together.
  public var bytes = 1 << 30
  /// Request: transactions, all connections together.
  public var transactions = 200_000
  /// Ends after so much virtual time instead.
  public var duration: Interval?
  /// At most 60,000: each has a port of its own.
  public var connections = 1
  public var requestSize = 64
  public var responseSize = 64
  public var isIPv6 = false
  /// The interfaces' limit in bytes.
  public var mtu = 1_500
  /// Both ends leave checksums and segmentation to the wire, which passes super-segments whole.
  public var offload = false
  public var congestionControl = CongestionAlgorithm.cubic
  /// Both ways.
  public var conditions = WireConditions()
  public var seed: UInt64 = 1
  /// Whether a ``WireMonitor`` looks on; it costs about as much as the stack.
  public var isMonitored = false

  public init() {}
}

/// A benchmark in virtual time. It knows no other: whoever drives it takes the time that it takes.
///
/// Run it in slices with ``run(steps:)``, look at ``progress`` in between, then ``finish()``.
public struct Benchmark: ~Copyable {
  /// No run lasts longer than this, in virtual time.
  public static var longest: Interval { .seconds(30 * 24 * 3600) }

  public let plan: BenchmarkPlan
  private var world: World
  private let client: Int
  private let server: Int
  private var senders: [Transfer] = []
  private var requesters: [Requester] = []
  private let arrivals = Arrivals()

  /// The server's side of each connection.
  private final class Arrivals {
    var sinks: [Transfer] = []
    var responders: [Responder] = []
  }

  /// Makes the world and starts the programs.
  ///
  /// - Parameter capture: gets a pcapng file of all that is sent, piece by piece.
  public init(
    _ plan: BenchmarkPlan, capture: (([UInt8]) -> Void)? = nil
  ) throws(StackError) {
    var plan = plan
    plan.connections = min(max(plan.connections, 1), 60_000)
    self.plan = plan
    world = World(seed: plan.seed)
    if plan.isMonitored { world.monitor = WireMonitor() }
    var configuration = StackConfiguration()
    configuration.tcp.congestionControl = plan.congestionControl
    client = world.addHost("client", configuration: configuration)
    server = world.addHost("server", configuration: configuration)
    let abilities = LinkAbilities(
      mtu: plan.mtu, checksumOffload: plan.offload,
      segmentationOffload: plan.offload ? 65_535 : 0, receiveCoalescing: plan.offload)
    let wire = try world.connect(
      client, Self.prefixes(1), server, Self.prefixes(2), abilities: abilities,
      conditions: plan.conditions)
    if let capture { world.capture(wire: wire, into: capture) }
    listen()
    for number in 0..<plan.connections { connect(number) }
  }

  /// Lets so much happen.
  ///
  /// - Returns: whether there is more to do.
  public mutating func run(steps: Int) -> Bool {
    for _ in 0..<steps {
      guard world.unfinished > 0, world.run(steps: 1, until: .zero + Self.longest) else {
        return false
      }
    }
    return world.unfinished > 0
  }

  /// How far it has come.
  public struct Progress: Sendable {
    public var virtualTime: Interval
    /// Bytes verified at the server, or transactions completed.
    public var done: Int
    /// Of so many; nil where time decides.
    public var total: Int?
  }

  public var progress: Progress {
    let isBulk = plan.workload == .bulk
    let done =
      isBulk
      ? arrivals.sinks.reduce(0) { $0 + $1.received }
      : requesters.reduce(0) { $0 + $1.latencies.count }
    let total = plan.duration == nil ? (isBulk ? plan.bytes : plan.transactions) : nil
    return Progress(virtualTime: world.now.since(.zero), done: done, total: total)
  }

  private static var port: PortNumber { PortNumber(rawValue: 5_001) }
  /// Connection zero's port at the client.
  private static var firstPort: Int { 5_002 }

  private static func prefixes(_ host: UInt8) -> [Prefix] {
    [
      Prefix(.v4(IPv4Address(10, 0, 0, host)), length: 24),
      Prefix(.v6(IPv6Address(high: 0xFD00_0000_0000_0000, low: UInt64(host))), length: 64),
    ].compactMap { $0 }
  }

  private func address(_ host: UInt8, port: PortNumber) -> SocketAddress {
    SocketAddress(Self.prefixes(host)[plan.isIPv6 ? 1 : 0].address, port: port)
  }

  /// What connection `number` has to do of `total`.
  private func share(of total: Int, _ number: Int) -> Int {
    total / plan.connections + (number < total % plan.connections ? 1 : 0)
  }

  private func transferPlan(_ number: Int) -> Transfer.Plan {
    var transfer = Transfer.Plan()
    transfer.sendsFlow = plan.seed &+ UInt64(number)
    transfer.sends = share(of: plan.bytes, number)
    if let duration = plan.duration {
      transfer.sends = .max
      transfer.stopsSending = .zero + duration
    }
    return transfer
  }

  private func exchange(_ number: Int) -> Exchange {
    var exchange = Exchange()
    exchange.requestSize = max(1, plan.requestSize)
    exchange.responseSize = max(1, plan.responseSize)
    exchange.flow = plan.seed &+ UInt64(number)
    exchange.count = plan.duration == nil ? share(of: plan.transactions, number) : nil
    if let duration = plan.duration { exchange.stops = .zero + duration }
    return exchange
  }

  private mutating func listen() {
    let arrivals = arrivals
    let plans = (0..<plan.connections).map { transferPlan($0) }
    let exchanges = (0..<plan.connections).map { exchange($0) }
    let isBulk = plan.workload == .bulk
    let listener = Server(
      on: address(2, port: Self.port), connections: plan.connections,
      backlog: max(1_024, plan.connections)
    ) { socket, caller, _ in
      let number = min(max(0, Int(caller.port.rawValue) - Self.firstPort), plans.count - 1)
      if isBulk {
        var sink = Transfer.Plan()
        sink.expects = plans[number].stopsSending == .distantFuture ? plans[number].sends : nil
        sink.expectsFlow = plans[number].sendsFlow
        let transfer = Transfer(accepted: socket, sink)
        arrivals.sinks.append(transfer)
        return transfer
      }
      let responder = Responder(accepted: socket, exchanges[number])
      arrivals.responders.append(responder)
      return responder
    }
    world.launch(listener, on: server)
  }

  private mutating func connect(_ number: Int) {
    let source = address(1, port: PortNumber(rawValue: UInt16(Self.firstPort + number)))
    let destination = address(2, port: Self.port)
    switch plan.workload {
    case .bulk:
      let sender = Transfer(to: destination, from: source, transferPlan(number))
      senders.append(sender)
      world.launch(sender, on: client)
    case .request:
      let requester = Requester(to: destination, from: source, exchange(number))
      requesters.append(requester)
      world.launch(requester, on: client)
    }
  }
}

extension Benchmark {
  /// Sums up, waits (in virtual time) until nothing may be left, and looks whether anything is.
  public consuming func finish() -> BenchmarkReport {
    var report = BenchmarkReport()
    let ended = (senders.compactMap(\.finishedAt) + arrivals.sinks.compactMap(\.finishedAt)).max()
    report.virtualTime = (ended ?? world.now).since(.zero)
    report.bytes = arrivals.sinks.reduce(0) { $0 + $1.received }
    report.latencies = requesters.flatMap(\.latencies).sorted()
    report.failures = world.failures
    if world.unfinished > 0 {
      report.failures.append("\(world.unfinished) programs did not come to an end")
    }
    let sent = senders.reduce(0) { $0 + $1.sent }
    if plan.workload == .bulk, report.bytes != sent {
      report.failures.append("\(sent) bytes were sent, \(report.bytes) arrived")
    }
    let known = senders.compactMap(\.information)
    report.minimumRoundTrip = known.compactMap(\.minimumRoundTrip).min()
    let smoothed = known.compactMap(\.roundTrip)
    if !smoothed.isEmpty {
      report.meanRoundTrip = smoothed.reduce(.zero) { $0 + $1 } / Int64(smoothed.count)
    }
    report.timeouts = known.reduce(0) { $0 + $1.timeouts }
    report.happenings = world.steps
    report.trace = world.trace
    world.run(until: world.now + .seconds(300))
    report.wire = world.wireCounters
    world.finishCaptures()
    report.failures += world.monitor?.violations.map(\.description) ?? []
    for host in [client, server] {
      let counters = world[host].stack.tcpCounters
      report.segments += Int(clamping: counters.segmentsSent)
      report.retransmissions += Int(clamping: counters.retransmissions)
      report.badChecksums += Int(clamping: counters.badChecksum)
      let left = world[host].stack.socketCount
      if left > 0 { report.failures.append("\(world[host].name): \(left) sockets are left") }
      let held = world[host].stack.occupancy.bufferBytes
      if held > 0 { report.failures.append("\(world[host].name) still holds \(held) bytes") }
    }
    return report
  }
}

/// What a benchmark found. Times are virtual.
public struct BenchmarkReport: Sendable {
  /// From the first SYN to the end of the last stream.
  public var virtualTime = Interval.zero
  /// Bulk: bytes delivered and verified.
  public var bytes = 0
  /// Request: how long each transaction took, the shortest first.
  public var latencies: [Interval] = []
  /// TCP segments handed to the wire by both ends, and those of them sent again.
  public var segments = 0
  public var retransmissions = 0
  public var timeouts: UInt64 = 0
  public var badChecksums = 0
  public var minimumRoundTrip: Interval?
  public var meanRoundTrip: Interval?
  public var wire = WireCounters()
  public var happenings = 0
  public var trace = TraceHash()
  /// What went wrong; empty: every byte was right, everything ended, nothing is left.
  public var failures: [String] = []

  /// Bits of payload per second of virtual time; zero where no time has passed.
  public var goodput: Double {
    let seconds = Double(virtualTime.nanoseconds) / 1e9
    return seconds > 0 ? Double(bytes) * 8 / seconds : 0
  }

  /// The latency that so many of a thousand transactions did not exceed; nil without any.
  public func latency(perMille: Int) -> Interval? {
    guard !latencies.isEmpty else { return nil }
    let rank = (latencies.count * min(max(perMille, 0), 1_000) + 999) / 1_000
    return latencies[max(rank, 1) - 1]
  }
}
