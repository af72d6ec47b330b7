import Host

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
    let once = Once()
    let result: Result<[UInt8], Complaint> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        once.set(continuation)
        do {
          try HostThread.start(name: name) {
            do {
              once.resume(.success(try body()))
            } catch {
              once.resume(.failure(Complaint("\(error)")))
            }
          }
        } catch {
          once.resume(.failure(Complaint("\(error)")))
        }
      }
    } onCancel: {
      once.resume(.failure(Complaint("cancelled")))
    }
    return try result.get()
  }
}
