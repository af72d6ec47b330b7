extension TCPConnection {
  /// Below this, copying parts together costs less than writing them one by one, which besides
  /// would put a short header into a segment of its own.
  private static let gatherLimit = 16_384

  /// Writes the parts one after another, as if they stood in one piece. Short parts leave together.
  ///
  /// Cancelled or out of time, it may have written some of the bytes, as ``write(_:timeout:)``.
  ///
  /// - Parameter timeout: for all of it.
  public func write(
    _ first: Span<UInt8>, _ second: Span<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) {
    let time = TimeAllowed(timeout, on: clock)
    if first.count <= Self.gatherLimit, second.count <= Self.gatherLimit {
      var joined: [UInt8] = []
      joined.reserveCapacity(first.count + second.count)
      joined.append(first)
      joined.append(second)
      return try await write(joined.span, timeout: time.left)
    }
    try await write(first, timeout: time.left)
    try await write(second, timeout: time.left)
  }

  /// As ``write(_:_:timeout:)``, for any number of parts.
  public func write(
    joining parts: some Sequence<[UInt8]>, timeout: Duration? = nil
  ) async throws(SocketError) {
    let time = TimeAllowed(timeout, on: clock)
    var gathered: [UInt8] = []
    for part in parts {
      if gathered.count + part.count > Self.gatherLimit, !gathered.isEmpty {
        try await write(gathered.span, timeout: time.left)
        gathered.removeAll(keepingCapacity: true)
      }
      if part.count > Self.gatherLimit {
        try await write(part.span, timeout: time.left)
      } else {
        gathered.append(contentsOf: part)
      }
    }
    if !gathered.isEmpty { try await write(gathered.span, timeout: time.left) }
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ bytes: Span<UInt8>) {
    for index in bytes.indices { append(bytes[index]) }
  }
}
