import Sockets

/// Passes connections on to another place: `port-forwarder ENDPOINT PLACE`, for example
/// `port-forwarder tcp://[::]:8080 tcp://www.example.org:80`.
@main
struct PortForwarder {
  static func main() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let local = arguments.first, let remote = arguments.dropFirst().first else {
      return print("usage: port-forwarder ENDPOINT PLACE")
    }
    let node = HostNode()
    let listener = try await node.listen(on: local)
    print("\(listener.local) leads to \(remote)")
    try await node.serve(
      listener, onFailure: { connection, error in print("\(connection): \(error)") },
      { client in
        let server = try await node.connect(to: remote, timeout: .seconds(10))
        try await TCPConnection.relay(between: client, and: server)
      })
  }
}
