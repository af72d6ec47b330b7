import Addresses
import Sockets
import Testing

@Suite("A batch of datagrams", .timeLimit(.minutes(1)))
struct BatchTests {
  /// A socket with a known port, and one to send from, in each world.
  enum World: CaseIterable {
    case kernel, stack

    func sockets() async throws -> (receiver: UDPSocket, sender: UDPSocket, any TaskExecutor) {
      switch self {
      case .kernel:
        let node = HostNode()
        let receiver = try await node.bind("udp://127.0.0.1:0")
        let sender = try await node.bind("udp://127.0.0.1:0")
        return (receiver, sender, node.executor)
      case .stack:
        let pair = try await Pair()
        let receiver = try await pair.server.bind("udp://10.0.0.2:0")
        let sender = try await pair.client.bind("udp://10.0.0.1:0")
        return (receiver, sender, pair.server.executor)
      }
    }
  }

  @Test("holds copies, as many and as long as it was made for")
  func content() {
    var batch = DatagramBatch(capacity: 2, maximumSize: 3)
    let bytes: [UInt8] = [1, 2, 3, 4]
    let peer = Endpoint.udp(.v4(.loopback), port: 9)
    let isTooLong = !batch.append(bytes.span)
    let fits = batch.append(bytes.span.extracting(first: 3), to: peer)
    let isEmptyOne = batch.append(bytes.span.extracting(first: 0))
    let isFull = !batch.append(bytes.span.extracting(first: 1))
    #expect(isTooLong && fits && isEmptyOne && isFull)
    let elements = (batch.count, batch[0], batch[1])
    #expect(elements.0 == 2)
    #expect(elements.1.count == 3)
    #expect(elements.1.remote == peer)
    #expect(elements.2.remote == nil)
    let last = batch.bytes(at: 0)[2]
    #expect(last == 3)
    batch.removeAll()
    let count = batch.count
    #expect(count == 0)
  }

  @Test("comes as it was sent", arguments: World.allCases, [true, false])
  func exchange(world: World, onExecutor: Bool) async throws {
    let (receiver, sender, executor) = try await world.sockets()
    try await withTaskExecutorPreference(onExecutor ? executor : globalConcurrentExecutor) {
      var outgoing = DatagramBatch(capacity: 100, maximumSize: 1_200)
      for number in 0..<100 {
        let bytes = noise(number * 12)
        let isIn = outgoing.append(bytes.span, to: receiver.local)
        #expect(isIn)
      }
      try await sender.send(outgoing)
      var batch = DatagramBatch(capacity: 70, maximumSize: 1_100)
      var next = 0
      while next < 100 {
        try await receiver.receive(into: &batch, timeout: patience)
        for index in 0..<batch.count {
          let expected = noise(next * 12)
          let isTruncated = expected.count > 1_100
          let element = batch[index]
          #expect(element.isTruncated == isTruncated)
          #expect(element.count == min(expected.count, 1_100))
          #expect(element.remote == sender.local)
          #expect(element.local == receiver.local)
          let bytes = batch.bytes(at: index)
          let isSame = bytes.indices.allSatisfy { bytes[$0] == expected[$0] }
          #expect(isSame)
          next += 1
        }
      }
      #expect(next == 100)
    }
  }

  @Test("that nobody sends ends with its time", arguments: World.allCases)
  func deadline(world: World) async throws {
    let (receiver, _, _) = try await world.sockets()
    var batch = DatagramBatch(capacity: 1)
    var found: SocketError.Reason?
    do {
      try await receiver.receive(into: &batch, timeout: .milliseconds(20))
    } catch {
      found = error.reason
    }
    #expect(found == .deadlineExceeded)
    let count = batch.count
    #expect(count == 0)
  }
}

@Suite("A multicast group", .timeLimit(.minutes(1)))
struct GroupTests {
  static let groups = ["239.1.2.3", "ff05::1234"]

  @Test("is heard by who joined it, until it leaves", arguments: groups)
  func stack(group: String) async throws {
    let pair = try await Pair()
    let address = try IPAddress(parsing: group)
    let endpoint = Endpoint.udp(address, port: 9)
    let receiver = try await pair.server.bind("udp://[::]:9")
    let sender = try await pair.client.bind()
    try await receiver.join(address)
    #expect(await reason { try await receiver.join(address) } == .addressInUse)
    try await sender.send([1], to: endpoint)
    let heard = try await receiver.receive(timeout: patience)
    #expect(heard.bytes == [1])
    #expect(heard.destination.address == address)
    try await receiver.leave(address)
    #expect(await reason { try await receiver.leave(address) } == .addressNotAvailable)
    try await sender.send([2], to: endpoint)
    let silence = await reason { try await receiver.receive(timeout: .milliseconds(50)) }
    #expect(silence == .deadlineExceeded)
  }

  @Test("is heard on this machine's loopback")
  func kernel() async throws {
    let node = HostNode()
    let address = try IPAddress(parsing: "239.1.2.3")
    let receiver = try await node.bind("udp://0.0.0.0:0")
    try await receiver.join(address, on: "lo")
    let options = UDPOptions(multicastInterface: "lo")
    let sender = try await node.bind("udp://0.0.0.0:0", options: options)
    let endpoint = Endpoint.udp(address, port: receiver.local.port)
    try await sender.send([1], to: endpoint)
    let heard = try await receiver.receive(timeout: patience)
    #expect(heard.bytes == [1])
    #expect(heard.destination == endpoint)
    try await receiver.leave(address, on: "lo")
    let none = await reason { try await receiver.leave(address, on: "lo") }
    #expect(none == .addressNotAvailable)
  }

  @Test("must be one, on an interface that is there")
  func refusals() async throws {
    let pair = try await Pair()
    let host = try await HostNode().bind("udp://0.0.0.0:0")
    let ours = try await pair.server.bind("udp://0.0.0.0:0")
    let group = try IPAddress(parsing: "239.1.2.3")
    for socket in [host, ours] {
      let noGroup = await reason { try await socket.join(.v4(.loopback)) }
      #expect(noGroup == .invalidOperation)
      let noInterface = await reason { try await socket.join(group, on: "none0") }
      #expect(noInterface == .noSuchInterface("none0"))
    }
  }
}
