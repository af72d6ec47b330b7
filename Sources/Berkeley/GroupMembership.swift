import Addresses
import ProtocolStack
import SystemPackage

/// A group that a socket is in on an interface, as Linux keeps it (`ip_mc_socklist`): all senders
/// are heard but the named ones, or the named ones alone.
struct GroupMembership: Sendable {
  let group: IPAddress
  let interface: InterfaceIndex
  private(set) var isExclude: Bool
  private(set) var sources: [IPAddress] = []
  /// Senders were named. Until then the membership may be turned from one kind into the other.
  private var isFiltered = false

  /// - Parameter isExclude: hears everybody; else nobody yet.
  init(group: IPAddress, interface: InterfaceIndex, isExclude: Bool) {
    self.group = group
    self.interface = interface
    self.isExclude = isExclude
  }

  /// Nobody is heard: to the stack, the socket is not in the group.
  var isEmpty: Bool { !isExclude && sources.isEmpty }

  /// Nobody is heard because nobody was named yet.
  var isNew: Bool { isEmpty && !isFiltered }

  /// The most groups that one socket is in, and the most senders it names, of IPv4: Linux's
  /// `igmp_max_memberships` and `igmp_max_msf`. Of IPv6 the stack's limits hold.
  static var groupLimit: Int { 20 }
  private static var sourceLimit: Int { 10 }

  /// Names a sender, in the order of refusals that `ip_mc_source` has.
  mutating func add(_ source: IPAddress, toExclude: Bool) throws(Errno) {
    try turn(toExclude: toExclude)
    guard group.isIPv6 || sources.count < Self.sourceLimit else { throw .noBufferSpace }
    guard !sources.contains(source) else { throw .addressNotAvailable }
    sources.append(source)
    isFiltered = true
  }

  /// Takes a name back.
  mutating func remove(_ source: IPAddress, fromExclude: Bool) throws(Errno) {
    try turn(toExclude: fromExclude)
    guard let place = sources.firstIndex(of: source) else { throw .addressNotAvailable }
    sources.remove(at: place)
  }

  /// Names senders instead of those that were named. Each counts once.
  mutating func replace(_ sources: [IPAddress], isExclude: Bool) {
    self.isExclude = isExclude
    self.sources = []
    for source in sources where !self.sources.contains(source) { self.sources.append(source) }
    isFiltered = !sources.isEmpty
  }

  private mutating func turn(toExclude: Bool) throws(Errno) {
    guard isExclude == toExclude || !isFiltered else { throw .invalidArgument }
    isExclude = toExclude
  }
}

/// What is asked about a group (RFC 3678).
struct GroupRequest: Sendable {
  let group: IPAddress
  /// nil where the whole group is meant.
  let source: IPAddress?
  /// The interface by an address of its, as the older calls for IPv4 have it.
  let local: IPAddress?
  /// The interface by its number; zero where it is left to the node.
  let interface: UInt32
}

enum GroupChange: Sendable {
  case join, leave, joinSource, leaveSource, blockSource, unblockSource
}
