import Addresses
import Packets

/// A socket that sends ICMP echo requests and hears what becomes of them.
struct EchoSocket: ~Copyable {
  let version: IPVersion
  /// What tells our requests from others'; replies carry it back.
  let identifier: UInt16
  /// The address requests are sent from, in mapped form; nothing: chosen for each.
  let local: IPv6Address?
  var queue = DatagramQueue(limit: 512 << 10)
  var events = EventFlags()

  /// Codes of ``DatagramRecord/kind``.
  enum Kind {
    static let reply: UInt8 = 0
    static let unreachable: UInt8 = 1
    static let timeExceeded: UInt8 = 2
    static let packetTooBig: UInt8 = 3
  }

  static func key(_ version: IPVersion, _ identifier: UInt16) -> SocketKey {
    SocketKey(
      local: version == .v4 ? SocketKey.anyIPv4 : .any, localPort: identifier, remotePort: 1)
  }
}
