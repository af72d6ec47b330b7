import Addresses
import Sockets
import Testing

@Suite("How a connection came to be", .timeLimit(.minutes(1)))
struct EstablishmentTests {
  @Test("has every address that was tried, and why not the others", arguments: World.allCases)
  func refused(world: World) async throws {
    let nodes = try await world.nodes()
    let listener = try await nodes.server.listen(on: .tcp(nodes.address, port: 0))
    // Nobody listens at the first.
    let other = world.isKernel ? "::1" : "fd00::2"
    let resolver = FixedResolver(known: ["a.example": [other, "\(nodes.address)"]])
    let connection = try await nodes.client.connect(
      to: NamedEndpoint(.tcp, host: "a.example", port: listener.local.port), resolver: resolver,
      timeout: patience)
    let establishment = try #require(try await connection.metrics().establishment)
    let remotes = [
      Endpoint.tcp(try IPAddress(parsing: other), port: listener.local.port), listener.local,
    ]
    #expect(establishment.attempts.map(\.remote) == remotes)
    #expect(establishment.attempts.map(\.outcome) == [.failed(.connectionRefused), .connected])
    let resolution = try #require(establishment.resolution)
    let first = establishment.attempts[0]
    let second = establishment.attempts[1]
    #expect(first.start >= resolution)
    // Not after the first's end: on a busy machine its refusal may take longer than its head start.
    #expect(second.start >= first.start)
    #expect(second.start + second.duration <= establishment.duration)
    #expect(establishment.handshake == second.duration)
  }

  @Test("RFC 8305 §5: tells of the attempt that another one overtook")
  func abandoned() async throws {
    let pair = try await Pair()
    let listener = try await pair.server.listen(on: "tcp://10.0.0.2:7")
    // Nobody has the first.
    let resolver = FixedResolver(known: ["a.example": ["fd00::77", "10.0.0.2"]])
    let connection = try await pair.client.connect(
      to: NamedEndpoint(.tcp, host: "a.example", port: 7), resolver: resolver, timeout: patience)
    let establishment = try #require(try await connection.metrics().establishment)
    #expect(connection.remote == listener.local)
    #expect(establishment.attempts.map(\.outcome) == [.abandoned, .connected])
    #expect(establishment.attempts[1].start > establishment.attempts[0].start)
    #expect(establishment.handshake < establishment.duration)
  }
}
