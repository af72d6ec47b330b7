import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("Multicast groups") struct NetworkGroupTests {
  private let group4 = IPAddress.v4(IPv4Address(239, 1, 2, 3))
  private let group6 = IPAddress.v6(IPv6Address(0xFF05, 0, 0, 0, 0, 0, 0, 0x123))
  private let friend = IPAddress.v4(IPv4Address(10, 7, 0, 50))

  // RFC 9776 §5.1, RFC 9777 §6.1. (test)
  @Test(
    "Joining and leaving are reported at once, and once more within a second",
    arguments: [NetworkPeer.Link.ip, .ethernet], [IPVersion.v4, .v6])
  func joinAndLeave(link: NetworkPeer.Link, version: IPVersion) throws {
    let peer = try NetworkPeer(link)
    let group = version == .v4 ? group4 : group6
    let socket = try bind(peer, 7)
    try peer.stack.joinGroup(socket, group, on: peer.interface, at: peer.now)
    #expect(reports(peer) == [Report(.toExclude, group)])
    peer.advance(.milliseconds(1_001))
    #expect(reports(peer) == [Report(.toExclude, group)])
    peer.advance(.seconds(100))
    #expect(reports(peer).isEmpty)
    #expect(groups(peer) == [group])
    // Somebody else's joining and leaving changes nothing.
    let second = try bind(peer, 8)
    try peer.stack.joinGroup(second, group, on: peer.interface, at: peer.now)
    peer.stack.close(second, at: peer.now)
    #expect(reports(peer).isEmpty)
    peer.stack.close(socket, at: peer.now)
    #expect(reports(peer) == [Report(.toInclude, group)])
    peer.advance(.milliseconds(1_001))
    #expect(reports(peer) == [Report(.toInclude, group)])
    #expect(groups(peer).isEmpty)
    peer.advance(.seconds(100))
    #expect(reports(peer).isEmpty)
  }

  @Test("Sources are allowed and blocked one by one, and a turned filter is told whole")
  func sources() throws {
    let peer = try NetworkPeer()
    let socket = try bind(peer, 7)
    let (a, b) = (friend, IPAddress.v4(IPv4Address(10, 7, 0, 51)))
    func settled() -> [Report] {
      let first = reports(peer)
      peer.advance(.seconds(2))
      #expect(reports(peer) == first)
      return first
    }
    try peer.stack.joinGroup(socket, group4, from: a, on: peer.interface, at: peer.now)
    #expect(settled() == [Report(.allowNewSources, group4, [a])])
    try peer.stack.joinGroup(socket, group4, from: b, on: peer.interface, at: peer.now)
    #expect(settled() == [Report(.allowNewSources, group4, [b])])
    try peer.stack.leaveGroup(socket, group4, from: a, on: peer.interface, at: peer.now)
    #expect(settled() == [Report(.blockOldSources, group4, [a])])
    let other = try bind(peer, 8)
    try peer.stack.joinGroup(other, group4, on: peer.interface, at: peer.now)
    #expect(settled() == [Report(.toExclude, group4)])
    try peer.stack.setBlocked(
      true, a, in: group4, for: other, on: peer.interface, at: peer.now)
    #expect(settled() == [Report(.blockOldSources, group4, [a])])
    // The first socket still wants the source, so that nobody blocks it for the host.
    try peer.stack.setBlocked(
      true, b, in: group4, for: other, on: peer.interface, at: peer.now)
    #expect(settled().isEmpty)
    peer.stack.close(other, at: peer.now)
    #expect(settled() == [Report(.toInclude, group4, [b])])
  }

  @Test("Datagrams reach the sockets that want them from their sender", arguments: [true, false])
  func filter(isEthernet: Bool) throws {
    let peer = try NetworkPeer(isEthernet ? .ethernet : .ip)
    let socket = try bind(peer, 7)
    send(peer)
    #expect(try peer.read(socket) == nil)
    #expect(isEthernet ? peer.counters.foreignFrames == 1 : peer.counters.foreignDestinations == 1)
    try peer.stack.joinGroup(socket, group4, from: friend, on: peer.interface, at: peer.now)
    send(peer)
    #expect(try peer.read(socket) == nil)
    #expect(peer.counters.datagramsToNobody == 1)
    try peer.stack.joinGroup(
      socket, group4, from: .v4(peer.address4), on: peer.interface, at: peer.now)
    send(peer)
    #expect(try #require(try peer.read(socket)).1 == [1, 2, 3])
    try peer.stack.leaveGroup(socket, group4, on: peer.interface, at: peer.now)
    send(peer)
    #expect(try peer.read(socket) == nil)
    peer.expectUnharmed()
  }

  @Test("What is sent to a group leaves with its own hop limit, and is heard here if wished")
  func loop() throws {
    let peer = try NetworkPeer()
    let socket = try bind(peer, 7)
    try peer.stack.joinGroup(socket, group4, on: peer.interface, at: peer.now)
    _ = reports(peer)
    var options = UDPSocketOptions()
    options.multicastInterface = peer.interface
    for (loops, hops) in [(true, UInt8(1)), (false, 5)] {
      options.loopsMulticast = loops
      options.multicastHopLimit = hops
      try peer.stack.setOptions(socket, options, at: peer.now)
      _ = try peer.stack.sendDatagram(
        socket, [9].span, to: SocketAddress(group4, port: 7), at: peer.now)
      let packets = peer.packets()
      #expect(packets.count == 1 && packets[0][8] == hops)
      #expect(try peer.read(socket)?.1 == (loops ? [9] : nil))
    }
  }

  // RFC 9776 §5.2. (test)
  @Test("Questions are answered within the time they allow, about one group or all")
  func queries() throws {
    let peer = try NetworkPeer()
    let socket = try bind(peer, 7)
    let second = IPAddress.v4(IPv4Address(239, 9, 9, 9))
    try peer.stack.joinGroup(socket, group4, on: peer.interface, at: peer.now)
    try peer.stack.joinGroup(socket, second, from: friend, on: peer.interface, at: peer.now)
    peer.advance(.seconds(2))
    _ = reports(peer)
    peer.deliver(query(peer, code: 100))
    #expect(reports(peer).isEmpty)
    var seen: [Report] = []
    for _ in 0..<10 {
      peer.advance(.seconds(1))
      seen += reports(peer)
    }
    #expect(Set(seen) == [Report(.isExclude, group4), Report(.isInclude, second, [friend])])
    #expect(seen.count == 2)
    peer.deliver(query(peer, group: IPv4Address(239, 1, 2, 3), code: 10))
    peer.advance(.seconds(1))
    #expect(reports(peer) == [Report(.isExclude, group4)])
    peer.deliver(query(peer, group: IPv4Address(239, 1, 2, 4), code: 10))
    peer.advance(.seconds(20))
    #expect(reports(peer).isEmpty)
    #expect(peer.counters.membershipQueries == 3)
  }

  // RFC 9776 §7.2.1, RFC 2236 §3. (test)
  @Test("A router that knows version 2 only gets reports and leaves of version 2, for a while")
  func olderRouter() throws {
    let peer = try NetworkPeer()
    let socket = try bind(peer, 7)
    peer.deliver(query(peer, code: 10, isOld: true))
    try peer.stack.joinGroup(socket, group4, on: peer.interface, at: peer.now)
    #expect(peer.packets().map { $0[24] } == [0x16])
    peer.advance(.seconds(2))
    #expect(peer.packets().map { $0[24] } == [0x16])
    try peer.stack.leaveGroup(socket, group4, on: peer.interface, at: peer.now)
    let leave = try #require(peer.packets().first)
    #expect(leave[24] == 0x17 && Array(leave[16..<20]) == [224, 0, 0, 2])
    peer.advance(.seconds(2))
    _ = peer.packets()
    peer.advance(.seconds(260))
    try peer.stack.joinGroup(socket, group4, on: peer.interface, at: peer.now)
    #expect(reports(peer) == [Report(.toExclude, group4)])
  }

  @Test("MC-1: a question that allows no time, and codes with exponents, are answered")
  func noTime() throws {
    let peer = try NetworkPeer()
    let socket = try bind(peer, 7)
    try peer.stack.joinGroup(socket, group4, on: peer.interface, at: peer.now)
    peer.advance(.seconds(2))
    _ = reports(peer)
    peer.deliver(query(peer, code: 0))
    peer.advance(.milliseconds(10))
    #expect(reports(peer) == [Report(.isExclude, group4)])
    // 31 << 10 tenths of a second: 53 minutes.
    peer.deliver(query(peer, code: 255))
    peer.advance(.seconds(3_175))
    #expect(reports(peer) == [Report(.isExclude, group4)])
    // After an older router's question too (CVE-2012-0207).
    peer.deliver(query(peer, code: 0, isOld: true))
    peer.deliver(query(peer, code: 0))
    peer.advance(.seconds(10))
    #expect(peer.packets().map { $0[24] } == [0x12])
    peer.expectUnharmed()
  }

  @Test("MC-2: counts of sources beyond the packet, and sources without a group, are dropped")
  func counts() throws {
    let peer = try NetworkPeer()
    let socket = try bind(peer, 7)
    try peer.stack.joinGroup(socket, group4, on: peer.interface, at: peer.now)
    peer.advance(.seconds(2))
    _ = reports(peer)
    for count: UInt16 in [1, 2, 1_000, 65_535] {
      peer.deliver(
        query(peer, group: IPv4Address(239, 1, 2, 3), code: 1, sourceCount: count))
    }
    #expect(peer.counters.malformed[.badLength] == 4)
    peer.deliver(query(peer, code: 1, sourceCount: 1, sources: [1, 2, 3, 4]))
    peer.deliver(query(peer, group: IPv4Address(10, 7, 0, 9), code: 1))
    #expect(peer.counters.malformed[.badAddress] == 2)
    for length in 0..<12 where length != 8 {
      let message = Array(message(code: 1).prefix(length))
      peer.deliver(marked(peer, message))
    }
    peer.advance(.seconds(20))
    #expect(reports(peer).isEmpty && peer.counters.membershipQueries == 0)
    peer.expectUnharmed()
  }

  @Test("MC-3: questions through a router, unmarked, or not of a router's are dropped")
  func origin() throws {
    let peer = try NetworkPeer()
    let socket = try bind(peer, 7)
    try peer.stack.joinGroup(socket, group4, on: peer.interface, at: peer.now)
    try peer.stack.joinGroup(socket, group6, on: peer.interface, at: peer.now)
    peer.advance(.seconds(2))
    _ = reports(peer)
    peer.deliver(marked(peer, message(code: 1), hops: 2))
    peer.deliver(
      peer.ipv4(message(code: 1), .igmp, to: .allSystems) { $0.timeToLive = 1 })
    #expect(peer.counters.membershipIgnored == 2)
    let local = IPv6Address(0xFE80, 0, 0, 0, 0, 0, 0, 1)
    peer.deliver(query6(peer, from: peer.address6))
    peer.deliver(query6(peer, from: local, hops: 255))
    peer.deliver(query6(peer, from: local, isMarked: false))
    #expect(peer.counters.membershipIgnored == 5)
    peer.advance(.seconds(20))
    #expect(reports(peer).isEmpty)
    peer.deliver(query6(peer, from: local))
    peer.advance(.seconds(1))
    #expect(reports(peer) == [Report(.isExclude, group6)])
    peer.expectUnharmed()
  }

  @Test("MC-4: groups of the other version, and groups not joined, are not available")
  func versions() throws {
    let peer = try NetworkPeer()
    let only6 = try peer.stack.bindUDP(
      SocketAddress(.v6(.any), port: 7), ipv6Only: true, at: peer.now)
    #expect(throws: StackError.addressNotAvailable) {
      try peer.stack.joinGroup(only6, group4, on: peer.interface, at: peer.now)
    }
    #expect(throws: StackError.addressNotAvailable) {
      try peer.stack.leaveGroup(only6, group4, on: peer.interface, at: peer.now)
    }
    #expect(throws: StackError.addressNotAvailable) {
      try peer.stack.leaveGroup(only6, group6, on: peer.interface, at: peer.now)
    }
    try peer.stack.joinGroup(only6, group6, on: peer.interface, at: peer.now)
    #expect(throws: StackError.addressInUse) {
      try peer.stack.joinGroup(only6, group6, on: peer.interface, at: peer.now)
    }
    #expect(throws: StackError.invalidOperation) {
      try peer.stack.joinGroup(only6, .v6(peer.address6), on: peer.interface, at: peer.now)
    }
  }

  @Test("At the limits of groups and of sources one more is refused")
  func limits() throws {
    let peer = try NetworkPeer { $0.groupLimit = 3 }
    let socket = try bind(peer, 7)
    for last: UInt8 in 1...16 {
      try peer.stack.joinGroup(
        socket, group4, from: .v4(IPv4Address(10, 7, 0, 100 + last)), on: peer.interface,
        at: peer.now)
    }
    #expect(throws: StackError.noBufferSpace) {
      try peer.stack.joinGroup(socket, group4, from: friend, on: peer.interface, at: peer.now)
    }
    for last: UInt8 in 1...2 {
      try peer.stack.joinGroup(
        socket, .v4(IPv4Address(239, 0, 0, last)), on: peer.interface, at: peer.now)
    }
    #expect(throws: StackError.noBufferSpace) {
      try peer.stack.joinGroup(socket, group6, on: peer.interface, at: peer.now)
    }
  }

  // MARK: - Steps

  private struct Report: Hashable {
    var kind: GroupRecord.Kind
    var group: IPAddress
    var sources: [IPAddress]

    init(_ kind: GroupRecord.Kind, _ group: IPAddress, _ sources: [IPAddress] = []) {
      self.kind = kind
      self.group = group
      self.sources = sources
    }
  }

  private func groups(_ peer: NetworkPeer) -> [IPAddress] {
    var all: [IPAddress] = []
    peer.stack.forEachGroup(on: peer.interface) { all.append($0) }
    return all
  }

  private func bind(_ peer: NetworkPeer, _ port: PortNumber) throws -> SocketHandle {
    try peer.stack.bindUDP(SocketAddress(.v6(.any), port: port), at: peer.now)
  }

  /// The reports that leave now, their headers and checksums checked.
  private func reports(_ peer: NetworkPeer) -> [Report] {
    var all: [Report] = []
    for packet in peer.packets() {
      let isIPv4 = packet[0] >> 4 == 4
      let (start, step) = isIPv4 ? (24, 4) : (48, 16)
      let bytes = packet.span
      if isIPv4 {
        var sum = InternetChecksum()
        sum.add(bytes.slice(from: start))
        #expect(sum.value == 0 && packet[8] == 1 && packet[20] == 0x94 && packet[24] == 0x22)
        #expect(Array(packet[16..<20]) == [224, 0, 0, 22])
      } else {
        #expect(packet[7] == 1 && packet[6] == 0 && packet[42] == 5 && packet[48] == 143)
        let source = bytes.ipv6Address(at: 8)
        #expect(source.isLinkLocal || source.isUnspecified)
        let isValid = ICMPv6Message.hasValidChecksum(
          bytes.slice(from: start), source: source, destination: bytes.ipv6Address(at: 24))
        #expect(isValid)
      }
      let records = bytes.uint16(at: start + 6)
      #expect(records == 1)
      guard let record = try? GroupRecord(parsing: bytes, at: start + 8, isIPv4: isIPv4) else {
        Issue.record("not a record")
        continue
      }
      #expect(start + 8 + record.size == packet.count)
      var sources: [IPAddress] = []
      for index in 0..<record.sourceCount {
        let place = start + 12 + step * (index + 1)
        sources.append(
          isIPv4 ? .v4(bytes.ipv4Address(at: place)) : .v6(bytes.ipv6Address(at: place)))
      }
      all.append(Report(record.kind, record.group, sources))
    }
    return all
  }

  /// A datagram from the peer to the group.
  private func send(_ peer: NetworkPeer) {
    var datagram = peer.udp([1, 2, 3])
    datagram[6] = 0
    datagram[7] = 0
    let group = IPv4Address(239, 1, 2, 3)
    peer.deliver(
      peer.ipv4(datagram, .udp, to: group), to: EthernetAddress(multicast: group))
  }

  private func message(
    group: IPv4Address = .any, code: UInt8, isOld: Bool = false, sourceCount: UInt16 = 0,
    sources: [UInt8] = []
  ) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: isOld ? 8 : 12) + sources
    var span = bytes.mutableSpan
    span.store(0x1100 as UInt16 | UInt16(code), at: 0)
    span.store(group, at: 4)
    if !isOld { span.store(sourceCount, at: 10) }
    var sum = InternetChecksum()
    sum.add(span.span)
    span.store(sum.value, at: 2)
    return bytes
  }

  private func marked(_ peer: NetworkPeer, _ message: [UInt8], hops: UInt8 = 1) -> [UInt8] {
    peer.ipv4(message, .igmp, to: .allSystems, options: [0x94, 4, 0, 0]) { $0.timeToLive = hops }
  }

  private func query(
    _ peer: NetworkPeer, group: IPv4Address = .any, code: UInt8, isOld: Bool = false,
    sourceCount: UInt16 = 0, sources: [UInt8] = []
  ) -> [UInt8] {
    marked(
      peer,
      message(
        group: group, code: code, isOld: isOld, sourceCount: sourceCount, sources: sources))
  }

  private func query6(
    _ peer: NetworkPeer, from source: IPv6Address, hops: UInt8 = 1, isMarked: Bool = true
  ) -> [UInt8] {
    var message = [UInt8](repeating: 0, count: 28)
    var span = message.mutableSpan
    span.store(130 as UInt8, at: 0)
    span.store(500 as UInt16, at: 4)
    ICMPv6Message.fillChecksum(in: &span, source: source, destination: .allNodes)
    guard isMarked else {
      return peer.ipv6(message, .icmpv6, from: source, to: .allNodes, hops: hops)
    }
    return peer.ipv6(
      [58, 0, 5, 2, 0, 0, 1, 0] + message, .hopByHopOptions, from: source, to: .allNodes,
      hops: hops)
  }
}
