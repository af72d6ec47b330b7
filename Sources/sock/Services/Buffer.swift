import Sockets

/// A buffer that begins small and grows as long as reads fill it: many quiet connections cost
/// little, a busy one reads much at once.
struct Buffer: ~Copyable {
  private(set) var bytes = [UInt8](repeating: 0, count: 2_048)

  private static let limit = 256 << 10

  /// Reads what there is to the buffer's front.
  ///
  /// - Returns: how many bytes; zero at the end.
  mutating func fill(from connection: TCPConnection) async throws(SocketError) -> Int {
    var span = bytes.mutableSpan
    let count = try await connection.read(into: &span)
    return count
  }

  /// Makes room for more, if the last read of `count` bytes has filled the buffer.
  mutating func grow(after count: Int) {
    guard count == bytes.count, count < Self.limit else { return }
    bytes = [UInt8](repeating: 0, count: min(count * 4, Self.limit))
  }
}
