import Addresses
import Sockets
import Testing

/// Two nodes that reach each other, of every world there is in one process.
enum World: CaseIterable, CustomTestStringConvertible {
  /// Two stacks of ours, on a cable in memory.
  case stack
  /// The kernel's, with itself.
  case kernel
  /// The same, with io_uring; where that cannot be had, ``HostNode`` over epoll once more.
  case kernelRing

  var testDescription: String { "\(self)" }

  var isKernel: Bool { self != .stack }

  struct Nodes {
    let client: any NetworkNode
    let server: any NetworkNode
    /// The server's IPv4 address, as the client reaches it.
    let address: IPAddress

    /// A connection and its other end.
    func connect(
      options: TCPOptions = TCPOptions()
    ) async throws -> (client: TCPConnection, server: TCPConnection) {
      let listener = try await server.listen(on: .tcp(address, port: 0), options: options)
      async let accepted = listener.accept(timeout: patience)
      let connection = try await client.connect(
        to: listener.local, options: options, timeout: patience)
      return (connection, try await accepted)
    }
  }

  func nodes() async throws -> Nodes {
    switch self {
    case .stack:
      let (client, server) = try await StackNode.pair()
      return Nodes(client: client, server: server, address: try IPAddress(parsing: "10.0.0.2"))
    case .kernel, .kernelRing:
      let isRing = self == .kernelRing && HostNode.Engine.ioUringRefusal == nil
      let node = HostNode(engine: isRing ? .ioUring : .epoll)
      return Nodes(client: node, server: node, address: try IPAddress(parsing: "127.0.0.1"))
    }
  }
}
