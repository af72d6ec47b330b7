extension TCPConnection {
  /// Reads what is there, as ``read(into:timeout:)`` does.
  ///
  /// - Parameter count: bytes at most, and the memory taken once there is something to read.
  /// - Returns: the bytes; none at the end of the peer's stream.
  public func read(
    upTo count: Int = 65_536, timeout: Duration? = nil
  ) async throws(SocketError) -> [UInt8] {
    guard count > 0 else { return [] }
    return try await readArray(upTo: count, timeout)
  }

  /// Reads to the end of the peer's stream.
  ///
  /// - Parameters:
  ///   - limit: bytes at most.
  ///   - timeout: for all of it.
  /// - Throws: ``SocketError/Reason/messageTooLong`` when there is more than `limit`.
  public func readAll(
    limit: Int = 64 << 20, timeout: Duration? = nil
  ) async throws(SocketError) -> [UInt8] {
    let time = TimeAllowed(timeout, on: clock)
    var bytes: [UInt8] = []
    while true {
      let part = try await read(timeout: time.left)
      if part.isEmpty { return bytes }
      guard part.count <= limit - bytes.count else {
        throw SocketError(.read, local: local, remote: remote, reason: .messageTooLong)
      }
      bytes.append(contentsOf: part)
    }
  }

  /// Writes all of `bytes`, as ``write(_:timeout:)`` does with a span.
  public func write(_ bytes: [UInt8], timeout: Duration? = nil) async throws(SocketError) {
    try await write(bytes.span, timeout: timeout)
  }

  /// Writes `text` in UTF-8.
  public func write(_ text: String, timeout: Duration? = nil) async throws(SocketError) {
    try await write(Array(text.utf8).span, timeout: timeout)
  }
}
