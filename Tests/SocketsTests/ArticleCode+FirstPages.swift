import Sockets

// The code of README.md, Sockets.md and EchoServer.md: compiled, and run by the examples' script.
// `GuideTests` looks for each of its blocks here.

private func readme() async throws {
  let node = HostNode()  // this machine, the kernel's stack
  // let node = try await StackNode(.tun("sock0", "10.7.0.2/24"))  // ours, on a TUN device

  try await node.serve(on: "tcp://[::]:7007") { connection in
    for try await chunk in connection.chunks { try await connection.write(chunk) }
  }
}

private func firstPage() async throws {
  let node = try await StackNode(.tun("sock0", "10.7.0.2/24", "fd07::2/64"))
  let listener = try await node.listen(on: "tcp://[::]:7")
  try await withThrowingDiscardingTaskGroup { group in
    for try await connection in listener.connections {
      group.addTask(executorPreference: node.executor) {
        try await connection.write(connection.readAll())
      }
    }
  }
}

private func tutorial() async throws -> StackNode {
  let node = try await StackNode(.tun("sock0", "10.7.0.2/24"))
  return node
}
