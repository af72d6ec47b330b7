import Addresses
import Host
import Packets
import SystemPackage
import Testing

@Suite("A tunnel device", .serialized, .enabled(if: RootTests.areEnabled, RootTests.reason))
struct TunnelDeviceTests {
  private func prefix(_ d: UInt8, length: UInt8) throws -> Prefix {
    try #require(Prefix(.v4(IPv4Address(10, 77, 2, d)), length: length))
  }

  private func prefix6(_ low: UInt64, length: UInt8) throws -> Prefix {
    try #require(Prefix(.v6(IPv6Address(high: 0xFD00_0077_0000_0000, low: low)), length: length))
  }

  @Test("a new device is up, with its MTU and an address of Linux's in each of our prefixes")
  func configured() throws {
    var configuration = TunnelConfiguration(
      name: "conf%d", addresses: [try prefix(1, length: 24), try prefix6(1, length: 64)])
    configuration.mtu = 9000
    let link = try TunnelLink(configuration)
    #expect(link.name == "conf0")
    #expect(link.isNewDevice == true)
    #expect(link.abilities.mtu == 9000)
    #expect(link.abilities.framing == .ip)
    let interface = try HostInterface(named: "conf0")
    let state = try interface.state()
    #expect(state.isUp)
    #expect(state.mtu == 9000)
    #expect(state.ethernetAddress == nil)
    let addresses = try interface.addresses()
    #expect(addresses.contains(try prefix(2, length: 24)))
    #expect(addresses.contains(try prefix6(2, length: 64)))
  }

  @Test(
    "Linux's end gets the lowest address we leave",
    arguments: [(9, 24, 1), (1, 30, 2), (2, 30, 1), (6, 31, 7), (7, 31, 6)]
      as [(UInt8, UInt8, UInt8)])
  func linuxEnd(ours: UInt8, length: UInt8, linux: UInt8) throws {
    let link = try TunnelLink(
      TunnelConfiguration(name: "end0", addresses: [prefix(ours, length: length)]))
    #expect(
      try HostInterface(named: link.name).addresses().contains(prefix(linux, length: length)))
  }

  @Test("a prefix with no second address is refused with advice")
  func noRoom() throws {
    let error = #expect(throws: SystemError.self) {
      _ = try TunnelLink(TunnelConfiguration(name: "full0", addresses: [prefix(1, length: 32)]))
    }
    #expect(error?.errno == .addressNotAvailable)
    #expect(error?.advice?.contains("/24") == true)
    #expect(!HostInterface.exists(named: "full0"))
  }

  @Test("a new device disappears with its last link")
  func disappears() throws {
    do {
      let link = try TunnelLink(TunnelConfiguration(name: "brief0"))
      #expect(HostInterface.exists(named: link.name))
      try link.close()
    }
    #expect(!HostInterface.exists(named: "brief0"))
  }

  @Test("joining a device keeps what stands")
  func joined() throws {
    var configuration = TunnelConfiguration(name: "join0", addresses: [try prefix(2, length: 24)])
    configuration.multipleQueues = true
    let first = try TunnelLink(configuration)
    let interface = try HostInterface(named: first.name)
    try interface.setMTU(1400)
    try interface.add(prefix(40, length: 24))
    let before = try interface.addresses()
    let second = try TunnelLink(configuration)
    #expect(second.isNewDevice == false)
    #expect(second.abilities.mtu == 1400)
    #expect(try interface.addresses() == before)
    let third = try first.openQueue()
    #expect(third.name == first.name)
  }

  @Test("a device another program holds is busy, and the error says what to do")
  func busy() throws {
    let first = try TunnelLink(TunnelConfiguration(name: "busy0"))
    let error = #expect(throws: SystemError.self) {
      _ = try TunnelLink(TunnelConfiguration(name: first.name))
    }
    #expect(error?.call == .attachTunnel)
    #expect(error?.errno == .resourceBusy)
    #expect(error?.advice?.contains("another program") == true)
    let otherKind = #expect(throws: SystemError.self) {
      _ = try TunnelLink(TunnelConfiguration(name: first.name, mode: .tap()))
    }
    #expect(otherKind?.call == .attachTunnel)
    #expect(otherKind?.errno == .invalidArgument)
    let refusal = #expect(throws: SystemError.self) { _ = try first.openQueue() }
    #expect(refusal?.errno == .invalidArgument)
  }

  @Test("an address Linux holds itself cannot be ours")
  func addressInUse() throws {
    var configuration = TunnelConfiguration(name: "twice0", addresses: [try prefix(2, length: 24)])
    configuration.multipleQueues = true
    let first = try TunnelLink(configuration)
    configuration.addresses = [try prefix(1, length: 24)]
    let error = #expect(throws: SystemError.self) { _ = try TunnelLink(configuration) }
    #expect(error?.errno == .addressInUse)
    #expect(first.name == "twice0")
  }

  @Test("an MTU the device cannot have is refused by its name")
  func badMTU() throws {
    var configuration = TunnelConfiguration(name: "mtu0")
    configuration.mtu = 20
    let error = #expect(throws: SystemError.self) { _ = try TunnelLink(configuration) }
    #expect(error?.description.contains("mtu0 to MTU 20") == true)
  }

  @Test("a TAP link carries Ethernet frames between Linux's station and ours")
  func tap() throws {
    let station = EthernetAddress(rawValue: 0x0200_0000_0077)
    let ours = IPv4Address(10, 77, 2, 2)
    var link = try TunnelLink(
      TunnelConfiguration(name: "tap0", mode: .tap(station), addresses: [prefix(2, length: 24)]))
    #expect(link.abilities.framing == .ethernet(station))
    let linux = try #require(try HostInterface(named: "tap0").state().ethernetAddress)
    #expect(linux != station)
    let socket = try KernelSocket(.datagram)
    try socket.connect(ours, 7)
    _ = try socket.send([1, 2, 3])

    // Linux asks for our station (RFC 826) before it sends.
    let request = try link.receive { $0.bytes.uint16(at: 12) == 0x0806 }
    #expect(request.bytes.uint32(at: 38) == ours.rawValue)
    func octets(_ address: EthernetAddress) -> [UInt8] {
      stride(from: 40, through: 0, by: -8).map {
        UInt8(truncatingIfNeeded: address.rawValue >> UInt64($0))
      }
    }
    #expect(Array(request.array[6..<12]) == octets(linux))
    var reply = octets(linux) + octets(station)
    reply += [8, 6, 0, 1, 8, 0, 6, 4, 0, 2]
    reply += octets(station) + TestPackets.four(ours.rawValue)
    reply += octets(linux) + request.array[28..<32]
    #expect(try link.transmit(Packet(reply)))

    let frame = try link.receive {
      $0.bytes.uint16(at: 12) == 0x0800 && $0.bytes.uint8(at: 23) == 17
    }
    #expect(Array(frame.array[0..<6]) == octets(station))
    #expect(frame.offload.needsChecksum)
    #expect(frame.offload.checksumStart == 34)
    #expect(frame.array.suffix(3) == [1, 2, 3])
  }

  @Test("a TAP link without a wish draws a local station address of its own")
  func randomStation() throws {
    let first = try TunnelLink(TunnelConfiguration(name: "rand0", mode: .tap()))
    let second = try TunnelLink(TunnelConfiguration(name: "rand1", mode: .tap()))
    guard case .ethernet(let one) = first.abilities.framing,
      case .ethernet(let other) = second.abilities.framing
    else {
      Issue.record("a TAP link without Ethernet framing")
      return
    }
    #expect(one != other)
    #expect(one.rawValue >> 40 & 0x03 == 0x02)
    #expect(other.rawValue >> 40 & 0x03 == 0x02)
  }
}
