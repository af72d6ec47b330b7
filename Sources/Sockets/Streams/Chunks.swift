extension TCPConnection {
  /// What the peer sends, as it comes. The sequence ends with the peer's stream; every failure,
  /// cancellation among them, ends it with its error. Whoever iterates slowly makes the peer wait.
  public var chunks: Chunks { chunks(upTo: 65_536) }

  /// As ``chunks``, each of at most `count` bytes, which is also the memory it takes to read one.
  public func chunks(upTo count: Int) -> Chunks { Chunks(connection: self, size: max(1, count)) }

  /// What the peer of a ``TCPConnection`` sends, as it comes.
  public struct Chunks: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = SocketError

    fileprivate let connection: TCPConnection
    fileprivate let size: Int

    public func makeAsyncIterator() -> Iterator { Iterator(connection: connection, size: size) }

    /// Reads the next chunk when it is asked for it.
    public struct Iterator: AsyncIteratorProtocol {
      public typealias Failure = SocketError
      fileprivate let connection: TCPConnection
      fileprivate let size: Int

      public mutating func next() async throws(SocketError) -> [UInt8]? {
        try await next(isolation: #isolation)
      }

      public mutating func next(
        isolation actor: isolated (any Actor)?
      ) async throws(SocketError) -> [UInt8]? {
        let chunk = try await connection.read(upTo: size)
        return chunk.isEmpty ? nil : chunk
      }
    }
  }
}
