import ArgumentParser
import Foundation
import Packets
import ProtocolStack
import Simulation

/// `sock bench`: how fast is the stack, and what does a bad wire make of it.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure two hosts of ours over a wire in memory, in virtual time.",
    discussion: """
      Both hosts run in this process on one core; there is no device, no kernel and no waiting, so \
      no root either. Every byte is verified. What the wire does is drawn from the seed: the same \
      seed gives the same packets, as the trace shows. The times of the wire are virtual; wall and \
      CPU time are what the computation took.

      Examples:
        sock bench
        sock bench --workload bulk --loss 1% --delay 20ms --rate 100mbit
        sock bench --workload request --connections 64 --duration 10s
        sock bench --loss 5% --reorder 1% --duplicate 1% --pcap bench.pcapng --json

      Exit codes: 0 all bytes were right and nothing was left behind, 1 not so, 2 wrong usage.
      """)

  enum Workload: String, CaseIterable, ExpressibleByArgument {
    case bulk, request, both
  }

  enum Congestion: String, CaseIterable, ExpressibleByArgument {
    case cubic, newreno
  }

  @Option(help: "What to do: bulk, request, or both, one after the other.")
  var workload = Workload.both

  @Option(
    help: ArgumentHelp("Bulk: bytes to send in all.", valueName: "size"),
    transform: { try ByteCount(parsing: $0) })
  var bytes = ByteCount(3 << 30)

  @Option(help: ArgumentHelp("Request: transactions in all.", valueName: "count"))
  var transactions = 1_000_000

  @Option(
    help: ArgumentHelp("End after so much virtual time instead.", valueName: "time"),
    transform: { try Interval(parsing: $0) })
  var duration: Interval?

  @Option(help: ArgumentHelp("Connections at once, 1 to 60000.", valueName: "count"))
  var connections = 1

  @Option(
    help: ArgumentHelp("Bytes of a request.", valueName: "size"),
    transform: { try ByteCount(parsing: $0) })
  var requestSize = ByteCount(64)

  @Option(
    help: ArgumentHelp("Bytes of an answer.", valueName: "size"),
    transform: { try ByteCount(parsing: $0) })
  var responseSize = ByteCount(64)

  @OptionGroup(title: "The wire, the same both ways") var wire: WireOptions

  @Option(help: ArgumentHelp("The interfaces' MTU, 576 to 65535.", valueName: "bytes"))
  var mtu = 1_500

  @Flag(help: "Leave checksums and segmentation to the wire, as to a virtual machine's adapter.")
  var offload = false

  @Option(help: "Congestion control: cubic or newreno.")
  var congestion = Congestion.cubic

  @Flag(name: .customShort("6"), help: "Use IPv6.")
  var usesIPv6 = false

  @Option(help: ArgumentHelp("What chance is drawn from.", valueName: "number"))
  var seed: UInt64 = 1

  @Flag(help: "Let an independent monitor judge every packet on the wire; slower.")
  var monitor = false

  @Option(
    help: ArgumentHelp(
      "Write every packet sent to this file (pcapng, for Wireshark or sock dump).",
      valueName: "file"))
  var pcap: String?

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func validate() throws {
    guard (1...60_000).contains(connections) else {
      throw ValidationError("--connections takes 1 to 60000")
    }
    guard (usesIPv6 ? 1_280...65_535 : 576...65_535).contains(mtu) else {
      throw ValidationError("--mtu takes \(usesIPv6 ? 1_280 : 576) to 65535")
    }
    guard transactions > 0 else { throw ValidationError("--transactions takes 1 or more") }
    for size in [requestSize, responseSize] where !(1...(1 << 30)).contains(size.bytes) {
      throw ValidationError("a request or an answer has 1 byte to 1 GiB")
    }
    if let duration, duration <= .zero {
      throw ValidationError("--duration takes more than nothing")
    }
    if duration != nil, wire.delay == .zero, wire.rate == nil {
      throw ValidationError(
        "over a wire with neither --delay nor --rate no virtual time passes: no --duration")
    }
  }

  func run() throws {
    let capture = try pcap.map { try CaptureSink(path: $0) }
    if !json { Console.say(headline) }
    var isClean = true
    for kind in BenchmarkPlan.Workload.allCases
    where workload == .both || workload.rawValue == kind.rawValue {
      let run = BenchRun(plan: plan(kind), capture: capture)
      let result = try run.run()
      Console.say(json ? try result.json : result.table)
      for failure in result.report.failures.prefix(20) {
        Console.complain("sock bench: \(failure)")
      }
      isClean = isClean && result.report.failures.isEmpty
    }
    if !isClean {
      Console.complain(
        "sock bench: the run failed; --seed \(seed) with the same options repeats it")
      throw ExitCode.failure
    }
  }

  private func plan(_ kind: BenchmarkPlan.Workload) -> BenchmarkPlan {
    var plan = BenchmarkPlan()
    plan.workload = kind
    plan.bytes = bytes.bytes
    plan.transactions = transactions
    plan.duration = duration
    plan.connections = kind == .request ? min(connections, transactions) : connections
    plan.requestSize = requestSize.bytes
    plan.responseSize = responseSize.bytes
    plan.isIPv6 = usesIPv6
    plan.mtu = mtu
    plan.offload = offload
    plan.congestionControl = congestion == .cubic ? .cubic : .newReno
    plan.conditions = wire.conditions
    plan.seed = seed
    plan.isMonitored = monitor
    return plan
  }

  private var headline: String {
    var parts = ["Two hosts and a wire in memory: \(wire.summary)"]
    parts.append("MTU \(mtu)\(offload ? " with offload" : "")")
    parts.append(usesIPv6 ? "IPv6" : "IPv4")
    parts.append(congestion.rawValue)
    parts.append("seed \(seed)")
    return parts.joined(separator: ", ")
  }
}
