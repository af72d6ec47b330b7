import Addresses
import Packets

/// What is known of one neighbour on an Ethernet link (RFC 4861 §5.1, §7.3.2; for IPv4 the same
/// states serve RFC 1122 §2.3.2.1).
///
/// ```
///             asked 3 times                     answered
///   (gone) <----------------- incomplete -----------------> reachable <---+
///      ^                                                        | 30 s    |
///      | asked 3 times           used          5 s              v         | answered
///      +-------------- probe <--------- delay <---------------- stale     |
///                        +------------------------------------------------+
/// ```
struct Neighbor: ~Copyable {
  enum State: UInt8 {
    case incomplete, reachable, stale, delay, probe
  }

  /// The IP address in mapped form.
  let key: IPv6Address
  let hash: UInt64
  var station = EthernetAddress(rawValue: 0)
  var state = State.incomplete
  /// When the state ends by itself.
  var deadline = Instant.distantFuture
  /// Solicitations sent in this state.
  var tries = 0
  var lastUsed: Instant
  /// What waits for the address: the oldest of more than three is dropped.
  var waiting = PacketQueue(packetLimit: Neighbor.waitingLimit, byteLimit: 128 << 10)

  /// RFC 1122 §2.3.2.2: at least the latest packet waits, and no long queue.
  static var waitingLimit: Int { 3 }
  /// RFC 4861 §10: MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT.
  static var solicitationLimit: Int { 3 }
  /// RFC 4861 §10: RETRANS_TIMER.
  static var retransmission: Interval { .seconds(1) }
  /// RFC 4861 §10: DELAY_FIRST_PROBE_TIME.
  static var firstProbeDelay: Interval { .seconds(5) }
  /// RFC 4861 §10: REACHABLE_TIME, times one half to three halves.
  static var reachable: Interval { .seconds(30) }

  init(key: IPv6Address, hash: UInt64, at now: Instant) {
    self.key = key
    self.hash = hash
    lastUsed = now
  }
}
