import Addresses
import Packets

/// A socket in LISTEN: where connections are made for, and the queue they wait in.
struct Listener: ~Copyable {
  /// The local address, or the unspecified one for all of them.
  let address: IPAddress
  let port: PortNumber
  /// An IPv6 listener on `::` takes IPv4 connections as well unless this is set (RFC 3493 §5.3).
  let ipv6Only: Bool
  /// Shares its place with others that do, too (`SO_REUSEPORT`).
  let sharesPort: Bool
  /// The most connections that may wait, handshake done or not.
  let backlog: Int
  /// Of the connections to come.
  var options: TCPSocketOptions
  /// Connections in SYN-RECEIVED.
  var halfOpen = 0
  /// Slots of connections whose handshake is done, the oldest first.
  var ready = Ring<UInt32>()
  var isEventQueued = false

  init(
    address: IPAddress, port: PortNumber, ipv6Only: Bool, backlog: Int,
    sharesPort: Bool = false, options: TCPSocketOptions
  ) {
    self.address = address
    self.port = port
    self.ipv6Only = ipv6Only
    self.sharesPort = sharesPort
    self.backlog = max(backlog, 1)
    self.options = options
  }

  /// The keyed hash under which a listener is found.
  static func hash(
    _ address: IPAddress, _ port: PortNumber, _ secrets: borrowing Secrets
  ) -> UInt64 {
    let key = address.mapped
    return secrets.tableHash(key.high, key.low, 0, 0, UInt64(port.rawValue))
  }

  /// Whether another listener on `address` would take connections meant for this one.
  func conflicts(
    with address: IPAddress, port: PortNumber, ipv6Only: Bool, device: InterfaceIndex?
  ) -> Bool {
    guard port == self.port else { return false }
    // Nothing comes by two interfaces.
    if let device, let own = options.device, own != device { return false }
    switch (self.address, address) {
    case (.v4(let a), .v4(let b)): return a == b || a == .any || b == .any
    case (.v6(let a), .v6(let b)): return a == b || a == .any || b == .any
    case (.v4, .v6(let other)): return other == .any && !ipv6Only
    case (.v6(let own), .v4): return own == .any && !self.ipv6Only
    }
  }
}
