import Addresses
import Packets
import ProtocolStack
import Simulation
import Testing

/// More than two hosts, and Ethernet between them.
@Suite struct TopologyTests {
  private func prefixes(_ host: Int) throws -> [Prefix] {
    [try Prefix(parsing: "10.0.0.\(host + 1)/24"), try Prefix(parsing: "fd00::\(host + 1)/64")]
  }

  private func station(_ host: Int) -> EthernetAddress {
    EthernetAddress(2, 0, 0, 0, 0, UInt8(truncatingIfNeeded: host + 1))
  }

  /// Every host sends to every other over both versions.
  private func everyoneToEveryone(_ kind: WireKind, hosts: Int) throws {
    var world = World(seed: 3)
    world.monitor = WireMonitor()
    var attachments: [WireAttachment] = []
    var conditions = WireConditions()
    conditions.delay = .milliseconds(1)
    conditions.loss = .percent(1)
    for host in 0..<hosts {
      _ = world.addHost("host\(host)")
      var abilities = LinkAbilities(mtu: 1_500)
      if case .switched = kind { abilities.framing = .ethernet(station(host)) }
      attachments.append(
        WireAttachment(host, try prefixes(host), abilities: abilities, outbound: conditions))
    }
    try world.addWire(kind, attachments)
    // Duplicate address detection on Ethernet takes a second or two.
    world.run(until: .zero + .seconds(5))
    for from in 0..<hosts {
      for to in 0..<hosts where to != from {
        for (version, prefix) in try prefixes(to).enumerated() {
          let port = PortNumber(rawValue: UInt16(5_000 + from * 10 + version))
          let address = SocketAddress(prefix.address, port: port)
          var plan = Transfer.Plan()
          plan.sends = 20_000
          plan.sendsFlow = UInt64(from * 100 + to)
          var sink = Transfer.Plan()
          sink.expects = plan.sends
          sink.expectsFlow = plan.sendsFlow
          let expected = sink
          world.launch(
            Server(on: address) { socket, _, _ in Transfer(accepted: socket, expected) }, on: to)
          world.launch(Transfer(to: address, plan), on: from)
        }
      }
    }
    let isFinished = world.runUntilFinished(within: .seconds(120))
    let failures = world.failures
    let violations = world.monitor?.violations.map(\.description)
    #expect(isFinished)
    #expect(failures == [])
    #expect(violations == [])
  }

  @Test("Four hosts around a switch resolve each other and exchange every byte")
  func switched() throws { try everyoneToEveryone(.switched, hosts: 4) }

  @Test("Four hosts around a cloud of routes exchange every byte")
  func routed() throws { try everyoneToEveryone(.routed, hosts: 4) }

  @Test("A packet for nobody is counted where it ends")
  func nobody() throws {
    var world = World(seed: 1)
    let host = world.addHost("lonely")
    let other = world.addHost("other")
    let wire = try world.addWire(
      .routed, [WireAttachment(host, try prefixes(0)), WireAttachment(other, try prefixes(1))])
    let nobody = SocketAddress(
      try IPAddress(parsing: "10.0.0.77"), port: PortNumber(rawValue: 9))
    world.launch(DatagramSource(to: nobody, count: 3, pause: .milliseconds(1)), on: host)
    world.run(until: .zero + .seconds(1))
    let counters = world.counters(wire: wire, end: 0)
    #expect(counters.unaddressed == 3)
  }

  @Test("A direct wire has two ends")
  func directNeedsTwo() throws {
    var world = World(seed: 1)
    let host = world.addHost("lonely")
    let attachments = [WireAttachment(host, try prefixes(0))]
    var error: StackError?
    do throws(StackError) { try world.addWire(.direct, attachments) } catch let thrown {
      error = thrown
    }
    #expect(error == .invalidOperation)
  }
}
