import Addresses
import Packets

/// What tells one connection from all others: both socket addresses, and the interface where the
/// addresses mean something on one link only, or the connection is bound to it. IPv4 addresses are
/// held as IPv4-mapped ones.
struct Flow: Hashable, BitwiseCopyable {
  var local: IPv6Address
  var remote: IPv6Address
  var localPort: UInt16
  var remotePort: UInt16
  /// One above the interface's number for link-local addresses, and where the socket is bound to a
  /// device; else zero.
  var zone: UInt32

  @inline(__always)
  init(
    local: IPAddress, localPort: PortNumber, remote: IPAddress, remotePort: PortNumber,
    interface: InterfaceIndex
  ) {
    self.local = local.mapped
    self.remote = remote.mapped
    self.localPort = localPort.rawValue
    self.remotePort = remotePort.rawValue
    zone = 0
    if isLinkLocal { zone = UInt32(interface.rawValue) &+ 1 }
  }

  var isIPv4: Bool { remote.high == 0 && remote.low &>> 32 == 0xFFFF }
  var localAddress: IPAddress { IPAddress(unmapping: local) }
  var remoteAddress: IPAddress { IPAddress(unmapping: remote) }
  var isLinkLocal: Bool { remote.high &>> 54 == 0x3FA }
  /// The zone of its addresses, if they have one, from one on.
  var addressZone: UInt32 { isLinkLocal ? zone : 0 }

  /// The flow of a connection that is bound to an interface.
  func bound(to interface: InterfaceIndex) -> Flow {
    var flow = self
    flow.zone = UInt32(interface.rawValue) &+ 1
    return flow
  }

  /// The flow of a connection that is bound to none.
  var unbound: Flow {
    var flow = self
    flow.zone = addressZone
    return flow
  }

  /// Whether both ends are one: a connection opened so would be refused by nobody, for its own SYN
  /// opens it from the other side (RFC 9293 §3.5).
  var isWithItself: Bool { local == remote && localPort == remotePort }

  /// The keyed hash under which the connection table knows this flow.
  @inline(__always)
  func hash(_ secrets: borrowing Secrets) -> UInt64 {
    let ports = UInt64(localPort) &<< 48 | UInt64(remotePort) &<< 32 | UInt64(zone)
    if isIPv4 {
      return secrets.tableHash(local.low &<< 32 | remote.low & 0xFFFF_FFFF, ports)
    }
    return secrets.tableHash(local.high, local.low, remote.high, remote.low, ports)
  }

  /// RFC 6437 §3: 20 bits that are the same in all packets of a flow, tell nothing about it and
  /// are not zero. Zero for IPv4, whose packets have no place for it.
  func label(_ secrets: borrowing Secrets) -> UInt32 {
    isIPv4 ? 0 : secrets.flowLabel(identifier(secrets, purpose: 0x4C41_4245))
  }

  /// The keyed hash that identifiers for this flow are made from, one for each purpose.
  func identifier(_ secrets: borrowing Secrets, purpose: UInt64) -> UInt64 {
    let ports = UInt64(localPort) &<< 48 | UInt64(remotePort) &<< 32 | UInt64(zone)
    return secrets.hash(local.high, local.low, remote.high, remote.low, ports, purpose)
  }
}
