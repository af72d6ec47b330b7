import Foundation
import Packets
import Simulation

/// What a run came to, as a table and as JSON.
struct BenchResult {
  let plan: BenchmarkPlan
  let report: BenchmarkReport
  /// Seconds.
  let wall: Double
  let cpu: Double

  private var packetsPerSecond: Double { cpu > 0 ? Double(report.wire.sent) / cpu : 0 }
  private var bitsPerSecond: Double { cpu > 0 ? Double(report.bytes) * 8 / cpu : 0 }
  private var transactions: Int { report.latencies.count }
  private var microsecondsPerTransaction: Double {
    transactions > 0 ? cpu * 1e6 / Double(transactions) : 0
  }
  private var transactionsPerSecond: Double {
    let seconds = Double(report.virtualTime.nanoseconds) / 1e9
    return seconds > 0 ? Double(transactions) / seconds : 0
  }

  var table: String {
    var rows: [(String, String)] = []
    let connections = plan.connections == 1 ? "1 connection" : "\(plan.connections) connections"
    let verdict = report.failures.isEmpty ? "every byte verified" : "FAILED"
    let title: String
    switch plan.workload {
    case .bulk:
      title = "Bulk: \(Figures.bytes(report.bytes)) over \(connections), \(verdict)"
      rows.append(("goodput", "\(Figures.bits(report.goodput))/s in virtual time"))
    case .request:
      title =
        "Request and response: \(Figures.count(transactions)) of "
        + "\(plan.requestSize) + \(plan.responseSize) B over \(connections), \(verdict)"
      rows.append(("rate", "\(Figures.count(Int(transactionsPerSecond)))/s in virtual time"))
      rows.append(("latency", latencies))
    }
    rows.append(("virtual time", Figures.time(report.virtualTime)))
    rows.append(
      (
        "segments",
        "\(Figures.count(report.segments)), \(Figures.count(report.retransmissions)) of them sent "
          + "again, \(Figures.count(Int(report.timeouts))) timeouts"
      ))
    if let mean = report.meanRoundTrip, let least = report.minimumRoundTrip {
      rows.append(("round trip", "\(Figures.time(least)) least, \(Figures.time(mean)) at the end"))
    }
    rows.append(("wire", faults))
    rows.append(("wall time", "\(Figures.seconds(wall)), CPU \(Figures.seconds(cpu)) (both hosts)"))
    rows.append(("packets", "\(Figures.count(Int(packetsPerSecond))) per second of CPU"))
    switch plan.workload {
    case .bulk: rows.append(("payload", "\(Figures.bits(bitsPerSecond)) per second of CPU"))
    case .request:
      rows.append(
        ("cost", String(format: "%.2f us of CPU per transaction", microsecondsPerTransaction)))
    }
    rows.append(("trace", report.trace.description))
    let lines = rows.map { "  " + $0.0.padding(toLength: 14, withPad: " ", startingAt: 0) + $0.1 }
    return "\n" + ([title] + lines).joined(separator: "\n")
  }

  private var latencies: String {
    [(500, "p50"), (900, "p90"), (990, "p99"), (999, "p99.9"), (1_000, "most")]
      .compactMap { perMille, name in
        report.latency(perMille: perMille).map { "\(name) \(Figures.time($0))" }
      }
      .joined(separator: ", ")
  }

  private var faults: String {
    let wire = report.wire
    let faults = [
      (wire.queueDrops, "dropped by the queue"), (wire.lost, "lost"),
      (wire.duplicated, "doubled"), (wire.reordered, "overtaken"), (wire.corrupted, "corrupted"),
    ]
    let told = faults.filter { $0.0 > 0 }.map { "\(Figures.count($0.0)) \($0.1)" }
    return ([Figures.count(wire.sent) + " packets"] + told).joined(separator: ", ")
  }

  var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(Line(self)), as: UTF8.self)
    }
  }

  /// Times in seconds, rates in bits per second.
  private struct Line: Encodable {
    var workload: String
    var seed: UInt64
    var trace: String
    var failures: [String]
    var connections: Int
    var virtualTime: Double
    var bytes: Int?
    var goodput: Double?
    var transactions: Int?
    var latency: [String: Double]?
    var cpuPerTransaction: Double?
    var segments: Int
    var retransmissions: Int
    var timeouts: UInt64
    var minimumRoundTrip: Double?
    var roundTrip: Double?
    var packets: Int
    var lost: Int
    var queueDrops: Int
    var duplicated: Int
    var reordered: Int
    var corrupted: Int
    var wallTime: Double
    var cpuTime: Double
    var packetsPerCPUSecond: Double
    var bitsPerCPUSecond: Double?

    init(_ result: BenchResult) {
      let report = result.report
      workload = result.plan.workload.rawValue
      seed = result.plan.seed
      trace = report.trace.description
      failures = report.failures
      connections = result.plan.connections
      virtualTime = Self.seconds(report.virtualTime)
      segments = report.segments
      retransmissions = report.retransmissions
      timeouts = report.timeouts
      minimumRoundTrip = report.minimumRoundTrip.map(Self.seconds)
      roundTrip = report.meanRoundTrip.map(Self.seconds)
      packets = report.wire.sent
      lost = report.wire.lost
      queueDrops = report.wire.queueDrops
      duplicated = report.wire.duplicated
      reordered = report.wire.reordered
      corrupted = report.wire.corrupted
      wallTime = result.wall
      cpuTime = result.cpu
      packetsPerCPUSecond = result.packetsPerSecond
      switch result.plan.workload {
      case .bulk:
        bytes = report.bytes
        goodput = report.goodput
        bitsPerCPUSecond = result.bitsPerSecond
      case .request:
        transactions = result.transactions
        cpuPerTransaction = result.microsecondsPerTransaction / 1e6
        var shares: [String: Double] = [:]
        for (name, perMille) in [
          ("p50", 500), ("p90", 900), ("p99", 990), ("p99.9", 999), ("max", 1_000),
        ] {
          shares[name] = report.latency(perMille: perMille).map(Self.seconds)
        }
        latency = shares
      }
    }

    private static func seconds(_ interval: Interval) -> Double {
      Double(interval.nanoseconds) / 1e9
    }
  }
}
