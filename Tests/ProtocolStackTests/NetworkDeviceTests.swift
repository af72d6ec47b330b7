import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Sockets that are bound to a device") struct NetworkDeviceTests {
  let foreign = IPv4Address(10, 8, 0, 9)

  /// A stack with a second link, on which it is 10.8.0.2, and which has a way to everywhere.
  func twoLinks() throws -> (peer: NetworkPeer, second: InterfaceIndex) {
    let peer = try NetworkPeer()
    let second = try peer.stack.addInterface(
      "link1", LinkAbilities(mtu: 1_400, framing: .ip), at: peer.now)
    let prefix = try #require(Prefix(.v4(IPv4Address(10, 8, 0, 2)), length: 24))
    try peer.stack.addAddress(prefix, on: second, at: peer.now)
    let everywhere = try #require(Prefix(.v4(.any), length: 0))
    try peer.stack.addRoute(everywhere, via: nil, on: second)
    return (peer, second)
  }

  private func bind(
    _ peer: NetworkPeer, _ device: InterfaceIndex?, port: PortNumber = 7
  ) throws -> SocketHandle {
    var options = UDPSocketOptions()
    options.device = device
    return try peer.stack.bindUDP(
      SocketAddress(.v6(.any), port: port), options: options, at: peer.now)
  }

  func leaves(_ peer: NetworkPeer, _ interface: InterfaceIndex) -> Int {
    var count = 0
    while let packet = peer.stack.nextPacket(for: interface, at: peer.now) {
      count += 1
      peer.stack.recycle(packet)
    }
    return count
  }

  @Test("Datagrams are heard on it alone, by whoever is bound to it before others")
  func datagrams() throws {
    let (peer, second) = try twoLinks()
    let elsewhere = try bind(peer, second)
    peer.deliver(peer.ipv4(peer.udp([1]), .udp))
    #expect(try peer.read(elsewhere) == nil)
    #expect(peer.counters.datagramsToNobody == 1)
    // The same port on another device is another place.
    let here = try bind(peer, peer.interface)
    #expect(throws: StackError.addressInUse) { try bind(peer, peer.interface) }
    #expect(throws: StackError.addressInUse) { try bind(peer, nil) }
    peer.deliver(peer.ipv4(peer.udp([2]), .udp))
    #expect(try peer.read(here)?.1 == [2])
    #expect(try peer.read(elsewhere) == nil)
    // Freed, it hears every device; bound again, no other.
    let chosen = peer.stack.udpOptions(elsewhere)
    var options = try #require(chosen)
    peer.stack.close(here, at: peer.now)
    options.device = nil
    try peer.stack.setOptions(elsewhere, options, at: peer.now)
    peer.deliver(peer.ipv4(peer.udp([3]), .udp))
    #expect(try peer.read(elsewhere)?.1 == [3])
    options.device = InterfaceIndex(rawValue: 9)
    #expect(throws: StackError.networkDown) {
      try peer.stack.setOptions(elsewhere, options, at: peer.now)
    }
    #expect(throws: StackError.networkDown) { try bind(peer, options.device, port: 8) }
    peer.expectUnharmed()
  }

  @Test("A newer socket for all devices does not take what is for one")
  func preferred() throws {
    let (peer, _) = try twoLinks()
    var options = UDPSocketOptions()
    options.reusesAddress = true
    let address = SocketAddress(.v4(.any), port: 7)
    let bound = try peer.stack.bindUDP(address, options: options, at: peer.now)
    let newer = try peer.stack.bindUDP(address, options: options, at: peer.now)
    peer.deliver(peer.ipv4(peer.udp([1]), .udp))
    #expect(try peer.read(newer)?.1 == [1])
    options.device = peer.interface
    try peer.stack.setOptions(bound, options, at: peer.now)
    peer.deliver(peer.ipv4(peer.udp([2]), .udp))
    #expect(try peer.read(bound)?.1 == [2])
    #expect(try peer.read(newer) == nil)
  }

  @Test("Of two with the same peer and port, each hears what comes by its device")
  func samePeer() throws {
    let (peer, second) = try twoLinks()
    let own = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 5)
    let other = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 9)
    let prefix = try #require(Prefix(.v6(own), length: 64))
    var sockets: [SocketHandle] = []
    for device in [peer.interface, second] {
      try peer.stack.addAddress(prefix, on: device, at: peer.now)
      var options = UDPSocketOptions()
      options.device = device
      let socket = try peer.stack.bindUDP(
        SocketAddress(.v6(own), port: 7), options: options, at: peer.now)
      try peer.stack.connectUDP(socket, to: SocketAddress(.v6(other), port: 5_000), at: peer.now)
      sockets.append(socket)
    }
    _ = (leaves(peer, peer.interface), leaves(peer, second))
    for (number, device) in [peer.interface, second, peer.interface].enumerated() {
      var packet = Packet(capacity: 256)
      let fits = packet.append(
        peer.ipv6(peer.udp([UInt8(number)]), .udp, from: other, to: own).span)
      #expect(fits)
      packet.offload.checksumIsValid = true
      peer.stack.receive(&packet, on: device, at: peer.now)
      let (hears, silent) = device == second ? (1, 0) : (0, 1)
      #expect(try peer.read(sockets[hears])?.1 == [UInt8(number)])
      #expect(try peer.read(sockets[silent]) == nil)
    }
    for (socket, count) in [(sockets[0], (1, 0)), (sockets[1], (0, 1))] {
      #expect(try peer.send(socket, [1]))
      #expect((leaves(peer, peer.interface), leaves(peer, second)) == count)
    }
  }

  @Test("Without a way there, an IPv4 address is on its link, and an IPv6 address is nowhere")
  func noRoute() throws {
    let peer = try NetworkPeer(.ethernet)
    peer.isSilent = true
    let foreign6 = IPv6Address(0x2001, 0xDB8, 0, 0, 0, 0, 0, 9)
    func asked(for address: IPv4Address) throws -> Bool {
      #expect(peer.packets().isEmpty)
      defer { peer.discovery = [] }
      return try peer.discovery.contains {
        try ARPPacket(parsing: Array($0.dropFirst(14)).span).targetProtocolAddress == address
      }
    }
    let anywhere = try bind(peer, nil)
    let socket = try bind(peer, peer.interface, port: 8)
    #expect(throws: StackError.networkUnreachable) {
      try peer.send(anywhere, [1], to: .v4(foreign))
    }
    for (socket, address) in [(anywhere, foreign6), (socket, foreign6)] {
      #expect(throws: StackError.networkUnreachable) {
        try peer.send(socket, [1], to: .v6(address))
      }
    }
    #expect(try peer.send(socket, [1], to: .v4(foreign)))
    #expect(try asked(for: foreign))
    // As if the one datagram had named it.
    var choices = DatagramChoices()
    choices.interface = peer.interface
    let next = IPv4Address(10, 8, 0, 10)
    _ = try peer.stack.sendDatagram(
      anywhere, [1].span, to: SocketAddress(.v4(next), port: 7), with: choices, at: peer.now)
    #expect(try asked(for: next))
    try peer.stack.connectUDP(socket, to: SocketAddress(.v4(foreign), port: 7), at: peer.now)
    #expect(peer.stack.localAddress(socket)?.address == .v4(peer.stack4))
    var options = TCPSocketOptions()
    options.device = peer.interface
    let third = IPv4Address(10, 8, 0, 11)
    _ = try peer.stack.connectTCP(
      to: SocketAddress(.v4(third), port: 80), options: options, at: peer.now)
    #expect(try asked(for: third))
    #expect(throws: StackError.networkUnreachable) {
      try peer.stack.connectTCP(
        to: SocketAddress(.v6(foreign6), port: 80), options: options, at: peer.now)
    }
    // A neighbour that does not answer is not there.
    for _ in 0..<5 {
      peer.advance(.seconds(1))
      #expect(peer.packets().isEmpty)
    }
    #expect(throws: StackError.hostUnreachable) { try peer.read(socket) }
    peer.isSilent = false
    peer.discovery = []
    peer.expectUnharmed()
  }

  @Test("An IPv6 datagram to the stack itself names the device that has the address, or none")
  func chosenDevice() throws {
    let (peer, second) = try twoLinks()
    let socket = try bind(peer, nil)
    func send(to address: IPAddress, by device: InterfaceIndex) throws {
      var choices = DatagramChoices()
      choices.interface = device
      _ = try peer.stack.sendDatagram(
        socket, [1].span, to: SocketAddress(address, port: 7), with: choices, at: peer.now)
      #expect(peer.packets().isEmpty)
    }
    let own = IPAddress.v6(peer.stack6)
    #expect(throws: StackError.networkUnreachable) { try send(to: own, by: second) }
    #expect(throws: StackError.networkUnreachable) { try send(to: .v6(.loopback), by: second) }
    #expect(try peer.read(socket) == nil)
    try send(to: own, by: peer.interface)
    #expect(try peer.read(socket)?.1 == [1])
    // Over IPv4 the stack hears itself by any.
    try send(to: .v4(peer.stack4), by: second)
    #expect(try peer.read(socket)?.1 == [1])
    var options = UDPSocketOptions()
    options.device = second
    try peer.stack.setOptions(socket, options, at: peer.now)
    #expect(throws: StackError.invalidOperation) { try send(to: own, by: peer.interface) }
    peer.expectUnharmed()
  }

  @Test("Datagrams leave by it, or not at all")
  func sending() throws {
    let (peer, second) = try twoLinks()
    let socket = try bind(peer, peer.interface)
    // The way to everywhere is another device's: this one's link is all that is left.
    #expect(try peer.send(socket, [1], to: .v4(foreign)))
    #expect(leaves(peer, peer.interface) == 1 && leaves(peer, second) == 0)
    #expect(try peer.send(socket, [1], to: .v4(peer.address4)))
    #expect(leaves(peer, peer.interface) == 1 && leaves(peer, second) == 0)
    let chosen = peer.stack.udpOptions(socket)
    var options = try #require(chosen)
    options.device = second
    try peer.stack.setOptions(socket, options, at: peer.now)
    // By the device, though the other link is the neighbour's own.
    #expect(try peer.send(socket, [1], to: .v4(peer.address4)))
    #expect(leaves(peer, peer.interface) == 0 && leaves(peer, second) == 1)
    options.device = ProtocolStack.loopback
    try peer.stack.setOptions(socket, options, at: peer.now)
    #expect(throws: StackError.networkUnreachable) {
      try peer.send(socket, [1], to: .v4(foreign))
    }
    // What the host sends to itself comes by the device that has the address.
    #expect(try peer.send(socket, [1], to: .v4(peer.stack4)))
    #expect(leaves(peer, peer.interface) == 0)
    #expect(try peer.read(socket) == nil)
    #expect(try peer.send(socket, [1], to: .v4(.loopback)))
    #expect(leaves(peer, peer.interface) == 0)
    #expect(try peer.read(socket)?.1 == [1])
    var choices = DatagramChoices()
    choices.interface = second
    // As on Linux, an IPv4 datagram's own choice comes first.
    _ = try peer.stack.sendDatagram(
      socket, [1].span, to: SocketAddress(.v4(foreign), port: 7), with: choices, at: peer.now)
    #expect(leaves(peer, second) == 1)
    #expect(throws: StackError.invalidOperation) {
      try peer.stack.sendDatagram(
        socket, [1].span, to: SocketAddress(.v6(peer.address6), port: 7), with: choices,
        at: peer.now)
    }
  }

  @Test("Raw sockets hear it alone, and send by it")
  func raw() throws {
    let (peer, second) = try twoLinks()
    var options = RawSocketOptions()
    options.device = second
    let number = IPProtocol(rawValue: 253)
    let socket = try peer.stack.openRaw(.v4, protocol: number, options: options, at: peer.now)
    func heard() throws -> Bool {
      var bytes = [UInt8](repeating: 0, count: 100)
      var span = bytes.mutableSpan
      return try peer.stack.receiveRaw(socket, into: &span, at: peer.now) != nil
    }
    peer.deliver(peer.ipv4([1], number))
    #expect(try !heard())
    _ = try peer.stack.sendRaw(
      socket, [1].span, to: SocketAddress(.v4(peer.address4), port: .any), at: peer.now)
    #expect(leaves(peer, second) == 1)
    _ = peer.packets()
    options.device = peer.interface
    try peer.stack.setOptions(socket, options, at: peer.now)
    peer.deliver(peer.ipv4([1], number))
    #expect(try heard())
    _ = try peer.stack.sendRaw(
      socket, [1].span, to: SocketAddress(.v4(foreign), port: .any), at: peer.now)
    #expect(leaves(peer, peer.interface) == 1 && leaves(peer, second) == 0)
    options.device = InterfaceIndex(rawValue: 9)
    #expect(throws: StackError.networkDown) {
      try peer.stack.setOptions(socket, options, at: peer.now)
    }
  }

  @Test("What a stack sends to itself comes by the device that has the address")
  func itself() throws {
    let (peer, second) = try twoLinks()
    var options = TCPSocketOptions()
    #expect(peer.stack.name(of: ProtocolStack.loopback) == "lo")
    for device in [ProtocolStack.loopback, second] {
      options.device = device
      let listener = try peer.stack.listenTCP(
        on: SocketAddress(.v4(.any), port: 80), options: options, at: peer.now)
      let refused = try peer.stack.connectTCP(
        to: SocketAddress(.v4(peer.stack4), port: 80), at: peer.now)
      #expect(peer.packets().isEmpty)
      #expect(peer.events() == [.failed(refused, .connectionRefused)])
      peer.stack.close(listener, at: peer.now)
    }
    // Over IPv6 it goes by no other, either.
    let addresses: [(IPv6Address, InterfaceIndex)] = [
      (peer.stack6, peer.interface), (.loopback, ProtocolStack.loopback),
    ]
    for (address, owner) in addresses {
      for device in [peer.interface, second, ProtocolStack.loopback] {
        let socket = try bind(peer, device, port: 9)
        defer { peer.stack.close(socket, at: peer.now) }
        if device == owner {
          try peer.stack.connectUDP(socket, to: SocketAddress(.v6(address), port: 80), at: peer.now)
        } else {
          #expect(throws: StackError.networkUnreachable) {
            try peer.stack.connectUDP(
              socket, to: SocketAddress(.v6(address), port: 80), at: peer.now)
          }
        }
      }
    }
    options.device = peer.interface
    let listener = try peer.stack.listenTCP(
      on: SocketAddress(.v4(.any), port: 80), options: options, at: peer.now)
    options.device = second
    let connection = try peer.stack.connectTCP(
      to: SocketAddress(.v4(peer.stack4), port: 80), options: options, at: peer.now)
    #expect(peer.packets().isEmpty)
    let accepted = try #require(try peer.stack.acceptTCP(listener, at: peer.now))
    #expect(try peer.stack.send(connection, [1, 2].span, at: peer.now) == 2)
    #expect(peer.packets().isEmpty)
    #expect(try receive(&peer.stack, accepted, 2, at: peer.now) == [1, 2])
  }
}
