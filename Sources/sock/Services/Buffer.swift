import Sockets
import Synchronization

/// Memory to read into, which a connection has only while there is something to read or to write:
/// quiet connections cost none, and busy ones share what is in the processor's cache.
final class BufferPool: Sendable {
  /// The sizes there are, from 4 to 256 KiB: a connection whose reads fill one gets the next.
  private static let steps = 4
  private static func size(_ step: Int) -> Int { 4_096 << (2 * step) }
  /// How much memory of a size is kept for the next, in bytes.
  private static let kept = 1 << 20

  private let free = Mutex([[[UInt8]]](repeating: [], count: steps))

  fileprivate func take(_ step: Int) -> [UInt8] {
    free.withLock { $0[step].popLast() } ?? [UInt8](repeating: 0, count: Self.size(step))
  }

  /// Takes the memory out of `bytes`.
  fileprivate func give(_ bytes: inout [UInt8], _ step: Int) {
    var given: [UInt8] = []
    swap(&given, &bytes)
    free.withLock { free in
      guard free[step].count * Self.size(step) < Self.kept else { return }
      free[step].append(given)
    }
  }

  fileprivate static var lastStep: Int { steps - 1 }
}

/// One connection's share of a ``BufferPool``.
struct Buffer: ~Copyable {
  private let pool: BufferPool
  private(set) var bytes: [UInt8] = []
  private var step = 0

  init(_ pool: BufferPool) { self.pool = pool }

  /// Waits for something to read, and reads what there is to the front of ``bytes``, which stay
  /// until the next call.
  ///
  /// - Returns: how many bytes; zero at the end.
  @inline(__always)
  mutating func fill(from connection: TCPConnection) async throws(SocketError) -> Int {
    while true {
      giveBack()
      try await connection.waitUntilReadable()
      bytes = pool.take(step)
      do {
        return try await readNow(connection)
      } catch {
        guard error.reason == .deadlineExceeded else { throw error }
      }
    }
  }

  private mutating func readNow(_ connection: TCPConnection) async throws(SocketError) -> Int {
    var span = bytes.mutableSpan
    if let count = try connection.tryRead(into: &span) { return count }
    return try await connection.read(into: &span, timeout: .zero)
  }

  /// Has the next read be a larger one, if the last of `count` bytes has filled the buffer.
  mutating func grow(after count: Int) {
    guard count == bytes.count, step < BufferPool.lastStep else { return }
    giveBack()
    step += 1
  }

  private mutating func giveBack() {
    if !bytes.isEmpty { pool.give(&bytes, step) }
  }

  deinit {
    var bytes = bytes
    if !bytes.isEmpty { pool.give(&bytes, step) }
  }
}
