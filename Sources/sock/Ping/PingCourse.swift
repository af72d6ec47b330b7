import Addresses
import Sockets

/// A row of echo requests at even intervals, and what comes back.
struct PingCourse: Sendable {
  let destination: SocketAddress
  let count: Int
  let interval: Duration
  let size: Int
  /// How long to wait for the last echo.
  let patience: Duration
  let hopLimit: UInt8
  let printer: PingPrinter

  /// Runs until the last echo, the end of patience, or cancellation.
  func run(on node: any NetworkNode) async -> Result<PingStatistics, SocketError> {
    do {
      let socket = try await node.openEcho(destination.address.isIPv4 ? .v4 : .v6)
      printer.begin(destination, size: size)
      let statistics = try await exchange(on: socket)
      printer.end(statistics)
      return .success(statistics)
    } catch {
      return .failure(error)
    }
  }

  private func exchange(on socket: EchoSocket) async throws(SocketError) -> PingStatistics {
    var statistics = PingStatistics()
    var outstanding: [UInt16: ContinuousClock.Instant] = [:]
    var next = ContinuousClock.now
    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
    var buffer = [UInt8](repeating: 0, count: max(size, 1))
    while !Task.isCancelled {
      let now = ContinuousClock.now
      if statistics.transmitted < count, now >= next {
        let sequence = UInt16(truncatingIfNeeded: statistics.transmitted + 1)
        statistics.noteRequest()
        next += interval
        if await send(payload, sequence, on: socket) {
          outstanding[sequence] = now
        } else {
          statistics.noteError()
        }
      }
      let isLast = statistics.transmitted >= count
      if isLast, outstanding.isEmpty { break }
      let end = isLast ? (outstanding.values.max() ?? now) + patience : next
      do {
        var span = buffer.mutableSpan
        let answer = try await socket.receive(into: &span, timeout: end - ContinuousClock.now)
        let isIntact = answer.length == size && buffer.prefix(size).elementsEqual(payload)
        note(answer, isIntact: isIntact, &outstanding, &statistics)
      } catch {
        switch error.reason {
        case .deadlineExceeded: if isLast { return statistics }
        case .cancelled: return statistics
        default: throw error
        }
      }
    }
    return statistics
  }

  private func send(
    _ payload: [UInt8], _ sequence: UInt16, on socket: EchoSocket
  ) async -> Bool {
    do {
      try await socket.send(
        payload.span, to: destination.address, zone: destination.zone, sequence: sequence,
        hopLimit: hopLimit)
      return true
    } catch {
      printer.failure(error, sequence: sequence)
      return false
    }
  }

  private func note(
    _ answer: EchoAnswer, isIntact: Bool,
    _ outstanding: inout [UInt16: ContinuousClock.Instant], _ statistics: inout PingStatistics
  ) {
    let sent = outstanding.removeValue(forKey: answer.sequence)
    guard answer.kind == .reply else {
      statistics.noteError()
      return printer.error(answer)
    }
    let time = sent.map { ($0.duration(to: .now)) / .milliseconds(1) }
    if let time {
      statistics.noteReply(after: time)
      if !isIntact { statistics.noteCorruption() }
    } else {
      statistics.noteDuplicate()
    }
    printer.reply(answer, time: time, isDuplicate: time == nil, isCorrupted: !isIntact)
  }
}
