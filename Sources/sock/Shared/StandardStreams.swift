import Host
import Sockets

/// Reads standard input and writes standard output on threads of their own, so that a terminal that
/// waits for its user keeps nobody else waiting.
enum StandardStreams {
  /// Waits for input.
  ///
  /// - Returns: up to 64 KiB; none at the end. In a cancelled task the thread goes on waiting, and
  ///   what it then reads is lost.
  static func read() async throws(Complaint) -> [UInt8] {
    try await onThread("stdin") {
      var bytes = [UInt8](repeating: 0, count: 65_536)
      var span = bytes.mutableSpan
      let count = try HostStream.input.read(into: &span)
      bytes.removeLast(bytes.count - count)
      return bytes
    }
  }

  static func write(_ bytes: [UInt8]) async throws(Complaint) {
    _ = try await onThread("stdout") {
      try HostStream.output.write(bytes.span)
      return []
    }
  }

  private static func onThread(
    _ name: String, _ body: @escaping @Sendable () throws -> [UInt8]
  ) async throws(Complaint) -> [UInt8] {
    let outcome = FirstOutcome<Result<[UInt8], Complaint>>()
    let result = await outcome.value(ifCancelled: .failure(Complaint("cancelled"))) {
      do {
        try HostThread.start(name: name) {
          do {
            outcome.give(.success(try body()))
          } catch {
            outcome.give(.failure(Complaint("\(error)")))
          }
        }
      } catch {
        outcome.give(.failure(Complaint("\(error)")))
      }
    }
    return try result.get()
  }
}
