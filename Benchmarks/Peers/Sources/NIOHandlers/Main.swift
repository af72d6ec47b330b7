// SwiftNIO with channel handlers on one event loop: `NIOHandlers ECHO-PORT DISCARD-PORT`.
import NIOCore
import NIOPosix

final class Echo: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

final class Discard: ChannelInboundHandler, Sendable {
  typealias InboundIn = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}

@main
enum Main {
  static func main() throws {
    let ports = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    guard ports.count == 2 else { fatalError("usage: NIOHandlers ECHO-PORT DISCARD-PORT") }
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let echo = try listen(on: ports[0], group) { Echo() }
    _ = try listen(on: ports[1], group) { Discard() }
    try echo.closeFuture.wait()
  }

  static func listen(
    on port: Int, _ group: MultiThreadedEventLoopGroup,
    _ makeHandler: @escaping @Sendable () -> any ChannelHandler & Sendable
  ) throws -> any Channel {
    try ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 4_096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in channel.pipeline.addHandler(makeHandler()) }
      .bind(host: "0.0.0.0", port: port).wait()
  }
}
