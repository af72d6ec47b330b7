import Addresses
import Packets

/// One place where packets come and go: a link, our addresses on it, the neighbours met there, and
/// what waits to be sent. Number zero is the loopback interface, where the stack talks to itself.
struct Interface: ~Copyable {
  let abilities: LinkAbilities
  let isEthernet: Bool
  /// Our own station on an Ethernet link.
  let station: EthernetAddress
  /// Bytes of the largest IP packet: at most the link's.
  var mtu: Int
  /// Whether packets to any address are for us, as the far end of a tunnel takes them.
  var takesAnyDestination = false
  /// The hop limit of packets that do not ask for another.
  var hopLimit: UInt8
  var addresses = List(
    standIn: InterfaceAddress(Prefix(host: .v6(.any)), state: .duplicate))
  var neighbors: NeighborCache
  /// Neighbour discovery and errors, ready to leave.
  var control: PacketQueue
  /// Datagrams and echo replies, ready to leave.
  var output: PacketQueue
  /// Whether it is the datagrams' turn, where both they and segments wait.
  var datagramsNext = false
  /// Sockets that found no room in ``output`` and wait for some: slot and generation.
  var waitingSenders = Ring<UInt64>()
  /// Frames of packet sockets, ready to leave, and who sent each: slot and generation.
  var frames: PacketQueue
  var frameSenders = Ring<UInt64>()
  /// Router solicitations still to be sent, and when (RFC 4861 §6.3.7).
  var solicitationsLeft = 0
  var solicitationDeadline = Instant.distantFuture
  /// When the next of the addresses has something to do.
  var addressDeadline = Instant.distantFuture

  /// What sockets want from groups, and what routers are told of it.
  var memberships = List(standIn: Membership(owner: .nobody, group: .any, isExclude: false))
  var groups = List(standIn: Group(key: .any))
  /// When the next of the groups has something to do.
  var groupDeadline = Instant.distantFuture
  /// Until when routers are taken to know no more than IGMPv2, IGMPv1 or MLDv1.
  var olderRouter4Until = Instant(nanoseconds: .min)
  var oldestRouter4Until = Instant(nanoseconds: .min)
  var olderRouter6Until = Instant(nanoseconds: .min)

  init(_ abilities: LinkAbilities, configuration: StackConfiguration) {
    self.abilities = abilities
    if case .ethernet(let own) = abilities.framing {
      isEthernet = true
      station = own
    } else {
      isEthernet = false
      station = EthernetAddress(rawValue: 0)
    }
    mtu = Interface.clamp(abilities.mtu, to: 65_535)
    hopLimit = configuration.hopLimit
    neighbors = NeighborCache(
      limit: isEthernet ? configuration.neighborLimit : 0,
      unresolvedLimit: configuration.unresolvedNeighborLimit)
    control = PacketQueue(packetLimit: configuration.controlQueuePackets)
    frames = PacketQueue(
      packetLimit: configuration.outputQueuePackets, byteLimit: configuration.outputQueueBytes)
    output = PacketQueue(
      packetLimit: configuration.outputQueuePackets, byteLimit: configuration.outputQueueBytes)
  }

  /// RFC 791 §3.2: every host takes 576 bytes, so that no link is taken to carry less.
  static func clamp(_ mtu: Int, to most: Int) -> Int {
    let highest = most < 576 ? 576 : most
    return mtu < 576 ? 576 : (mtu > highest ? highest : mtu)
  }

  /// The place of an address, in whatever state.
  func place(of key: IPv6Address) -> Int? {
    var place = 0
    while place < addresses.count {
      if addresses[place].key == key { return place }
      place &+= 1
    }
    return nil
  }

  /// Whether packets for the address are for us.
  @inline(__always)
  func owns(_ key: IPv6Address) -> Bool {
    var place = 0
    while place < addresses.count {
      if addresses[place].key == key { return addresses[place].isUsable }
      place &+= 1
    }
    return false
  }

  /// Whether the address is the broadcast address of one of our subnets, or of all hosts.
  func isBroadcast(_ address: IPv4Address) -> Bool {
    if address.isLimitedBroadcast { return true }
    var place = 0
    while place < addresses.count {
      if addresses[place].prefix.broadcastAddress == address { return true }
      place &+= 1
    }
    return false
  }

  /// Whether one of our addresses, tentative ones included, is asked for on this group.
  func listensTo(_ group: IPv6Address) -> Bool {
    if group == .allNodes || group == IPv6Address(high: 0xFF01 << 48, low: 1) { return true }
    guard group.isSolicitedNode else { return isMember(of: group) }
    var place = 0
    while place < addresses.count {
      let key = addresses[place].key
      if !key.isIPv4Mapped, key.solicitedNode == group { return true }
      place &+= 1
    }
    return isMember(of: group)
  }

  /// Whether frames to this group station are taken in (RFC 1112 §6.4, RFC 2464 §7).
  func listensTo(_ group: EthernetAddress) -> Bool {
    if group.isBroadcast || group == EthernetAddress(multicast: IPv4Address.allSystems) {
      return true
    }
    guard group.rawValue &>> 32 == 0x3333 else { return isMember(at: group) }
    let last = group.rawValue & 0xFFFF_FFFF
    if last == 1 { return true }
    var place = 0
    while place < addresses.count {
      let key = addresses[place].key
      if !key.isIPv4Mapped, key.solicitedNode.low & 0xFFFF_FFFF == last { return true }
      place &+= 1
    }
    return isMember(at: group)
  }

  /// A usable link-local address, if there is one.
  var linkLocalAddress: IPv6Address? {
    var place = 0
    while place < addresses.count {
      if addresses[place].isUsable, addresses[place].key.isLinkLocal {
        return addresses[place].key
      }
      place &+= 1
    }
    return nil
  }

  /// Finds the earliest deadline of the addresses anew.
  mutating func scheduleAddresses() {
    var earliest = Instant.distantFuture
    var place = 0
    while place < addresses.count {
      let address = addresses[place]
      earliest = min(earliest, address.deadline, min(address.validUntil, address.preferredUntil))
      place &+= 1
    }
    addressDeadline = earliest
  }
}
