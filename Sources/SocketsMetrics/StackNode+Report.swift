public import CoreMetrics
public import Sockets

extension StackNode {
  /// Hands the node's counters to a metrics system, until the task is cancelled or the node has
  /// ended, and then once more.
  ///
  /// ```
  /// let reporting = Task { await node.reportMetrics(every: .seconds(10)) }
  /// ```
  ///
  /// The packets, reads and writes themselves are not slowed down: the stack counts anyhow. Each
  /// report counts the connections by their states, which takes the node's thread time in
  /// proportion to their number.
  ///
  /// - Parameters:
  ///   - interval: on the node's clock.
  ///   - factory: the program's own without it.
  public func reportMetrics(
    every interval: Duration = .seconds(10),
    to factory: any MetricsFactory = MetricsSystem.factory
  ) async {
    var report = NodeReport([("node", name)], factory)
    while !Task.isCancelled {
      let isLast = await hasEnded
      report.add(await counters(), await table())
      if isLast { return }
      try? await clock.sleep(for: interval)
    }
    report.add(await counters(), await table())
  }
}
