import Addresses
import Sockets

extension Offer {
  /// Answers datagrams until the socket closes or the task is cancelled.
  func serve(_ socket: UDPSocket) async throws(SocketError) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let datagram: DatagramHeader
      do {
        var span = buffer.mutableSpan
        datagram = try await socket.receive(into: &span)
      } catch {
        if error.reason == .closed || error.reason == .cancelled { return }
        throw error
      }
      tally.add { counts in
        counts.datagrams += 1
        counts.bytesIn += Int64(datagram.count)
      }
      // Two services that answer each other would never stop; clients use higher ports.
      guard datagram.source.port.rawValue >= 1_024 else { continue }
      let answer: Int
      switch service {
      case .echo: answer = datagram.count
      case .generate:
        // RFC 864 §3: one datagram of up to 512 characters for each that comes.
        answer = 512
        for index in 0..<answer { buffer[index] = Self.pattern[index] }
      case .discard, .files: continue
      }
      await send(buffer.span.extracting(first: answer), to: datagram.source, through: socket)
    }
  }

  /// A datagram that cannot be answered is no reason to stop.
  private func send(
    _ bytes: Span<UInt8>, to remote: Endpoint, through socket: UDPSocket
  ) async {
    guard (try? await socket.send(bytes, to: remote)) != nil else { return }
    let count = bytes.count
    tally.add { $0.bytesOut += Int64(count) }
  }
}
