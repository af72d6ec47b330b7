import Addresses
public import Packets
public import ProtocolStack

/// A world drawn from a seed: hosts, wires with some kinds of fault, transfers with some kinds of
/// misbehaviour. A failing seed is a bug report.
///
/// Every *kind* of fault is on with probability one half, so that seeds differ in what they combine
/// and not only in how much of it (TigerBeetle calls it swarm testing). The run has three parts:
///
/// ```
///   faults on: bytes must be exact | faults off: all must end, soon | 2 MSL later: nothing is left
/// ```
public struct Scenario: Sendable {
  /// One TCP connection.
  public struct Flow: Sendable {
    public var client: Int
    public var server: Int
    public var isIPv6: Bool
    public var port: UInt16
    public var begins: Interval
    public var clientPlan: Transfer.Plan
    public var serverPlan: Transfer.Plan
  }

  public let seed: UInt64
  public internal(set) var hosts = 2
  public internal(set) var kind = WireKind.direct
  public internal(set) var abilities = LinkAbilities(mtu: 1_500)
  public internal(set) var outbound: [WireConditions] = []
  public internal(set) var configurations: [StackConfiguration] = []
  public internal(set) var timerLateness: [Interval] = []
  /// Times at which a host's way into the wire is cut, and for how long.
  public internal(set) var cuts: [(host: Int, from: Interval, length: Interval)] = []
  public internal(set) var flows: [Flow] = []
  /// How long faults go on, at most.
  public internal(set) var faultTime = Interval.seconds(60)

  /// Draws a scenario.
  public init(seed: UInt64) {
    self.seed = seed
    var draw = RandomSource(seed: seed &* 0x2545_F491_4F6C_DD1D &+ 1)
    drawTopology(&draw)
    for _ in 0..<hosts {
      outbound.append(Self.drawConditions(&draw))
      configurations.append(Self.drawConfiguration(&draw))
      timerLateness.append(
        draw.isOn ? .milliseconds(Int64(draw.next(in: 0...500))) : .zero)
    }
    drawCuts(&draw)
    drawFlows(&draw)
  }

  private mutating func drawTopology(_ draw: inout RandomSource) {
    if draw.isOn {
      hosts = draw.next(in: 3...6)
      kind = .routed
    }
    if draw.isOn { abilities.mtu = draw.oneOf([1_280, 1_400, 1_500, 4_000, 9_000]) }
    if draw.isOn, draw.isOn {
      abilities.checksumOffload = true
      abilities.segmentationOffload = 65_535
      abilities.receiveCoalescing = draw.isOn
    }
  }

  private static func drawConditions(_ draw: inout RandomSource) -> WireConditions {
    var conditions = WireConditions()
    if draw.isOn { conditions.delay = .microseconds(Int64(draw.logarithmic(10...500_000))) }
    if draw.isOn {
      conditions.jitter = .microseconds(Int64(draw.logarithmic(10...50_000)))
    }
    if draw.isOn {
      conditions.rate = BitRate(bitsPerSecond: Int64(draw.logarithmic(256_000...1_000_000_000)))
      conditions.queueLimit = draw.logarithmic(4...2_000)
    }
    if draw.isOn { conditions.loss = draw.upTo(0.3) }
    if draw.isOn {
      conditions.burst = BurstLoss(
        entry: draw.upTo(0.02), exit: Probability(0.1 + draw.upTo(0.8).fraction))
    }
    if draw.isOn { conditions.duplication = draw.upTo(0.5) }
    if draw.isOn {
      conditions.reordering = draw.upTo(0.2)
      let roundTrip = conditions.delay * 2 + .microseconds(100)
      conditions.reorderingDelay = Interval(
        nanoseconds: Int64(draw.next(below: Int(clamping: roundTrip.nanoseconds * 3))))
    }
    if draw.isOn { conditions.corruption = draw.upTo(0.02) }
    return conditions
  }

  private static func drawConfiguration(_ draw: inout RandomSource) -> StackConfiguration {
    var configuration = StackConfiguration()
    if draw.isOn { configuration.tcp.congestionControl = .newReno }
    if draw.isOn {
      // Near the places where sequence numbers, or the sign of their differences, turn over.
      let brink = draw.oneOf([0 as UInt32, 0x8000_0000])
      configuration.tcp.fixedInitialSequenceNumber = brink &- UInt32(draw.next(below: 200_000))
    }
    return configuration
  }

  private mutating func drawCuts(_ draw: inout RandomSource) {
    guard draw.isOn else { return }
    for _ in 0..<draw.next(in: 1...3) {
      cuts.append(
        (
          draw.next(below: hosts), .milliseconds(Int64(draw.next(in: 0...5_000))),
          .milliseconds(Int64(draw.logarithmic(10...5_000)))
        ))
    }
  }

  private mutating func drawFlows(_ draw: inout RandomSource) {
    let slowest = outbound.compactMap(\.rate).min()?.bitsPerSecond ?? 1_000_000_000
    let count = draw.logarithmic(1...16)
    // What all flows together may send: what the slowest wire carries in ten seconds, and no more
    // than keeps a seed short.
    let budget = min(Int(slowest / 8 * 10), 1_500_000) / count
    for number in 0..<count {
      let client = draw.next(below: hosts)
      let server = (client + 1 + draw.next(below: hosts - 1)) % hosts
      var plan = Self.drawPlan(&draw, budget: budget)
      var answer = Self.drawPlan(&draw, budget: budget)
      plan.sendsFlow = seed &* 64 &+ UInt64(number) &* 2
      answer.sendsFlow = plan.sendsFlow &+ 1
      plan.expects = answer.sends
      plan.expectsFlow = answer.sendsFlow
      answer.expects = plan.sends
      answer.expectsFlow = plan.sendsFlow
      if draw.isOn, draw.isOn, draw.isOn { Self.drawAbort(&draw, &plan, &answer) }
      flows.append(
        Flow(
          client: client, server: server, isIPv6: draw.isOn, port: UInt16(5_000 + number),
          begins: draw.isOn ? .zero : .milliseconds(Int64(draw.next(in: 0...3_000))),
          clientPlan: plan, serverPlan: answer))
    }
  }

  private static func drawPlan(_ draw: inout RandomSource, budget: Int) -> Transfer.Plan {
    var plan = Transfer.Plan()
    if draw.isOn { plan.sends = draw.logarithmic(1...max(2, budget)) }
    if draw.isOn { plan.writeSize = draw.logarithmic(1...65_536) }
    if draw.isOn { plan.readSize = draw.logarithmic(1...65_536) }
    // Tiny pieces are for small transfers only, or a seed would take a million calls.
    plan.writeSize = max(plan.writeSize, plan.sends / 2_000)
    plan.readSize = max(plan.readSize, budget / 2_000)
    if draw.isOn, draw.isOn {
      plan.writePause = .microseconds(Int64(draw.logarithmic(10...1_000)))
    }
    if draw.isOn, draw.isOn { plan.readPause = .microseconds(Int64(draw.logarithmic(10...1_000))) }
    plan.options.noDelay = draw.isOn
    if draw.isOn, draw.isOn { plan.options.receiveBufferLimit = draw.logarithmic(2_048...262_144) }
    if draw.isOn, draw.isOn { plan.options.sendBufferLimit = draw.logarithmic(4_096...262_144) }
    return plan
  }

  private static func drawAbort(
    _ draw: inout RandomSource, _ plan: inout Transfer.Plan, _ answer: inout Transfer.Plan
  ) {
    plan.toleratesReset = true
    answer.toleratesReset = true
    // The reset may be lost; who only waits finds out by asking.
    answer.options.keepAliveIdle = .seconds(5)
    answer.options.keepAliveInterval = .seconds(1)
    if plan.sends > 0 {
      plan.abortsAfterSending = draw.next(below: plan.sends)
    } else if answer.sends > 0 {
      plan.abortsAfterReceiving = draw.next(below: answer.sends)
    }
  }
}

extension RandomSource {
  /// A coin.
  fileprivate var isOn: Bool { mutating get { next() & 1 == 0 } }

  /// A number of the range; each doubling is as likely as the next.
  fileprivate mutating func logarithmic(_ range: ClosedRange<Int>) -> Int {
    let low = max(1, range.lowerBound)
    let doublings = (range.upperBound / low).bitWidth - (range.upperBound / low).leadingZeroBitCount
    let ceiling = low.multipliedReportingOverflow(by: 1 << next(in: 0...doublings)).partialValue
    return next(in: range.lowerBound...max(range.lowerBound, min(ceiling, range.upperBound)))
  }

  fileprivate mutating func oneOf<Value>(_ values: [Value]) -> Value {
    values[next(below: values.count)]
  }

  fileprivate mutating func upTo(_ fraction: Double) -> Probability {
    Probability(fraction * Double(next(below: 1_001)) / 1_000)
  }
}
