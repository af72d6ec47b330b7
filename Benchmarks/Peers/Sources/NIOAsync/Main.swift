// SwiftNIO's NIOAsyncChannel on one event loop: `NIOAsync ECHO-PORT DISCARD-PORT`.
import NIOCore
import NIOPosix

typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

@main
enum Main {
  static func main() async throws {
    let ports = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    guard ports.count == 2 else { fatalError("usage: NIOAsync ECHO-PORT DISCARD-PORT") }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    try await withThrowingTaskGroup { tasks in
      tasks.addTask {
        try await serve(ports[0], group) { inbound, outbound in
          for try await bytes in inbound { try await outbound.write(bytes) }
        }
      }
      tasks.addTask {
        try await serve(ports[1], group) { inbound, _ in for try await _ in inbound {} }
      }
      try await tasks.waitForAll()
    }
  }

  static func serve(
    _ port: Int, _ group: MultiThreadedEventLoopGroup,
    _ body:
      @escaping @Sendable (
        NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>
      ) async throws -> Void
  ) async throws {
    let listener = try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 4_096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .bind(host: "0.0.0.0", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          try Connection(wrappingChannelSynchronously: channel)
        }
      }
    try await withThrowingDiscardingTaskGroup { tasks in
      try await listener.executeThenClose { connections in
        for try await connection in connections {
          tasks.addTask { try? await connection.executeThenClose(body) }
        }
      }
    }
  }
}
