import Addresses
import Sockets
import Testing

/// Long enough for anything that happens at all, so that a case that fails ends.
let patience = Duration.seconds(60)

/// Bytes in which no part resembles another; other ones for each seed up to 65,536.
func noise(_ count: Int, seed: Int = 0) -> [UInt8] { Array(sea[seed..<seed + count]) }

/// Made once: the longest noise there is.
private let sea: [UInt8] = {
  var state: UInt64 = 0x9E37_79B9_7F4A_7C15
  return (0..<(5 << 20) + 65_536).map { _ in
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return UInt8(truncatingIfNeeded: state)
  }
}()

/// The error that `body` throws.
func failure<Value>(_ body: () async throws -> Value) async -> SocketError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? SocketError
  }
}

/// The reason of the error that `body` throws.
func reason<Value>(_ body: () async throws -> Value) async -> SocketError.Reason? {
  await failure(body)?.reason
}

extension SocketError.Reason {
  var isBadEndpoint: Bool { if case .badEndpoint = self { true } else { false } }
}

extension Endpoint {
  /// The same address with another port.
  func at(_ port: PortNumber) -> Endpoint {
    Endpoint(transport, SocketAddress(address, port: port, zone: zone))
  }
}

extension TCPConnection {
  /// Reads exactly that many bytes, or fewer at the end of the stream.
  func read(exactly count: Int) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let part = try await read(upTo: min(count - bytes.count, 65_536), timeout: patience)
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  /// Reads and drops until the stream ends or fails.
  func readToFailure() async -> SocketError.Reason? {
    await reason { while !(try await self.read(timeout: patience)).isEmpty {} }
  }

  /// Writes until that fails.
  func writeToFailure() async -> SocketError.Reason? {
    await reason { while true { try await self.write(noise(2_000), timeout: patience) } }
  }

  /// Waits until the connection stands as `isReached` wants; the deadline is the suite's.
  func info(where isReached: (Info) -> Bool) async throws -> Info {
    while true {
      let info = try await info()
      if isReached(info) { return info }
      await Task.yield()
    }
  }
}
