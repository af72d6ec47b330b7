// FlyingSocks over epoll: `FlyingEcho ECHO-PORT DISCARD-PORT`.
import FlyingSocks
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

@main
enum Main {
  static func main() async throws {
    let ports = CommandLine.arguments.dropFirst().compactMap { UInt16($0) }
    guard ports.count == 2 else { fatalError("usage: FlyingEcho ECHO-PORT DISCARD-PORT") }
    let pool = SocketPool<ePoll>.ePoll(maxEvents: 256)
    try await pool.prepare()
    try await withThrowingTaskGroup { tasks in
      tasks.addTask { try await pool.run() }
      tasks.addTask {
        try await serve(ports[0], pool) { connection in
          while true {
            let bytes = try await connection.read(atMost: 16_384)
            try await connection.write(Data(bytes))
          }
        }
      }
      tasks.addTask {
        try await serve(ports[1], pool) { connection in
          while true { _ = try await connection.read(atMost: 65_536) }
        }
      }
      try await tasks.waitForAll()
    }
  }

  static func serve(
    _ port: UInt16, _ pool: SocketPool<ePoll>,
    _ body: @escaping @Sendable (AsyncSocket) async throws -> Void
  ) async throws {
    let socket = try Socket(domain: AF_INET, type: .stream)
    try socket.setValue(true, for: .localAddressReuse)
    var address = sockaddr_in()
    address.sin_family = UInt16(AF_INET)
    address.sin_port = port.bigEndian
    try socket.bind(to: address)
    try socket.listen(maxPendingConnection: 4_096)
    let listener = try AsyncSocket(socket: socket, pool: pool)
    while true {
      let connection = try await listener.accept()
      Task {
        try? await body(connection)
        try? connection.close()
      }
    }
  }
}
