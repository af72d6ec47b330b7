import Sockets

/// Sends datagrams back, on one thread: `datagram-echo ENDPOINT BATCH`. What Benchmarks/sockets
/// measures beside other servers.
@main
struct DatagramEcho {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let local = arguments.first, let size = arguments.dropFirst().first.flatMap({ Int($0) })
    else { return print("usage: datagram-echo ENDPOINT BATCH") }
    let node = HostNode()
    let socket = try await node.bind(local)
    try await withTaskExecutorPreference(node.executor) {
      if size == 1 { try await answerSingly(socket) } else { try await answer(socket, size) }
    }
  }

  @concurrent private static func answerSingly(_ socket: UDPSocket) async throws {
    var buffer = [UInt8](repeating: 0, count: 2_048)
    while true {
      var span = buffer.mutableSpan
      let header = try await socket.receive(into: &span)
      try await socket.send(buffer.span.extracting(first: header.count), to: header.source)
    }
  }

  @concurrent private static func answer(_ socket: UDPSocket, _ size: Int) async throws {
    var batch = DatagramBatch(capacity: size, maximumSize: 2_048)
    while true {
      try await socket.receive(into: &batch)
      try await socket.send(batch)
    }
  }
}
