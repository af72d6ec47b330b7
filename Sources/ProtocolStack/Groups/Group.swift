import Addresses
import Packets

/// What one socket wants from a group on one interface (RFC 9776 §3.1): some senders alone, or all
/// but some.
struct Membership {
  /// Whose it is.
  let owner: MembershipOwner
  let group: IPv6Address
  var isExclude: Bool
  var sources = SourceSet()

  func hears(_ source: IPv6Address) -> Bool { sources.contains(source) != isExclude }
}

/// A socket that is a member of groups.
struct MembershipOwner: Equatable {
  let kind: SocketHandle.Kind
  let slot: UInt32
  let generation: UInt32

  /// No socket: what is filled has an odd generation.
  static var nobody: Self { Self(kind: .udp, slot: 0, generation: 0) }
}

/// What all sockets together want from a group on one interface (RFC 9776 §3.2), and what routers
/// have still to be told of it.
///
/// ```
///   join, leave, block --> merged anew --changed--> report at once, and once more within a second
///   query --> answer at a random time within the one it allows
/// ```
struct Group {
  let key: IPv6Address
  var isExclude = false
  var sources = SourceSet()
  /// The filter was turned round, or more has changed than there is room to tell.
  var isTurned = false
  /// Sources that are heard from now on, or no more.
  var changed = SourceSet()
  /// Reports of changes still to be sent, and when.
  var reportsLeft = 0
  var reportDue = Instant.distantFuture
  /// When a router's question is answered.
  var answerDue = Instant.distantFuture

  /// RFC 9776 §8.1, RFC 9777 §9.1: the robustness variable.
  static var robustness: Int { 2 }
  /// RFC 9776 §8.11: the unsolicited report interval.
  static var reportInterval: Interval { .seconds(1) }
  /// RFC 9776 §8.12: how long an older router's question counts: robustness times 125 seconds, and
  /// ten.
  static var olderRouterInterval: Interval { .seconds(260) }

  init(key: IPv6Address) { self.key = key }

  /// Nobody wants anything from it.
  var isEmpty: Bool { !isExclude && sources.count == 0 }

  /// Whether it is a group that every host is in and none reports (RFC 9776 §5, RFC 9777 §6).
  static func isUnreported(_ key: IPv6Address) -> Bool {
    if key.isIPv4Mapped { return key.ipv4 == .allSystems }
    // Scopes zero and one never leave a host.
    return key == .allNodes || key.high &>> 48 & 0xF <= 1
  }
}
