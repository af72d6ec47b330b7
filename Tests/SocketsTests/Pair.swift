import Addresses
import Logging
import Sockets

/// Two nodes on a cable in memory, and a connection between them where one is asked for.
struct Pair {
  let client: StackNode
  let server: StackNode

  init(mtu: Int = 1_500, depth: Int = 1_024, logger: Logger? = nil) async throws {
    (client, server) = try await StackNode.pair(mtu: mtu, depth: depth, logger: logger)
  }

  /// A connection and its other end.
  func connect(
    to endpoint: String = "tcp://10.0.0.2:7", options: TCPOptions = TCPOptions()
  ) async throws -> (client: TCPConnection, server: TCPConnection) {
    let listener = try await server.listen(on: endpoint, options: options)
    async let accepted = listener.accept(timeout: patience)
    let connection = try await client.connect(to: endpoint, options: options, timeout: patience)
    return (connection, try await accepted)
  }
}

/// Long enough for anything that happens at all, so that a test that fails ends.
let patience = Duration.seconds(30)

/// Bytes in which no part resembles another.
func noise(_ count: Int) -> [UInt8] {
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15
  return (0..<count).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state)
  }
}

/// The reason of the error that `body` throws.
func reason<Value>(
  _ body: () async throws -> Value
) async -> SocketError.Reason? {
  do {
    _ = try await body()
    return nil
  } catch {
    return (error as? SocketError)?.reason
  }
}
