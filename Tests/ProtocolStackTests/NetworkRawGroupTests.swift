import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Multicast groups of raw sockets") struct NetworkRawGroupTests {
  private let group = IPAddress.v4(IPv4Address(239, 1, 2, 3))
  private let other6 = IPAddress.v6(IPv6Address(0xFF05, 0, 0, 0, 0, 0, 0, 0x123))
  private let friend = IPAddress.v4(IPv4Address(10, 7, 0, 50))

  @Test("Raw sockets join as others do, and hear the sources that they joined for")
  func raw() throws {
    let peer = try NetworkPeer()
    let socket = try peer.stack.openRaw(.v4, protocol: .udp, at: peer.now)
    let other = try peer.stack.openRaw(.v4, protocol: .udp, at: peer.now)
    func heard(_ socket: SocketHandle) throws -> Bool {
      var bytes = [UInt8](repeating: 0, count: 100)
      var span = bytes.mutableSpan
      return try peer.stack.receiveRaw(socket, into: &span, at: peer.now) != nil
    }
    send(peer)
    #expect(try !heard(socket))
    try peer.stack.joinGroup(socket, group, from: friend, on: peer.interface, at: peer.now)
    // A report of IGMP's, at once.
    #expect(peer.packets().map { $0[9] } == [2])
    send(peer)
    // The host is a member: who has not joined has named no sources either.
    #expect(try !heard(socket))
    #expect(try heard(other))
    #expect(throws: StackError.addressNotAvailable) {
      try peer.stack.joinGroup(socket, other6, on: peer.interface, at: peer.now)
    }
    try peer.stack.leaveGroup(socket, group, on: peer.interface, at: peer.now)
    try peer.stack.joinGroup(socket, group, on: peer.interface, at: peer.now)
    send(peer)
    #expect(try heard(socket))
    #expect(try heard(other))
    try peer.stack.setBlocked(
      true, .v4(peer.address4), in: group, for: socket, on: peer.interface, at: peer.now)
    send(peer)
    #expect(try !heard(socket))
    peer.stack.close(socket, at: peer.now)
    #expect(groups(peer).isEmpty)
    peer.expectUnharmed()
  }

  @Test("A UDP and a raw socket in the same place of their tables are two members")
  func twoKinds() throws {
    let peer = try NetworkPeer()
    let datagrams = try peer.stack.bindUDP(SocketAddress(.v4(.any), port: 7), at: peer.now)
    let raw = try peer.stack.openRaw(.v4, protocol: .udp, at: peer.now)
    #expect(datagrams.index == raw.index && datagrams.generation == raw.generation)
    try peer.stack.joinGroup(datagrams, group, on: peer.interface, at: peer.now)
    try peer.stack.joinGroup(raw, group, from: friend, on: peer.interface, at: peer.now)
    peer.stack.close(datagrams, at: peer.now)
    #expect(groups(peer) == [group])
    peer.stack.close(raw, at: peer.now)
    #expect(groups(peer).isEmpty)
  }

  @Test("What is sent to a group is heard by raw sockets here, if wished and joined")
  func rawLoop() throws {
    let peer = try NetworkPeer()
    let listener = try peer.stack.openRaw(.v4, protocol: .udp, at: peer.now)
    let sender = try peer.stack.openRaw(.v4, protocol: .udp, at: peer.now)
    func heard() throws -> Int {
      var bytes = [UInt8](repeating: 0, count: 100)
      var span = bytes.mutableSpan
      return try peer.stack.receiveRaw(listener, into: &span, at: peer.now)?.count ?? 0
    }
    for (joins, loops) in [(false, true), (true, true), (true, false)] {
      if joins, loops {
        try peer.stack.joinGroup(listener, group, on: peer.interface, at: peer.now)
      }
      var options = RawSocketOptions()
      options.loopsMulticast = loops
      try peer.stack.setOptions(sender, options, at: peer.now)
      _ = try peer.stack.sendRaw(
        sender, [9].span, to: SocketAddress(group, port: .any), at: peer.now)
      #expect(try heard() == (joins && loops ? 21 : 0))
    }
    peer.expectUnharmed()
  }

  private func groups(_ peer: NetworkPeer) -> [IPAddress] {
    var all: [IPAddress] = []
    peer.stack.forEachGroup(on: peer.interface) { all.append($0) }
    return all
  }

  private func send(_ peer: NetworkPeer) {
    var datagram = peer.udp([1, 2, 3])
    datagram[6] = 0
    datagram[7] = 0
    let group = IPv4Address(239, 1, 2, 3)
    peer.deliver(peer.ipv4(datagram, .udp, to: group))
  }
}
