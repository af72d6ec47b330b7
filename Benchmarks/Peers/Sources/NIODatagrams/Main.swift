// SwiftNIO with a datagram channel's handler on one event loop: `NIODatagrams PORT BATCH`. With a
// batch, datagrams are received by recvmmsg; several answers leave by sendmmsg in either case.
import NIOCore
import NIOPosix

final class Echo: ChannelInboundHandler, Sendable {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}

@main
enum Main {
  static func main() throws {
    let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
    guard numbers.count == 2 else { fatalError("usage: NIODatagrams PORT BATCH") }
    let (port, batch) = (numbers[0], numbers[1])
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var bootstrap = DatagramBootstrap(group: group)
      .channelInitializer { channel in channel.pipeline.addHandler(Echo()) }
    if batch > 1 {
      // A message's part of the buffer is the buffer's size by the number of messages.
      bootstrap =
        bootstrap
        .channelOption(.datagramVectorReadMessageCount, value: batch)
        .channelOption(
          .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: batch * 2_048))
    }
    try bootstrap.bind(host: "0.0.0.0", port: port).wait().closeFuture.wait()
  }
}
