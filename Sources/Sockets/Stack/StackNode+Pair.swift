import Addresses
public import Logging
package import Packets
package import ProtocolStack

extension StackNode {
  /// Two nodes of this process, joined by a cable in memory: for tests, without devices and without
  /// privileges. The first is `10.0.0.1` and `fd00::1`, the second `10.0.0.2` and `fd00::2`.
  ///
  /// - Parameters:
  ///   - mtu: the cable's, in bytes of IP packet.
  ///   - depth: the packets that fit into each direction; a full cable makes the sender wait.
  ///   - logger: hears of what no call tells; nil for nobody.
  public static func pair(
    mtu: Int = 1_500, depth: Int = 1_024, logger: Logger? = nil
  ) async throws(SocketError) -> (StackNode, StackNode) {
    try pair(
      LinkAbilities(mtu: mtu), depth: depth, configuration: StackConfiguration(), logger: logger)
  }

  /// As ``pair(mtu:depth:logger:)``, over a cable with these abilities.
  package static func pair(
    _ abilities: LinkAbilities, depth: Int = 1_024, configuration: StackConfiguration,
    logger: Logger? = nil
  ) throws(SocketError) -> (StackNode, StackNode) {
    let capacity = NodeLink.packetCapacity(for: abilities)
    let there = Wire(depth: depth, packetCapacity: capacity)
    let back = Wire(depth: depth, packetCapacity: capacity)
    let first = try core(
      1, NodeLink(from: back, to: there, abilities, name: "wire0"), configuration, logger)
    let second = try core(
      2, NodeLink(from: there, to: back, abilities, name: "wire0"), configuration, logger)
    let (firstReactor, secondReactor) = (first.reactor, second.reactor)
    there.connect(receiver: { secondReactor.nudge() }, sender: { firstReactor.nudge() })
    back.connect(receiver: { firstReactor.nudge() }, sender: { secondReactor.nudge() })
    return (StackNode(first), StackNode(second))
  }

  private static func core(
    _ number: UInt8, _ link: consuming NodeLink, _ configuration: StackConfiguration,
    _ logger: Logger?
  ) throws(SocketError) -> StackCore {
    var builder = try StackBuilder(configuration: configuration, logger: logger ?? .silent)
    let addresses = [
      Prefix(.v4(IPv4Address(10, 0, 0, number)), length: 24),
      Prefix(.v6(IPv6Address(high: 0xFD00 << 48, low: UInt64(number))), length: 64),
    ]
    _ = try builder.attach(link, addresses: addresses.compactMap(\.self))
    return try builder.build(name: "node\(number)")
  }
}
