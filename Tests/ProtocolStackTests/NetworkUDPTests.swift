import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("UDP") struct NetworkUDPTests {
  @Test("UDP-1: lengths below the header's, or beyond the packet, are dropped")
  func lengths() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    for length: UInt16 in [0, 1, 7, 12, 1_000, 65_535] {
      var message = peer.udp([1, 2, 3])
      var bytes = message.mutableSpan
      bytes.store(length, at: 4)
      bytes.store(0 as UInt16, at: 6)
      peer.deliver(peer.ipv4(message, .udp))
    }
    for count in 0..<8 { peer.deliver(peer.ipv4([UInt8](repeating: 1, count: count), .udp)) }
    #expect(peer.counters.malformed[.badLength] == 6)
    #expect(peer.counters.malformed[.truncated] == 8)
    #expect(try peer.read(socket) == nil)
    peer.expectUnharmed()
  }

  @Test("UDP-2: what lies behind the length is not the datagram's")
  func surplus() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    peer.deliver(peer.ipv4(peer.udp([1, 2, 3]) + [9, 9, 9, 9], .udp))
    peer.deliver(peer.ipv6(peer.udp([4], isIPv4: false) + [9, 9], .udp))
    #expect(try #require(try peer.read(socket)).1 == [1, 2, 3])
    #expect(try #require(try peer.read(socket)).1 == [4])
  }

  @Test("UDP-3: no checksum is no checksum on IPv4, and a wrong one on IPv6")
  func checksums() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    for isIPv4 in [true, false] {
      for value: UInt16 in [0, 0x1234] {
        var message = peer.udp([1, 2, 3], isIPv4: isIPv4)
        var bytes = message.mutableSpan
        bytes.store(value, at: 6)
        peer.deliver(isIPv4 ? peer.ipv4(message, .udp) : peer.ipv6(message, .udp))
      }
    }
    #expect(peer.counters.datagramsReceived == 1)
    #expect(peer.counters.datagramsBadChecksum == 3)
    #expect(try #require(try peer.read(socket)).0.source.address.isIPv4)
    // A sum that comes to zero is sent as all ones: search for one.
    let sender = try peer.bind(5_000)
    var found = false
    for word in 0..<65_536 where !found {
      let payload = [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)]
      #expect(try peer.send(sender, payload, to: .v4(peer.address4)))
      let packet = try #require(peer.packets().first)
      let message = Array(packet.dropFirst(20))
      #expect(message.span.uint16(at: 6) != 0)
      found = message.span.uint16(at: 6) == 0xFFFF
    }
    #expect(found)
  }

  @Test("UDP-4: a million empty datagrams are delivered, and count")
  func empty() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    let packet = peer.ipv4(peer.udp([]), .udp)
    for _ in 0..<1_000_000 { peer.deliver(packet) }
    let limit = UDPSocketOptions().receiveBufferSize / UDPSocketOptions.datagramOverhead
    #expect(peer.counters.datagramsReceived == UInt64(limit))
    #expect(peer.counters.receiveBufferDrops == UInt64(1_000_000 - limit))
    #expect(peer.events() == [.readable(socket)])
    var count = 0
    while let (datagram, _) = try peer.read(socket, room: 1) {
      #expect(datagram.count == 0 && !datagram.truncated)
      count += 1
    }
    #expect(count == limit)
    peer.expectUnharmed()
  }

  @Test("UDP-5: there is no service of our own to set against another")
  func noBuiltIns() throws {
    let peer = try NetworkPeer()
    for port: UInt16 in [7, 9, 13, 17, 19, 37] {
      peer.deliver(peer.ipv4(peer.udp([1], from: port, to: port), .udp))
    }
    #expect(peer.counters.datagramsToNobody == 6)
    for error in peer.packets() {
      #expect(try message4(error) == .destinationUnreachable(.port, nextHopMTU: 0))
    }
    peer.expectUnharmed()
  }

  @Test("UDP-6: a socket nobody reads keeps its oldest datagrams and harms no other")
  func unread() throws {
    let peer = try NetworkPeer()
    let lazy = try peer.bind(7)
    let other = try peer.bind(8)
    let packets = (0..<256).map { peer.ipv4(peer.udp(pattern(1_000) + [UInt8($0)]), .udp) }
    for number in 0..<100_000 { peer.deliver(packets[number & 255]) }
    peer.deliver(peer.ipv4(peer.udp([42], to: 8), .udp))
    #expect(peer.counters.receiveBufferDrops > 98_000)
    #expect(try #require(try peer.read(other)).1 == [42])
    var expected = 0
    while let (_, bytes) = try peer.read(lazy, room: 2_000) {
      #expect(bytes.last == UInt8(truncatingIfNeeded: expected))
      expected += 1
    }
    #expect(expected == (1 << 20) / (1_001 + 128))
    peer.expectUnharmed()
  }

  @Test("UDP-7: port zero and senders that are groups are dropped")
  func ports() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    peer.deliver(peer.ipv4(peer.udp([1], from: 0), .udp))
    peer.deliver(peer.ipv4(peer.udp([1], to: 0), .udp))
    #expect(peer.counters.datagramsBadPort == 2)
    peer.deliver(peer.ipv4(peer.udp([1]), .udp, from: IPv4Address(224, 0, 0, 5)))
    #expect(peer.counters.martianSources == 1)
    #expect(try peer.read(socket) == nil)
    #expect(throws: StackError.invalidOperation) {
      try peer.send(socket, [1], to: .v4(peer.address4), port: 0)
    }
    #expect(peer.packets().isEmpty)
  }

  @Test("UDP-8: too long a datagram is refused before anything is allocated")
  func tooLong() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(0)
    let bytes = [UInt8](repeating: 1, count: 70_000)
    for length in [65_508, 65_527, 65_528, 70_000] {
      #expect(throws: StackError.messageTooLong) {
        try peer.send(socket, Array(bytes.prefix(length)), to: .v4(peer.address4))
      }
    }
    #expect(throws: StackError.messageTooLong) {
      try peer.send(socket, Array(bytes.prefix(65_528)), to: .v6(peer.address6))
    }
    #expect(peer.counters.datagramsSent == 0)
    #expect(try peer.send(socket, Array(bytes.prefix(65_507)), to: .v4(peer.address4)))
    #expect(try peer.send(socket, Array(bytes.prefix(65_527)), to: .v6(peer.address6)))
    #expect(peer.packets().count == 45 + 46)
    // A version the socket does not speak.
    let only6 = try peer.stack.bindUDP(
      SocketAddress(.v6(.any), port: 0), ipv6Only: true, at: peer.now)
    #expect(throws: StackError.addressFamilyNotSupported) {
      try peer.send(only6, [1], to: .v4(peer.address4))
    }
    let only4 = try peer.bind(0, .v4(.any))
    #expect(throws: StackError.addressFamilyNotSupported) {
      try peer.send(only4, [1], to: .v6(peer.address6))
    }
    peer.expectUnharmed()
  }

  @Test("Connected, bound and wildcard sockets each get their own datagrams")
  func demultiplexing() throws {
    let peer = try NetworkPeer()
    let wildcard = try peer.bind(7)
    #expect(throws: StackError.addressInUse) { try peer.bind(7) }
    #expect(throws: StackError.addressInUse) { try peer.bind(7, .v4(peer.stack4)) }
    #expect(throws: StackError.addressNotAvailable) { try peer.bind(7, .v4(peer.address4)) }
    let specific = try peer.bind(8, .v4(peer.stack4))
    #expect(throws: StackError.addressInUse) { try peer.bind(8, .v4(.any)) }
    #expect(throws: StackError.addressInUse) { try peer.bind(8) }
    let sixOnly = try peer.stack.bindUDP(
      SocketAddress(.v6(.any), port: 8), ipv6Only: true, at: peer.now)
    try peer.stack.connectUDP(
      wildcard, to: SocketAddress(.v4(peer.address4), port: 5_000), at: peer.now)
    #expect(peer.stack.localAddress(wildcard)?.address == .v4(peer.stack4))
    peer.deliver(peer.ipv4(peer.udp([1]), .udp))
    peer.deliver(peer.ipv4(peer.udp([2], from: 5_001), .udp))
    peer.deliver(peer.ipv4(peer.udp([3], to: 8), .udp))
    peer.deliver(peer.ipv6(peer.udp([4], to: 8, isIPv4: false), .udp))
    #expect(try #require(try peer.read(wildcard)).1 == [1])
    #expect(try peer.read(wildcard) == nil)
    #expect(peer.counters.datagramsToNobody == 1)
    #expect(try #require(try peer.read(specific)).1 == [3])
    let (datagram, bytes) = try #require(try peer.read(sixOnly))
    #expect(bytes == [4] && datagram.destination.address == .v6(peer.stack6))
    #expect(datagram.source == SocketAddress(.v6(peer.address6), port: 5_000))
    for socket in [wildcard, specific, sixOnly] { peer.stack.close(socket, at: peer.now) }
    #expect(peer.stack.socketCount == 0)
    #expect(throws: StackError.noSuchSocket) { try peer.read(wildcard) }
    _ = try peer.bind(7)
    _ = try peer.bind(8)
  }

  @Test("A refused datagram is told to a connected socket, once")
  func refused() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(0)
    try peer.stack.connectUDP(socket, to: SocketAddress(.v6(peer.address6), port: 9), at: peer.now)
    #expect(try peer.send(socket, [1]))
    let sent = try #require(peer.packets().first)
    peer.deliver(peer.ipv6(peer.icmp6(.destinationUnreachable(.port), sent), .icmpv6))
    #expect(peer.events() == [.readable(socket)])
    #expect(throws: StackError.connectionRefused) { try peer.send(socket, [2]) }
    #expect(try peer.send(socket, [2]))
  }

  @Test("Datagrams that a link put together are taken apart again")
  func coalesced() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    var offload = Offload()
    offload.segmentation = .udp
    offload.segmentSize = 1_000
    offload.needsChecksum = true
    peer.deliver(peer.ipv4(peer.udp(pattern(2_500)), .udp), offload)
    #expect(try #require(try peer.read(socket)).1 == Array(pattern(2_500)[0..<1_000]))
    #expect(try #require(try peer.read(socket)).1 == Array(pattern(2_500)[1_000..<2_000]))
    #expect(try #require(try peer.read(socket)).1 == Array(pattern(2_500)[2_000...]))
    #expect(try peer.read(socket) == nil)
  }

  @Test("A short read truncates and says so")
  func truncated() throws {
    let peer = try NetworkPeer()
    let socket = try peer.bind(7)
    peer.deliver(peer.ipv4(peer.udp([1, 2, 3]), .udp))
    peer.deliver(peer.ipv4(peer.udp([4]), .udp))
    let (datagram, bytes) = try #require(try peer.read(socket, room: 2))
    #expect(datagram.truncated && bytes == [1, 2])
    #expect(try #require(try peer.read(socket)).1 == [4])
  }

  @Test("Broadcasts need permission, and reach the broadcast station")
  func broadcast() throws {
    let peer = try NetworkPeer(.ethernet)
    let socket = try peer.bind(7)
    for address in [IPv4Address.broadcast, IPv4Address(10, 7, 0, 255)] {
      #expect(throws: StackError.permissionDenied) {
        try peer.send(socket, [1], to: .v4(address))
      }
    }
    var options = UDPSocketOptions()
    options.allowsBroadcast = true
    try peer.stack.setOptions(socket, options, at: peer.now)
    #expect(try peer.send(socket, [1], to: .v4(IPv4Address(10, 7, 0, 255))))
    let frame = try #require(peer.frames().first)
    #expect(frame.span.ethernetAddress(at: 0) == .broadcast)
    peer.deliver(
      peer.ipv4(peer.udp([9]).withoutUDPChecksum, .udp, to: IPv4Address(10, 7, 0, 255)),
      to: .broadcast)
    #expect(try #require(try peer.read(socket)).1 == [9])
    // To nobody: no error is sent.
    peer.deliver(
      peer.ipv4(peer.udp([9], to: 99).withoutUDPChecksum, .udp, to: .broadcast), to: .broadcast)
    #expect(peer.counters.datagramsToNobody == 1)
    #expect(peer.frames().isEmpty)
  }

  @Test("A full output queue makes senders wait, and wakes them when half of it is gone")
  func backPressure() throws {
    let peer = try NetworkPeer { $0.outputQueuePackets = 16 }
    let socket = try peer.bind(0)
    var sent = 0
    while try peer.send(socket, [1], to: .v4(peer.address4)) { sent += 1 }
    #expect(sent == 16)
    #expect(try !peer.send(socket, [1], to: .v4(peer.address4)))
    #expect(peer.events().isEmpty)
    for _ in 0..<8 { #expect(peer.hasPacket()) }
    #expect(peer.events() == [.writable(socket)])
    #expect(peer.packets().count == 8)
    #expect(try peer.send(socket, [1], to: .v4(peer.address4)))
  }

  @Test("With checksum offload the link finds the pseudo-header's sum in the field")
  func offload() throws {
    let peer = try NetworkPeer(.ethernet, checksumOffload: true)
    let socket = try peer.bind(0)
    _ = try peer.send(socket, [1], to: .v4(peer.address4))
    _ = peer.packets()
    _ = try peer.send(socket, [1], to: .v4(peer.address4))
    guard var packet = peer.stack.nextPacket(for: peer.interface, at: peer.now) else {
      Issue.record("nothing was sent")
      return
    }
    #expect(packet.offload.needsChecksum)
    #expect(packet.offload.checksumStart == 34 && packet.offload.checksumOffset == 6)
    let done = packet.completeChecksum()
    #expect(done)
    let bytes = array(packet.bytes)
    let header = try UDPHeader(parsing: bytes.span.slice(from: 34))
    let isValid = header.hasValidChecksum(
      in: bytes.span.slice(from: 34), source: .v4(peer.stack4), destination: .v4(peer.address4))
    #expect(isValid)
  }
}

extension [UInt8] {
  /// A UDP datagram on IPv4 whose sender computed no checksum.
  var withoutUDPChecksum: [UInt8] {
    var copy = self
    var bytes = copy.mutableSpan
    bytes.store(0 as UInt16, at: 6)
    return copy
  }
}
