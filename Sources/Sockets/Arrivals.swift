/// What comes to a socket from its peers, one after another: the connections of a ``TCPListener``,
/// the datagrams of a ``UDPSocket``.
///
/// The sequence ends when the socket is closed on this side; every other reason ends it with its
/// error. It holds the socket.
public struct Arrivals<Element: Sendable>: AsyncSequence, Sendable {
  public typealias Failure = SocketError

  /// Waits for the next one.
  private let arrival: @Sendable () async throws(SocketError) -> Element

  init(_ arrival: @escaping @Sendable () async throws(SocketError) -> Element) {
    self.arrival = arrival
  }

  public func makeAsyncIterator() -> Iterator { Iterator(arrival: arrival) }

  /// Waits for the next one when it is asked for it.
  public struct Iterator: AsyncIteratorProtocol {
    public typealias Failure = SocketError
    fileprivate let arrival: @Sendable () async throws(SocketError) -> Element

    public mutating func next() async throws(SocketError) -> Element? {
      try await next(isolation: #isolation)
    }

    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(SocketError) -> Element? {
      do {
        return try await arrival()
      } catch {
        if error.reason == .closed { return nil }
        throw error
      }
    }
  }
}
