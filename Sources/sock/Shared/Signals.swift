import Foundation
import Synchronization

/// Signals that the program answers itself.
package enum Signals {
  /// Watched until the program ends.
  private static let sources = Mutex<[any DispatchSourceSignal]>([])

  /// The signals of `numbers`, as they come; none of them ends the program any more, and none that
  /// comes after the return is missed. One that comes before does what it always does.
  package static func stream(_ numbers: Int32...) async -> AsyncStream<Int32> {
    let (stream, continuation) = AsyncStream.makeStream(of: Int32.self)
    for number in numbers {
      // Dispatch gives the signal a handler of its own some time after `resume`. To ignore it until
      // then would lose it.
      await withCheckedContinuation { registration in
        sources.withLock { sources in
          let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
          source.setEventHandler { continuation.yield(number) }
          source.setRegistrationHandler { registration.resume() }
          source.resume()
          sources.append(source)
        }
      }
    }
    return stream
  }

  /// Runs `work` and cancels it at the first interrupt or wish to terminate.
  ///
  /// - Returns: what `work` did.
  static func interrupting<Value: Sendable>(
    _ work: @escaping @Sendable () async -> Value
  ) async -> Value {
    let signals = await stream(SIGINT, SIGTERM)
    let task = Task { await work() }
    let listening = Task {
      for await _ in signals { task.cancel() }
    }
    defer { listening.cancel() }
    return await task.value
  }
}
