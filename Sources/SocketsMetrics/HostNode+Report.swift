public import CoreMetrics
public import Sockets

extension HostNode {
  /// Hands what the node counts to a metrics system, until the task is cancelled, and then once
  /// more. Each has the dimensions `node`, which is `host`, and `engine`.
  ///
  /// ```
  /// let reporting = Task { await node.reportMetrics(every: .seconds(10)) }
  /// ```
  ///
  /// Connections are counted when they begin and end; their reads and writes are not slowed down,
  /// and a report takes the same time whatever there is.
  ///
  /// - Parameters:
  ///   - interval: on the node's clock.
  ///   - factory: the program's own without it.
  public func reportMetrics(
    every interval: Duration = .seconds(10),
    to factory: any MetricsFactory = MetricsSystem.factory
  ) async {
    var report = NodeReport([("node", "host"), ("engine", engine.rawValue)], factory)
    while !Task.isCancelled {
      report.add(counts)
      try? await clock.sleep(for: interval)
    }
    report.add(counts)
  }
}
