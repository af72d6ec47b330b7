public import Addresses

extension UDPSocket {
  /// Sends one datagram, as ``send(_:to:timeout:)`` does with a span.
  public func send(
    _ bytes: [UInt8], to remote: Endpoint? = nil,
    with options: DatagramOptions = DatagramOptions(), timeout: Duration? = nil
  ) async throws(SocketError) {
    try await send(bytes.span, to: remote, with: options, timeout: timeout)
  }

  /// Sends one datagram to an endpoint written like `udp://192.0.2.1:53`.
  public func send(
    _ bytes: [UInt8], to remote: String, timeout: Duration? = nil
  ) async throws(SocketError) {
    try await send(bytes.span, to: .read(remote, for: .send), timeout: timeout)
  }

  /// Receives one datagram, whole. Takes 64 KiB of memory while it waits.
  public func receive(timeout: Duration? = nil) async throws(SocketError) -> ReceivedDatagram {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    var span = bytes.mutableSpan
    let header = try await receive(into: &span, timeout: timeout)
    return ReceivedDatagram(bytes: Array(bytes.prefix(header.count)), header: header)
  }

  /// The datagrams as they come. The sequence ends when the socket is closed; cancellation, and on
  /// a connected socket bad news from the peer, end it with an error.
  public var datagrams: Datagrams {
    Arrivals { () async throws(SocketError) in try await self.receive() }
  }

  /// The datagrams of a ``UDPSocket``, as they come.
  public typealias Datagrams = Arrivals<ReceivedDatagram>
}
