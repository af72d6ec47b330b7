import Addresses
import Packets
import ProtocolStack
import Testing

@Suite("UDP sockets that share a port and are connected to the same peer")
struct NetworkRivalTests {
  @Test("The newest hears it, whether it is bound to the device or not")
  func rivals() throws {
    let peer = try NetworkPeer()
    let local = SocketAddress(.v4(peer.stack4), port: 7)
    let remote = SocketAddress(.v4(peer.address4), port: 5_000)
    func connect(_ device: InterfaceIndex?, reusesPort: Bool) throws -> SocketHandle {
      var options = UDPSocketOptions()
      options.reusesAddress = true
      options.reusesPort = reusesPort
      options.device = device
      let socket = try peer.stack.bindUDP(local, options: options, at: peer.now)
      try peer.stack.connectUDP(socket, to: remote, at: peer.now)
      return socket
    }
    for reusesPort in [false, true] {
      let bound = try connect(peer.interface, reusesPort: reusesPort)
      let first = try connect(nil, reusesPort: reusesPort)
      let second = try connect(nil, reusesPort: reusesPort)
      // Bound and connected to nobody: it hears of no conversation that another one has.
      var options = UDPSocketOptions()
      options.reusesAddress = true
      let stranger = try peer.stack.bindUDP(local, options: options, at: peer.now)
      // Connected again, it is the newest.
      try peer.stack.connectUDP(first, to: remote, at: peer.now)
      let all = [first, second, bound]
      for (number, hearing) in all.enumerated() {
        peer.deliver(peer.ipv4(peer.udp([UInt8(number)]), .udp))
        for socket in all[number...] {
          #expect(try peer.read(socket)?.1 == (socket == hearing ? [UInt8(number)] : nil))
        }
        // What becomes of a datagram is told to the same one.
        for socket in all[number...] { #expect(try peer.send(socket, [1])) }
        let sent = try #require(peer.packets().last)
        peer.deliver(
          peer.ipv4(
            peer.icmp4(.destinationUnreachable(.port, nextHopMTU: 0), Array(sent.prefix(28))),
            .icmpv4))
        for socket in all[number...] where socket != hearing {
          #expect(try peer.read(socket) == nil)
        }
        #expect(throws: StackError.connectionRefused) { try peer.read(hearing) }
        peer.stack.close(hearing, at: peer.now)
      }
      #expect(try peer.read(stranger) == nil)
      peer.deliver(peer.ipv4(peer.udp([9]), .udp))
      #expect(try peer.read(stranger)?.1 == [9])
      peer.stack.close(stranger, at: peer.now)
    }
    peer.expectUnharmed()
  }
}
