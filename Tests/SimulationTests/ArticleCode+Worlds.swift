import Packets
import Simulation
import Sockets
import Testing

// The code of Worlds.md about simulations. `GuideTests` looks for each of its blocks here.

@Suite("The code of the article about worlds, in a simulation", .timeLimit(.minutes(1)))
struct SimulatedWorldsArticle {
  private func ask(
    _ question: String, at place: String, from node: any NetworkNode
  ) async throws -> String? {
    try await node.withConnection(to: place, timeout: .seconds(30)) { connection in
      try await connection.write(question + "\n")
      var reader = StreamReader(connection)
      return try await reader.readLine(timeout: .seconds(30))
    }
  }

  @Test("The same function runs in a simulation, over a wire that loses")
  func simulation() async throws {
    var conditions = WireConditions()
    conditions.delay = .milliseconds(40)
    conditions.loss = .percent(3)
    let network = try SimulatedNetwork(seed: 7, conditions: conditions)
    let answer = try await network.run {
      let server = try network.addNode("server")
      let client = try network.addNode("client")
      let listener = try await server.listen(on: "tcp://10.0.0.1:7")
      async let serving: Void = server.serve(listener) { connection in
        for try await chunk in connection.chunks { try await connection.write(chunk) }
      }
      let answer = try await ask("is this TCP?", at: "tcp://10.0.0.1:7", from: client)
      listener.close()
      try await serving
      return answer
    }
    #expect(answer == "is this TCP?")
  }

  @Test("An hour of a simulation's takes no time")
  func virtualTime() async throws {
    let network = try SimulatedNetwork(seed: 1)
    try await network.run {
      let node = try network.addNode()
      let start = node.clock.now
      try await node.clock.sleep(for: .seconds(3_600))
      #expect(start.duration(to: node.clock.now) >= .seconds(3_600))
    }
  }
}
