import Addresses
import Host
import Packets
import ProtocolStack
import Sockets
import SystemPackage

/// Nodes from what describes them.
extension Node {
  /// - Parameter network: `tun:NAME=ADDRESS/LENGTH[,…]` or `tap:…`.
  /// - Throws: `EINVAL` where the text says something else; what the system refuses.
  static func open(_ network: String) throws(Errno) -> Node {
    guard let colon = network.firstIndex(of: ":"), let equals = network.firstIndex(of: "="),
      colon < equals
    else { throw .invalidArgument }
    let kind: StackAttachment.Kind
    switch network[..<colon] {
    case "tun": kind = .tun
    case "tap": kind = .tap(nil)
    default: throw .invalidArgument
    }
    var addresses: [Prefix] = []
    for text in network[network.index(after: equals)...].split(separator: ",") {
      guard let address = try? Prefix(parsing: text) else { throw .invalidArgument }
      addresses.append(address)
    }
    let name = String(network[network.index(after: colon)..<equals])
    let attachment = StackAttachment(kind, name: name, addresses: addresses)
    return try make { builder throws(SocketError) in try builder.attach(attachment) }
  }

  /// Two nodes joined by a cable in memory.
  static func openPair() throws(Errno) -> (Node, Node) {
    let abilities = LinkAbilities(mtu: 1_500)
    let capacity = NodeLink.packetCapacity(for: abilities)
    let there = Wire(depth: 1_024, packetCapacity: capacity)
    let back = Wire(depth: 1_024, packetCapacity: capacity)
    let first = try make { builder throws(SocketError) in
      try builder.attach(NodeLink(from: back, to: there, abilities, name: "wire0"), host: 1)
    }
    let second = try make { builder throws(SocketError) in
      try builder.attach(NodeLink(from: there, to: back, abilities, name: "wire0"), host: 2)
    }
    there.connect(receiver: { second.nudge() }, sender: { first.nudge() })
    back.connect(receiver: { first.nudge() }, sender: { second.nudge() })
    return (first, second)
  }

  private static func make(
    _ attach: (inout StackBuilder) throws(SocketError) -> Void
  ) throws(Errno) -> Node {
    let builder = try builder(attach)
    let number = Descriptors.shared.reserveNode()
    do throws(SystemError) {
      let node = try builder.handOver { (stack, ports) throws(SystemError) in
        try Node(number: number, stack: stack, ports: ports)
      }
      try node.start()
      Descriptors.shared.add(node)
      return node
    } catch {
      throw error.errno
    }
  }

  private static func builder(
    _ attach: (inout StackBuilder) throws(SocketError) -> Void
  ) throws(Errno) -> StackBuilder {
    var configuration = StackConfiguration()
    // Who calls connect wants to connect now.
    configuration.duplicateAddressProbes = 0
    // As Linux at a connection's beginning (`TCP_MAX_QUICKACKS`): else two small writes in a row
    // wait for each other's acknowledgment.
    configuration.tcp.quickAcknowledgments = 16
    do throws(SocketError) {
      var builder = try StackBuilder(configuration: configuration)
      try attach(&builder)
      return builder
    } catch {
      throw Errno(error)
    }
  }
}

extension StackBuilder {
  /// Joins a cable, as host `10.0.0.N` and `fd00::N`.
  fileprivate mutating func attach(
    _ link: consuming NodeLink, host: UInt8
  ) throws(SocketError) {
    let addresses = [
      Prefix(.v4(IPv4Address(10, 0, 0, host)), length: 24),
      Prefix(.v6(IPv6Address(high: 0xFD00 << 48, low: UInt64(host))), length: 64),
    ]
    _ = try attach(link, addresses: addresses.compactMap(\.self))
  }
}

extension Errno {
  fileprivate init(_ error: SocketError) {
    self =
      switch error.reason {
      case .system(let errno, _): Errno(rawValue: errno)
      case .addressInUse: .addressInUse
      case .addressNotAvailable: .addressNotAvailable
      case .noBufferSpace: .noBufferSpace
      default: .invalidArgument
      }
  }
}
