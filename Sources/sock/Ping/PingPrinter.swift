import Addresses
import Foundation
import Sockets

/// Says what happens to echo requests, as ping does or as JSON.
struct PingPrinter: Sendable {
  let host: String
  let asJSON: Bool

  func begin(_ destination: SocketAddress, size: Int) {
    guard !asJSON else { return }
    Console.say("PING \(host) (\(destination.address)) \(size) data bytes")
  }

  /// - Parameter time: the round trip in milliseconds, nil where the request is not known.
  func reply(_ answer: EchoAnswer, time: Double?, isDuplicate: Bool, isCorrupted: Bool) {
    if asJSON {
      return write(
        JSONLine(
          event: isDuplicate ? "duplicate" : isCorrupted ? "corrupted" : "reply",
          source: "\(answer.source)", sequence: answer.sequence, bytes: answer.length,
          hopLimit: answer.hopLimit, milliseconds: time))
    }
    let when = time.map { " time=\(Self.text($0)) ms" } ?? ""
    let remark = (isDuplicate ? " (DUP!)" : "") + (isCorrupted ? " (payload differs!)" : "")
    Console.say(
      "\(answer.length + 8) bytes from \(answer.source): icmp_seq=\(answer.sequence) "
        + "ttl=\(answer.hopLimit)\(when)\(remark)")
  }

  func error(_ answer: EchoAnswer) {
    if asJSON {
      return write(
        JSONLine(
          event: Self.name(answer.kind), source: "\(answer.source)", sequence: answer.sequence))
    }
    Console.say(
      "from \(answer.source): icmp_seq=\(answer.sequence) \(Self.name(answer.kind))")
  }

  func failure(_ error: SocketError, sequence: UInt16) {
    if asJSON {
      return write(JSONLine(event: "failure", sequence: sequence, reason: "\(error.reason)"))
    }
    Console.say("icmp_seq=\(sequence) \(error)")
  }

  func end(_ statistics: PingStatistics) {
    if asJSON { return write(JSONSummary(statistics)) }
    let duplicates = statistics.duplicates > 0 ? "+\(statistics.duplicates) duplicates, " : ""
    let corrupted = statistics.corrupted > 0 ? "+\(statistics.corrupted) corrupted, " : ""
    let errors = statistics.errors > 0 ? "+\(statistics.errors) errors, " : ""
    let loss = Self.text(
      statistics.loss, digits: statistics.loss.rounded() == statistics.loss ? 0 : 1)
    Console.say(
      """

      --- \(host) ping statistics ---
      \(statistics.transmitted) packets transmitted, \(statistics.received) received, \
      \(duplicates)\(corrupted)\(errors)\(loss)% packet loss
      """)
    guard let times = statistics.times else { return }
    let numbers = [times.minimum, times.mean, times.maximum, times.deviation].map { Self.text($0) }
    Console.say("rtt min/avg/max/mdev = \(numbers.joined(separator: "/")) ms")
  }

  private static func text(_ number: Double, digits: Int = 3) -> String {
    String(format: "%.\(digits)f", number)
  }

  private static func name(_ kind: EchoAnswer.Kind) -> String {
    switch kind {
    case .reply: "reply"
    case .unreachable(let code): "destination unreachable (code \(code))"
    case .timeExceeded: "time to live exceeded"
    case .packetTooBig(let mtu): "packet too big (mtu \(mtu))"
    }
  }

  private func write(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(value) else { return }
    Console.say(String(decoding: data, as: UTF8.self))
  }
}

/// One event, as a line of JSON.
private struct JSONLine: Encodable {
  var event: String
  var source: String?
  var sequence: UInt16
  var bytes: Int?
  var hopLimit: UInt8?
  var milliseconds: Double?
  var reason: String?
}

/// The end, as a line of JSON.
private struct JSONSummary: Encodable {
  var event = "statistics"
  var transmitted: Int
  var received: Int
  var duplicates: Int
  var errors: Int
  var corrupted: Int
  var lossPercent: Double
  var minimum: Double?
  var mean: Double?
  var maximum: Double?
  var deviation: Double?

  init(_ statistics: PingStatistics) {
    transmitted = statistics.transmitted
    received = statistics.received
    duplicates = statistics.duplicates
    errors = statistics.errors
    corrupted = statistics.corrupted
    lossPercent = statistics.loss
    minimum = statistics.times?.minimum
    mean = statistics.times?.mean
    maximum = statistics.times?.maximum
    deviation = statistics.times?.deviation
  }
}
