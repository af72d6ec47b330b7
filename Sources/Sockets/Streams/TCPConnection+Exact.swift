extension TCPConnection {
  /// Fills `bytes`, waiting until there is enough.
  ///
  /// Cancelled, out of time or at an early end, it may have read some: they are lost. Where that
  /// matters, read through a ``StreamReader``, which keeps them.
  ///
  /// - Parameter timeout: for all of it.
  /// - Throws: ``SocketError/Reason/unexpectedEnd`` when the peer's stream ends before.
  public func read(
    exactlyInto bytes: inout MutableSpan<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) {
    let time = TimeAllowed(timeout, on: clock)
    var filled = 0
    while filled < bytes.count {
      var rest = bytes._mutatingExtracting(droppingFirst: filled)
      let count = try await read(into: &rest, timeout: time.left)
      guard count > 0 else {
        throw SocketError(.read, local: local, remote: remote, reason: .unexpectedEnd)
      }
      filled += count
    }
  }

  /// Reads `count` bytes, no more and no fewer, as ``read(exactlyInto:timeout:)`` does.
  public func read(
    exactly count: Int, timeout: Duration? = nil
  ) async throws(SocketError) -> [UInt8] {
    guard count > 0 else { return [] }
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    try await read(exactlyInto: &span, timeout: timeout)
    return bytes
  }
}
