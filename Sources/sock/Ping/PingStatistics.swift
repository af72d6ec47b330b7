/// What a row of echo requests came to.
package struct PingStatistics: Hashable, Sendable {
  package private(set) var transmitted = 0
  package private(set) var received = 0
  package private(set) var duplicates = 0
  package private(set) var errors = 0
  package private(set) var corrupted = 0
  private var fastest = Double.infinity
  private var slowest = 0.0
  private var sum = 0.0
  private var sumOfSquares = 0.0

  package init() {}

  package mutating func noteRequest() { transmitted += 1 }
  package mutating func noteDuplicate() { duplicates += 1 }
  package mutating func noteError() { errors += 1 }
  package mutating func noteCorruption() { corrupted += 1 }

  /// - Parameter time: the round trip, in milliseconds.
  package mutating func noteReply(after time: Double) {
    received += 1
    fastest = min(fastest, time)
    slowest = max(slowest, time)
    sum += time
    sumOfSquares += time * time
  }

  /// The percentage of requests without a reply.
  package var loss: Double {
    transmitted == 0 ? 0 : Double(transmitted - received) / Double(transmitted) * 100
  }

  /// Round trips in milliseconds, once there is one.
  package var times: (minimum: Double, mean: Double, maximum: Double, deviation: Double)? {
    guard received > 0 else { return nil }
    let mean = sum / Double(received)
    let variance = max(sumOfSquares / Double(received) - mean * mean, 0)
    return (fastest, mean, slowest, variance.squareRoot())
  }
}
