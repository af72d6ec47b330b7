import Logging
import Synchronization

/// Remembers what is logged, so that a test can ask for it.
final class LogRecorder: Sendable {
  struct Line: Sendable {
    let level: Logger.Level
    let message: String
    let metadata: Logger.Metadata
    let error: (any Error)?

    subscript(_ key: String) -> String? { metadata[key].map { "\($0)" } }
  }

  private struct State {
    var lines: [Line] = []
    var readers: [AsyncStream<Line>.Continuation] = []
  }

  private let state = Mutex(State())

  /// A logger that tells this recorder everything from `level` on.
  func logger(_ level: Logger.Level = .trace) -> Logger {
    Logger(label: "test") { _ in Handler(recorder: self, logLevel: level) }
  }

  var lines: [Line] { state.withLock { $0.lines } }

  /// The lines that say this, up to now.
  func lines(_ message: String) -> [Line] { lines.filter { $0.message == message } }

  /// Waits for a line that says this.
  func line(_ message: String) async -> Line? {
    let (stream, reader) = AsyncStream.makeStream(of: Line.self)
    state.withLock { state in
      for line in state.lines { reader.yield(line) }
      state.readers.append(reader)
    }
    for await line in stream where line.message == message { return line }
    return nil
  }

  private func add(_ line: Line) {
    state.withLock { state in
      state.lines.append(line)
      for reader in state.readers { reader.yield(line) }
    }
  }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      recorder.add(
        Line(
          level: event.level, message: "\(event.message)",
          metadata: metadata.merging(event.metadata ?? [:]) { $1 }, error: event.error))
    }
  }
}
