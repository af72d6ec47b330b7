import Addresses
import Packets

/// A socket in LISTEN: where connections are made for, and the queue they wait in.
struct Listener: ~Copyable {
  /// The local address, or the unspecified one for all of them.
  let address: IPAddress
  let port: PortNumber
  /// An IPv6 listener on `::` takes IPv4 connections as well unless this is set (RFC 3493 §5.3).
  let ipv6Only: Bool
  /// The most connections that may wait, handshake done or not.
  let backlog: Int
  let options: TCPSocketOptions
  /// Connections in SYN-RECEIVED.
  var halfOpen = 0
  /// Slots of connections whose handshake is done, the oldest first.
  var ready = Ring<UInt32>()
  var isEventQueued = false

  init(
    address: IPAddress, port: PortNumber, ipv6Only: Bool, backlog: Int, options: TCPSocketOptions
  ) {
    self.address = address
    self.port = port
    self.ipv6Only = ipv6Only
    self.backlog = max(backlog, 1)
    self.options = options
  }

  /// How well the listener fits a destination: 0 not at all, 1 by a wildcard of the other family,
  /// 2 by a wildcard, 3 exactly.
  func fitness(for destination: IPAddress, port: PortNumber) -> Int {
    guard port == self.port else { return 0 }
    if destination == address { return 3 }
    switch (address, destination) {
    case (.v4(let own), .v4): return own == .any ? 2 : 0
    case (.v6(let own), .v6): return own == .any ? 2 : 0
    case (.v6(let own), .v4): return own == .any && !ipv6Only ? 1 : 0
    case (.v4, .v6): return 0
    }
  }

  /// Whether another listener on `address` would take connections meant for this one.
  func conflicts(with address: IPAddress, port: PortNumber, ipv6Only: Bool) -> Bool {
    guard port == self.port else { return false }
    switch (self.address, address) {
    case (.v4(let a), .v4(let b)): return a == b || a == .any || b == .any
    case (.v6(let a), .v6(let b)): return a == b || a == .any || b == .any
    case (.v4, .v6(let other)): return other == .any && !ipv6Only
    case (.v6(let own), .v4): return own == .any && !self.ipv6Only
    }
  }
}
