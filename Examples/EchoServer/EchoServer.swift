import Sockets

/// Sends every byte back to where it came from: `echo-server [ENDPOINT]`.
@main
struct EchoServer {
  static func main() async throws {
    let node = HostNode()
    let listener = try await node.listen(
      on: CommandLine.arguments.dropFirst().first ?? "tcp://[::]:7007")
    print("echo on \(listener.local)")
    try await node.serve(listener) { connection in
      for try await chunk in connection.chunks {
        try await connection.write(chunk)
      }
    }
  }
}
