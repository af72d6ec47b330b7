import Addresses
import Packets

/// A UDP socket: where it is bound, whom it speaks to if to one only, and what waits to be read.
struct UDPSocket: ~Copyable {
  /// Where it is bound, in mapped form: one of our addresses, a group, or a wildcard.
  let bound: IPv6Address
  let port: UInt16
  let version: IPVersion
  /// Bound to all addresses of both versions.
  let isDual: Bool
  /// The interface that link-local addresses are meant on; zero: whichever.
  let zone: UInt32
  /// The number of its opening, or its connecting: the newest has the greatest.
  var serial: UInt64
  /// Of a connected socket: the local address packets carry, and the peer.
  var local: IPv6Address
  var remote: SocketAddress?
  var options: UDPSocketOptions
  var queue: DatagramQueue
  /// What went wrong since, told once.
  var failure: StackError?
  var events = EventFlags()
  /// Queued to be told about room in an interface's queue.
  var isWaiting = false

  init(
    bound: IPv6Address, port: UInt16, version: IPVersion, isDual: Bool, zone: UInt32,
    serial: UInt64 = 0, options: UDPSocketOptions
  ) {
    self.bound = bound
    self.port = port
    self.version = version
    self.isDual = isDual
    self.zone = zone
    self.serial = serial
    local = bound
    self.options = options
    queue = DatagramQueue(limit: max(options.receiveBufferSize, 0))
  }

  /// A socket that nobody has.
  static var standIn: UDPSocket {
    UDPSocket(
      bound: .any, port: 0, version: .v6, isDual: false, zone: 0, options: UDPSocketOptions())
  }

  var isWildcard: Bool { bound.isUnspecified || bound == SocketKey.anyIPv4 }

  /// The keys it is bound under.
  var key: SocketKey { SocketKey(local: bound, localPort: port) }
  /// The second one, of a socket for both versions.
  var dualKey: SocketKey? {
    isDual ? SocketKey(local: SocketKey.anyIPv4, localPort: port) : nil
  }
  /// The key of its one conversation, once it is connected.
  var connectedKey: SocketKey? {
    guard let remote else { return nil }
    return SocketKey(
      local: local, remote: remote.address.mapped, localPort: port,
      remotePort: remote.port.rawValue)
  }

  /// Whether it shares its address and port with a socket of these options.
  func shares(with other: UDPSocketOptions) -> Bool {
    // Nothing comes by two interfaces.
    if let own = options.device, let device = other.device, own != device { return true }
    return options.reusesPort && other.reusesPort || options.reusesAddress && other.reusesAddress
  }

  /// Whether it stands under a key.
  func stands(under wanted: SocketKey) -> Bool {
    wanted.remotePort == 0 && wanted.remote.isUnspecified
      ? wanted == key || wanted == dualKey : wanted == connectedKey
  }
}
