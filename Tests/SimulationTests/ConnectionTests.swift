import Addresses
import Packets
import ProtocolStack
import Simulation
import Testing

/// Whole lives of connections between two production stacks.
@Suite struct ConnectionTests {
  private var path: WireConditions {
    var conditions = WireConditions()
    conditions.delay = .milliseconds(5)
    return conditions
  }

  private var badPath: WireConditions {
    var conditions = path
    conditions.loss = .percent(3)
    conditions.duplication = .percent(1)
    conditions.reordering = .percent(2)
    conditions.corruption = .percent(1)
    return conditions
  }

  /// Runs to the end and checks what holds for every run: finished, no complaint, nothing on the
  /// wire that should not be, and nothing left after 2 MSL.
  private func finish(_ pair: inout Pair, within limit: Interval = .seconds(600)) {
    let isFinished = pair.world.runUntilFinished(within: limit)
    #expect(isFinished)
    let failures = pair.world.failures
    #expect(failures == [])
    pair.world.run(until: pair.world.now + .seconds(300))
    let violations = pair.world.monitor?.violations.map(\.description)
    #expect(violations == [])
    for host in [pair.client, pair.server] {
      let sockets = pair.world[host].stack.socketCount
      #expect(sockets == 0)
      let occupancy = pair.world[host].stack.occupancy
      #expect(occupancy.bufferBytes == 0)
      #expect(occupancy.timers == 0)
      #expect(occupancy.queuedPackets == 0)
    }
    let left = pair.world.packetsInFlight
    #expect(left == 0)
  }

  @Test("Sequence numbers wrap", arguments: [0 as UInt32, 0x8000_0000], Pair.Version.allCases)
  func sequenceWrap(brink: UInt32, version: Pair.Version) throws {
    var configuration = StackConfiguration()
    configuration.tcp.fixedInitialSequenceNumber = brink &- 300_000
    var pair = try Pair(seed: 4, badPath, configuration: configuration)
    let transfers = try pair.transfer(version, up: 900_000, down: 900_000)
    finish(&pair)
    #expect(transfers.server?.received == 900_000)
    #expect(transfers.client?.received == 900_000)
  }

  @Test("Two hundred connections at once share a lossy wire")
  func manyConnections() throws {
    var conditions = badPath
    conditions.rate = .megabits(100)
    conditions.queueLimit = 200
    var pair = try Pair(seed: 5, conditions)
    var all: [Pair.Transfers] = []
    for number in 0..<200 {
      let version = number.isMultiple(of: 2) ? Pair.Version.v4 : .v6
      all.append(
        try pair.transfer(version, port: UInt16(5_000 + number), up: 20_000, down: 10_000))
    }
    finish(&pair)
    #expect(all.allSatisfy { $0.server?.received == 20_000 && $0.client?.received == 10_000 })
  }

  @Test("A reader that sleeps closes the window, and loses nothing", arguments: [0.0, 3])
  func slowReader(loss: Double) throws {
    var conditions = path
    conditions.loss = .percent(loss)
    var pair = try Pair(seed: 6, conditions)
    let transfers = try pair.transfer(
      up: 300_000,
      server: {
        $0.readPause = .milliseconds(500)
        $0.readSize = 10_000
        $0.options.receiveBufferLimit = 16_384
      })
    pair.world.run(until: .zero + .milliseconds(400))
    let received = try #require(transfers.server).received
    let sent = try #require(transfers.client).sent
    #expect(received <= 10_000)
    #expect(sent > 16_384)
    finish(&pair)
    #expect(transfers.server?.received == 300_000)
  }

  @Test("A direction that is closed early leaves the other open")
  func halfClose() throws {
    var pair = try Pair(seed: 7, badPath)
    let transfers = try pair.transfer(
      up: 1_000, down: 200_000, server: { $0.writePause = .milliseconds(20) })
    finish(&pair)
    #expect(transfers.client?.received == 200_000)
  }

  @Test("Both sides write everything before they read anything")
  func bothSendFirst() throws {
    var pair = try Pair(seed: 8, path)
    try pair.transfer(
      up: 200_000, down: 200_000, client: { $0.sendsFirst = true },
      server: { $0.sendsFirst = true })
    finish(&pair)
  }

  @Test("Two hosts that call each other at the same time have one connection")
  func simultaneousOpen() throws {
    var pair = try Pair(seed: 9, path)
    let first = SocketAddress(
      try IPAddress(parsing: "10.0.0.1"), port: PortNumber(rawValue: 7_000))
    let second = SocketAddress(
      try IPAddress(parsing: "10.0.0.2"), port: PortNumber(rawValue: 7_001))
    var plan = Transfer.Plan()
    plan.sends = 50_000
    plan.sendsFlow = 1
    plan.expects = 70_000
    plan.expectsFlow = 2
    var answer = Transfer.Plan()
    answer.sends = 70_000
    answer.sendsFlow = 2
    answer.expects = 50_000
    answer.expectsFlow = 1
    let one = Transfer(to: second, from: first, plan)
    let other = Transfer(to: first, from: second, answer)
    pair.world.launch(one, on: pair.client)
    pair.world.launch(other, on: pair.server)
    finish(&pair)
    #expect(one.received == 70_000)
    #expect(other.received == 50_000)
    let accepted = pair.world[pair.server].stack.tcpCounters.connectionsAccepted
    #expect(accepted == 0)
  }

  @Test("Both sides close at the same time")
  func simultaneousClose() throws {
    var pair = try Pair(seed: 10, path)
    try pair.transfer(up: 1_000, down: 1_000)
    finish(&pair)
  }

  @Test("A reset reaches the peer, and both sides forget")
  func abort() throws {
    var pair = try Pair(seed: 11, path)
    let transfers = try pair.transfer(
      up: 1_000_000, down: 1_000_000,
      client: {
        $0.abortsAfterReceiving = 100_000
        $0.toleratesReset = true
      }, server: { $0.toleratesReset = true })
    finish(&pair)
    #expect(transfers.server?.error == .connectionReset)
    #expect(transfers.client?.error == nil)
  }

  @Test("Nobody listens: the connection is refused at once", arguments: Pair.Version.allCases)
  func refused(version: Pair.Version) throws {
    var pair = try Pair(seed: 12, path)
    let client = Transfer(to: try Pair.address(version, 81), Transfer.Plan())
    pair.world.launch(client, on: pair.client)
    let isFinished = pair.world.runUntilFinished(within: .seconds(1))
    #expect(isFinished)
    #expect(client.error == .connectionRefused)
    #expect(client.finishedAt == .zero + .milliseconds(10))
  }

  @Test("A wire that is cut for half a minute only delays")
  func partition() throws {
    var pair = try Pair(seed: 13, path)
    let transfers = try pair.transfer(
      up: 500_000, client: { $0.writePause = .milliseconds(100) },
      server: { $0.readSize = 65_536 })
    let wire = pair.wire
    var cut = path
    cut.isCut = true
    let open = path
    let closed = cut
    pair.world.schedule(at: .zero + .milliseconds(200)) {
      $0.setConditions(closed, wire: wire, end: 0)
      $0.setConditions(closed, wire: wire, end: 1)
    }
    pair.world.schedule(at: .zero + .seconds(30)) {
      $0.setConditions(open, wire: wire, end: 0)
      $0.setConditions(open, wire: wire, end: 1)
    }
    finish(&pair)
    let finishedAt = try #require(transfers.server?.finishedAt)
    // S2: no later than twice the time-out that was running when the wire came back.
    #expect(finishedAt > .zero + .seconds(30))
    #expect(finishedAt < .zero + .seconds(90))
  }

  @Test("A peer that vanishes is given up, with the reason", arguments: Pair.Version.allCases)
  func vanished(version: Pair.Version) throws {
    var pair = try Pair(seed: 14, path)
    let transfers = try pair.transfer(
      version, up: 10_000_000, client: { $0.options.userTimeout = .seconds(20) })
    pair.world.run(until: .zero + .milliseconds(100))
    var cut = path
    cut.isCut = true
    pair.world.setConditions(cut, wire: pair.wire, end: 0)
    pair.world.setConditions(cut, wire: pair.wire, end: 1)
    pair.world.run(until: .zero + .seconds(60))
    #expect(transfers.client?.error == .timedOut)
    let gaveUp = try #require(transfers.client?.finishedAt)
    #expect(gaveUp > .zero + .seconds(18))
    #expect(gaveUp < .zero + .seconds(30))
  }

  @Test("Super-segments arrive the same, whole or cut on the way", arguments: [true, false])
  func offload(isCoalesced: Bool) throws {
    let abilities = LinkAbilities(
      mtu: 1_500, checksumOffload: true, segmentationOffload: 65_535,
      receiveCoalescing: isCoalesced)
    var pair = try Pair(seed: 15, badPath, abilities: abilities)
    let transfers = try pair.transfer(up: 2_000_000, down: 300_000)
    finish(&pair)
    #expect(transfers.server?.received == 2_000_000)
    let counters = pair.world.wireCounters
    #expect(counters.cutSegments > 0)
  }

  @Test("An echo comes back byte by byte what was sent")
  func echo() throws {
    var pair = try Pair(seed: 16, badPath)
    let address = try Pair.address(.v6, 7)
    pair.world.launch(
      Server(on: address) { socket, _, _ in Echo(accepted: socket) }, on: pair.server)
    var plan = Transfer.Plan()
    plan.sends = 300_000
    plan.expects = 300_000
    let client = Transfer(to: address, plan)
    pair.world.launch(client, on: pair.client)
    finish(&pair)
    #expect(client.received == 300_000)
  }

  @Test("Requests are answered one by one, each within a round trip on a good wire")
  func requests() throws {
    var pair = try Pair(seed: 17, path)
    var exchange = Exchange()
    exchange.count = 50
    exchange.responseSize = 1_000
    let drawn = exchange
    let address = try Pair.address(.v4, 80)
    pair.world.launch(
      Server(on: address) { socket, _, _ in Responder(accepted: socket, drawn) }, on: pair.server)
    let client = Requester(to: address, exchange)
    pair.world.launch(client, on: pair.client)
    finish(&pair)
    #expect(client.latencies == [Interval](repeating: .milliseconds(10), count: 50))
  }
}
