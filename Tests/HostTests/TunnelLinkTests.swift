import Addresses
import Host
import Packets
import SystemPackage
import Testing

@Suite("A TUN link", .serialized, .enabled(if: RootTests.areEnabled, RootTests.reason))
struct TunnelLinkTests {
  let ours = IPv4Address(10, 77, 1, 2)
  let linux = IPv4Address(10, 77, 1, 1)

  private func open(_ name: String, offload: Bool) throws -> TunnelLink {
    let prefix = try #require(Prefix(.v4(ours), length: 24))
    var configuration = TunnelConfiguration(name: name, addresses: [prefix])
    configuration.offload = offload
    return try TunnelLink(configuration)
  }

  @Test("without offload, Linux's datagram arrives whole and checksummed")
  func plainReceive() throws {
    var link = try open("plain0", offload: false)
    #expect(link.abilities == LinkAbilities(mtu: 1500))
    let socket = try KernelSocket(.datagram)
    try socket.bind(linux, 4000)
    try socket.connect(ours, 7)
    #expect(try socket.send([1, 2, 3]) == 3)
    let packet = try link.receive(where: carries(17))
    #expect(packet.offload == Offload())
    #expect(packet.headroom == Packet.defaultHeadroom)
    let expected = TestPackets.udp(from: (linux, 4000), to: (ours, 7), [1, 2, 3])
    #expect(Array(packet.array.dropFirst(20)) == Array(expected.dropFirst(20)))
    #expect(packet.count == expected.count)
  }

  @Test("without offload, Linux's socket receives the datagram we write")
  func plainTransmit() throws {
    let link = try open("plain1", offload: false)
    let socket = try KernelSocket(.datagram)
    try socket.bind(linux, 4000)
    let packet = Packet(TestPackets.udp(from: (ours, 7), to: (linux, 4000), [4, 5, 6, 7]))
    #expect(try link.transmit(packet))
    #expect(try socket.receive() == [4, 5, 6, 7])
  }

  @Test("Linux answers our echo request", arguments: [false, true])
  func echo(offload: Bool) throws {
    var link = try open("echo0", offload: offload)
    var message: [UInt8] = [8, 0, 0, 0, 0, 1, 0, 2] + Array(0..<56)
    var checksum = InternetChecksum()
    checksum.add(message.span)
    message.replaceSubrange(2..<4, with: TestPackets.two(Int(checksum.value)))
    let header = TestPackets.ipv4(1, from: ours, to: linux, payloadCount: message.count)
    #expect(try link.transmit(Packet(header + message)))
    let answer = try link.receive(where: carries(1))
    #expect(answer.bytes.uint8(at: 20) == 0)
    #expect(answer.array.suffix(56) == message.suffix(56))
  }

  @Test("with offload, Linux leaves the checksum to us and says where it belongs")
  func offloadReceive() throws {
    var link = try open("off0", offload: true)
    #expect(link.abilities.checksumOffload == true)
    #expect(link.abilities.segmentationOffload == 65_535)
    #expect(link.abilities.receiveCoalescing)
    let socket = try KernelSocket(.datagram)
    try socket.bind(linux, 4000)
    try socket.connect(ours, 7)
    _ = try socket.send([1, 2, 3])
    let packet = try link.receive(where: carries(17))
    var expected = Offload()
    expected.needsChecksum = true
    expected.checksumIsValid = true
    expected.checksumStart = 20
    expected.checksumOffset = 6
    #expect(packet.offload == expected)
    let partial = TestPackets.pseudoHeader(17, from: linux, to: ours, count: 11)
    #expect(packet.bytes.uint16(at: 26) == partial)
  }

  @Test("with offload, Linux completes the checksum we leave to it")
  func offloadTransmit() throws {
    let link = try open("off1", offload: true)
    let socket = try KernelSocket(.datagram)
    try socket.bind(linux, 4000)
    let bytes = TestPackets.udp(from: (ours, 7), to: (linux, 4000), [8, 9], checksum: false)
    // Sent as it is, the half-made checksum is wrong and Linux drops the datagram.
    #expect(try link.transmit(Packet(bytes)))
    var packet = Packet(bytes)
    packet.offload.needsChecksum = true
    packet.offload.checksumStart = 20
    packet.offload.checksumOffset = 6
    #expect(try link.transmit(packet))
    let whole = TestPackets.udp(from: (ours, 7), to: (linux, 4000), [10])
    #expect(try link.transmit(Packet(whole)))
    #expect(try socket.receive() == [8, 9])
    #expect(try socket.receive() == [10])
  }

  @Test("a UDP super-segment is cut into datagrams by Linux")
  func datagramSegmentation() throws {
    let link = try open("off2", offload: true)
    let socket = try KernelSocket(.datagram)
    try socket.bind(linux, 4000)
    let payload = (0..<1100).map { UInt8(truncatingIfNeeded: $0 / 500) }
    var packet = Packet(
      TestPackets.udp(from: (ours, 7), to: (linux, 4000), payload, checksum: false))
    packet.offload.needsChecksum = true
    packet.offload.checksumStart = 20
    packet.offload.checksumOffset = 6
    packet.offload.segmentation = .udp
    packet.offload.segmentSize = 500
    #expect(try link.transmit(packet))
    #expect(try socket.receive() == Array(payload[..<500]))
    #expect(try socket.receive() == Array(payload[500..<1000]))
    #expect(try socket.receive() == Array(payload[1000...]))
  }

  @Test("TCP super-segments pass both ways")
  func streamSegmentation() throws {
    var link = try open("off3", offload: true)
    let socket = try KernelSocket(.stream)
    try socket.bind(linux, 4000)
    try socket.connect(ours, 80)

    func segment(
      _ sequence: UInt32, _ acknowledgement: UInt32, _ flags: UInt8, options: [UInt8] = [],
      _ payload: [UInt8] = []
    ) -> Packet {
      var packet = Packet(
        TestPackets.tcp(
          from: (ours, 80), to: (linux, 4000), sequence: sequence,
          acknowledgement: acknowledgement, flags: flags, options: options, payload))
      packet.offload.needsChecksum = true
      packet.offload.checksumStart = 20
      packet.offload.checksumOffset = 16
      return packet
    }

    // The handshake, with a maximum segment size of 1000 bytes.
    let syn = try link.receive(where: carries(6))
    let theirs = syn.bytes.uint32(at: 24) &+ 1
    #expect(try link.transmit(segment(100, theirs, 0x12, options: [2, 4, 0x03, 0xE8])))
    _ = try link.receive(where: carries(6))

    // In: the kernel's whole initial window comes as one packet or few, larger than the MTU.
    let sent = (0..<8000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    #expect(try socket.send(sent) == 8000)
    var received: [UInt8] = []
    var largest = 0
    while received.count < 8000 {
      let packet = try link.receive { packet in carries(6)(packet) && packet.count > 40 }
      #expect(packet.offload.needsChecksum)
      if packet.count > 1040 {
        #expect(packet.offload.segmentation == .tcp4)
        #expect(packet.offload.segmentSize == 1000)
      }
      largest = max(largest, packet.count)
      received += packet.array.dropFirst(40)
    }
    #expect(received == sent)
    #expect(largest > link.abilities.mtu)

    // Out: one write of 2500 bytes, cut into three segments, all acknowledged.
    let answer = (0..<2500).map { UInt8(truncatingIfNeeded: $0 / 11) }
    var packet = segment(101, theirs &+ 8000, 0x18, answer)
    packet.offload.segmentation = .tcp4
    packet.offload.segmentSize = 1000
    #expect(try link.transmit(packet))
    var read: [UInt8] = []
    while read.count < 2500, let more = try socket.receive() { read += more }
    #expect(read == answer)
  }

  @Test("API-4: a packet larger than the room for it is refused, and the next one is not")
  func shortRoom() throws {
    var link = try open("short0", offload: false)
    let socket = try KernelSocket(.datagram)
    try socket.connect(ours, 7)
    _ = try socket.send([UInt8](repeating: 1, count: 1000))
    _ = try socket.send([2])
    let error = #expect(throws: SystemError.self) {
      _ = try link.receive(within: Packet.defaultHeadroom + 600, where: carries(17))
    }
    #expect(error?.errno == .messageTooLong)
    #expect(error?.linkFault == .refused)
    let next = try link.receive(where: carries(17))
    #expect(next.array.last == 2)
  }

  @Test("API-4: a packet that exactly fills the room for it arrives")
  func exactRoom() throws {
    var link = try open("short1", offload: true)
    let socket = try KernelSocket(.datagram)
    try socket.connect(ours, 7)
    _ = try socket.send([UInt8](repeating: 1, count: 1000))
    let packet = try link.receive(within: Packet.defaultHeadroom + 1028, where: carries(17))
    #expect(packet.tailroom == 0)
  }

  @Test("API-4: an interface that is down loses packets and recovers")
  func down() throws {
    var link = try open("down0", offload: true)
    let interface = try HostInterface(named: "down0")
    let packet = Packet(TestPackets.udp(from: (ours, 7), to: (linux, 4000), [1]))
    try interface.setUp(false)
    let error = #expect(throws: SystemError.self) { _ = try link.transmit(packet) }
    #expect(error?.linkFault == .down)
    var spare = Packet(capacity: link.packetCapacity)
    #expect(try !link.receive(into: &spare))
    #expect(spare.count == 0)
    try interface.setUp(true)
    let socket = try KernelSocket(.datagram)
    try socket.bind(linux, 4000)
    #expect(try link.transmit(packet))
    #expect(try socket.receive() == [1])
  }

  @Test("API-4: a deleted device is reported as gone, on both directions")
  func deleted() throws {
    var link = try open("gone0", offload: true)
    try HostInterface(named: "gone0").delete()
    let packet = Packet(TestPackets.udp(from: (ours, 7), to: (linux, 4000), [1]))
    let transmission = #expect(throws: SystemError.self) { _ = try link.transmit(packet) }
    #expect(transmission?.linkFault == .gone)
    var spare = Packet(capacity: link.packetCapacity)
    let reception = #expect(throws: SystemError.self) { _ = try link.receive(into: &spare) }
    #expect(reception?.linkFault == .gone)
    #expect(spare.count == 0)
  }

  @Test("ETH-1: an empty packet and one that is not IP are refused, the link lives on")
  func malformed() throws {
    let link = try open("bad0", offload: true)
    for bytes: [UInt8] in [[], [0x12, 0x34]] {
      let error = #expect(throws: SystemError.self) { _ = try link.transmit(Packet(bytes)) }
      #expect(error?.linkFault == .refused)
    }
    var cut = Packet(TestPackets.udp(from: (ours, 7), to: (linux, 4000), [1], checksum: false))
    cut.offload.needsChecksum = true
    cut.offload.checksumStart = 9000
    cut.offload.checksumOffset = 6
    let error = #expect(throws: SystemError.self) { _ = try link.transmit(cut) }
    #expect(error?.linkFault == .refused)
  }

  @Test("a link without offload refuses a packet that leaves it work")
  func noOffload() throws {
    let link = try open("bad1", offload: false)
    var packet = Packet(TestPackets.udp(from: (ours, 7), to: (linux, 4000), [1], checksum: false))
    packet.offload.needsChecksum = true
    let error = #expect(throws: SystemError.self) { _ = try link.transmit(packet) }
    #expect(error?.linkFault == .refused)
  }
}
