import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Our own mistakes") struct NetworkFaultTests {
  @Test("To use what a table does not have is counted, and ends neither process nor connection")
  func standIns() throws {
    let server = try NetworkPeer(.ethernet)
    let client = try Partner(of: server)
    let listener = try server.stack.listenTCP(
      on: SocketAddress(.v6(.any), port: 80), at: server.now)
    let connection = try client.stack.connectTCP(
      to: SocketAddress(.v4(server.stack4), port: 80), at: server.now)
    client.exchange(with: server)
    let accepted = try #require(try server.stack.acceptTCP(listener, at: server.now))
    _ = server.events()
    #expect(server.counters.brokenInvariants == 0)
    #expect(server.stack.tcpCounters.brokenInvariants == 0)
    for round in 1...3 {
      let below = server.counters.brokenInvariants
      let tcp = server.stack.tcpCounters.brokenInvariants
      server.stack.useWhatIsNotThere()
      #expect(server.counters.brokenInvariants > below + 4)
      #expect(server.stack.tcpCounters.brokenInvariants > tcp + 4)
      let bytes = pattern(5_000 * round)
      #expect(try client.stack.send(connection, bytes.span, at: server.now) == bytes.count)
      for _ in 0..<10 { client.advance(with: server, .milliseconds(50)) }
      #expect(try receive(&server.stack, accepted, bytes.count, at: server.now) == bytes)
      #expect(server.events() == [.readable(accepted)])
    }
    #expect(server.stack.socketCount == 2)
    #expect(server.mtu == 1_500)
  }
}

extension NetworkPeer {
  fileprivate var mtu: Int { stack.mtu(of: interface) }
}
