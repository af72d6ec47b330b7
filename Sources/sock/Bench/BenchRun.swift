import Foundation
import Host
import Packets
import Simulation

/// One workload, driven to its end, with the time it takes and a line of progress.
struct BenchRun {
  let plan: BenchmarkPlan
  let capture: CaptureSink?

  /// Happenings between two looks at the clock.
  private static var slice: Int { 20_000 }

  func run() throws -> BenchResult {
    let capture = capture
    var benchmark = try Benchmark(plan, capture: capture.map { sink in { sink.write($0) } })
    let clock = ContinuousClock()
    let began = clock.now
    let cpuBegan = clock_t.processTime
    var progress = ProgressLine(plan: plan)
    while benchmark.run(steps: Self.slice) {
      progress.update(benchmark.progress, after: clock.now - began)
    }
    let wall = clock.now - began
    let cpu = clock_t.processTime - cpuBegan
    progress.clear()
    let report = benchmark.finish()
    if let error = capture?.error { throw error }
    return BenchResult(plan: plan, report: report, wall: wall / .seconds(1), cpu: cpu)
  }
}

/// Writes a capture piece by piece, and remembers the first error.
final class CaptureSink {
  private let file: HostFile
  private(set) var error: SystemError?

  init(path: String) throws(SystemError) { file = try HostFile(writing: path) }

  func write(_ bytes: [UInt8]) {
    guard error == nil else { return }
    do throws(SystemError) {
      try file.write(bytes.span)
    } catch {
      self.error = error
    }
  }
}

/// How far the run is, on standard error: a line that rewrites itself on a terminal, and now and
/// then a line where there is none.
private struct ProgressLine {
  private let plan: BenchmarkPlan
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var next: Duration
  private var isShown = false

  init(plan: BenchmarkPlan) {
    self.plan = plan
    next = isTerminal ? .milliseconds(300) : .seconds(10)
  }

  mutating func update(_ progress: @autoclosure () -> Benchmark.Progress, after elapsed: Duration) {
    guard elapsed >= next else { return }
    next = elapsed + (isTerminal ? .milliseconds(200) : .seconds(10))
    let progress = progress()
    let done = plan.workload == .bulk ? Figures.bytes(progress.done) : Figures.count(progress.done)
    var line = "\(plan.workload.rawValue): \(done)"
    if let total = progress.total, total > 0 {
      line += " (\(progress.done * 100 / total)%)"
    } else if let duration = plan.duration, duration > .zero {
      line += " (\(progress.virtualTime.nanoseconds / max(duration.nanoseconds / 100, 1))%)"
    }
    line += " after \(Figures.time(progress.virtualTime)) of virtual time"
    write(isTerminal ? "\r\u{1B}[K" + line : line + "\n")
    isShown = true
  }

  func clear() {
    if isTerminal, isShown { write("\r\u{1B}[K") }
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

extension clock_t {
  /// Seconds of processor time this process has used.
  fileprivate static var processTime: Double { Double(clock()) / 1_000_000 }
}
