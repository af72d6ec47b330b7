import Foundation
import Synchronization

/// Signals that the program answers itself.
enum Signals {
  /// Watched until the program ends.
  private static let sources = Mutex<[any DispatchSourceSignal]>([])

  /// The signals of `numbers`, as they come; none of them ends the program any more.
  static func stream(_ numbers: Int32...) -> AsyncStream<Int32> {
    AsyncStream { continuation in
      for number in numbers {
        signal(number, SIG_IGN)
        sources.withLock { sources in
          let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
          source.setEventHandler { continuation.yield(number) }
          source.resume()
          sources.append(source)
        }
      }
    }
  }

  /// Runs `work` and cancels it at the first interrupt or wish to terminate.
  ///
  /// - Returns: what `work` did.
  static func interrupting<Value: Sendable>(
    _ work: @escaping @Sendable () async -> Value
  ) async -> Value {
    let task = Task { await work() }
    let listening = Task {
      for await _ in stream(SIGINT, SIGTERM) { task.cancel() }
    }
    defer { listening.cancel() }
    return await task.value
  }
}
