import Addresses
import Sockets

/// What a VPN's program does that has packets and wants connections: a node of ours takes the
/// packets of a ``PacketFlow`` to any address, and what is said on its TCP connections is carried
/// on with this machine's own sockets.
///
///     packet-flow [PORT]
///
/// In place of a tunnel there is a second node of ours, whose packets come out of a flow as well: it
/// asks `tcp://198.51.100.7:PORT`, an address that nobody has, and this machine's echo answers.
@main
struct PacketFlowExample {
  static func main() async throws {
    let host = HostNode()
    let echo = try await host.listen(on: "tcp://127.0.0.1:0")
    let serving = Task(executorPreference: host.executor) {
      try await host.serve(echo) { connection in
        for try await chunk in connection.chunks { try await connection.write(chunk) }
      }
    }

    // The gateway's side of the tunnel, and a client behind the other.
    let tunnel = PacketFlow(mtu: 1_400)
    let gateway = try StackNode(tunnel, "10.7.0.1/24", takesAnyDestination: true)
    let device = PacketFlow(mtu: 1_400)
    let client = try StackNode(device, "10.7.0.2/24")
    let pumps = [
      Task { while true { try await tunnel.writePackets(device.readPackets()) } },
      Task { while true { try await device.writePackets(tunnel.readPackets()) } },
    ]

    let listener = try await gateway.listenAnywhere()
    let relaying = Task(executorPreference: gateway.executor) {
      try await gateway.serve(listener) { connection in
        // What the client asked for, carried on as this machine's: here always the echo.
        print("\(connection.remote) wants \(connection.local)")
        let onward = try await host.connect(to: .tcp(.v4(.loopback), port: echo.local.port))
        try await TCPConnection.relay(between: connection, and: onward)
      }
    }

    let connection = try await client.connect(to: "tcp://198.51.100.7:80", timeout: .seconds(10))
    try await connection.write("hello through a flow of packets")
    try await connection.shutdownSend()
    let answer = String(decoding: try await connection.readAll(), as: UTF8.self)
    print("198.51.100.7 answers \"\(answer)\"")

    listener.close()
    echo.close()
    try await relaying.value
    try await serving.value
    await client.shutdown(within: .seconds(1))
    await gateway.shutdown(within: .seconds(1))
    for pump in pumps { pump.cancel() }
  }
}
