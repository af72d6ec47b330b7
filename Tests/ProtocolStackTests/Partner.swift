import Addresses
import Packets
import ProtocolStack
import Testing

/// A second stack at the other end of a ``NetworkPeer``'s link, with the peer's addresses.
final class Partner {
  var stack: ProtocolStack
  let interface: InterfaceIndex

  init(of peer: NetworkPeer, mtu: Int = 1500, checksumOffload: Bool = false) throws {
    var configuration = StackConfiguration()
    configuration.duplicateAddressProbes = 0
    stack = ProtocolStack(configuration: configuration, secrets: Secrets(3, 4))
    interface = try stack.addInterface(
      "link0",
      LinkAbilities(
        mtu: mtu, checksumOffload: checksumOffload,
        framing: peer.link == .ip ? .ip : .ethernet(peer.station)),
      at: peer.now)
    let prefix4 = try #require(Prefix(.v4(peer.address4), length: 24))
    let prefix6 = try #require(Prefix(.v6(peer.address6), length: 64))
    try stack.addAddress(prefix4, on: interface, at: peer.now)
    try stack.addAddress(prefix6, on: interface, at: peer.now)
  }

  /// Carries packets in both directions until there are none.
  ///
  /// - Returns: how many.
  @discardableResult
  func exchange(with peer: NetworkPeer, limit: Int = 10_000) -> Int {
    var carried = 0
    var isQuiet = false
    while !isQuiet, carried < limit {
      isQuiet = true
      while var packet = stack.nextPacket(for: interface, at: peer.now) {
        peer.stack.receive(&packet, on: peer.interface, at: peer.now)
        stack.recycle(packet)
        carried += 1
        isQuiet = false
      }
      while var packet = peer.stack.nextPacket(for: peer.interface, at: peer.now) {
        stack.receive(&packet, on: interface, at: peer.now)
        peer.stack.recycle(packet)
        carried += 1
        isQuiet = false
      }
    }
    #expect(carried < limit)
    return carried
  }

  func advance(with peer: NetworkPeer, _ interval: Interval) {
    peer.advance(interval)
    stack.advance(to: peer.now)
    exchange(with: peer)
  }
}

/// What has arrived on a connection, up to `count` bytes or somewhat more.
func receive(
  _ stack: inout ProtocolStack, _ socket: SocketHandle, _ count: Int, at now: Instant
) throws -> [UInt8] {
  var all: [UInt8] = []
  while all.count < count {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    var span = bytes.mutableSpan
    guard case .bytes(let read) = try stack.read(socket, into: &span, at: now) else { break }
    all += bytes.prefix(read)
  }
  return all
}
