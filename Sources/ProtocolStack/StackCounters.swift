public import Packets

/// What a ``ProtocolStack`` has seen and done: one counter for each way a packet can end. They only
/// rise, and wrap rather than stop.
public struct StackCounters: Equatable, Sendable {
  // Links.

  /// Packets and bytes handed to ``ProtocolStack/receive(_:on:at:)``.
  public var packetsReceived: UInt64 = 0
  public var bytesReceived: UInt64 = 0
  /// Packets and bytes that ``ProtocolStack/nextPacket(for:at:)`` gave out.
  public var packetsSent: UInt64 = 0
  public var bytesSent: UInt64 = 0
  /// Packets that went from one socket of the stack to another.
  public var packetsLooped: UInt64 = 0
  /// Frames and packets too short to have a header.
  public var runts: UInt64 = 0
  /// Frames for another station.
  public var foreignFrames: UInt64 = 0
  /// Frames of a type that is not spoken here, tagged and LLC frames among them.
  public var unknownEtherTypes: UInt64 = 0
  /// Headers of any layer that were refused, by reason.
  public var malformed = MalformedCounters()

  // The Internet Protocol, both versions.

  /// Whole packets for this host.
  public var packetsDelivered: UInt64 = 0
  /// Packets whose source address may not be one.
  public var martianSources: UInt64 = 0
  /// Packets for another host.
  public var foreignDestinations: UInt64 = 0
  /// Packets that wanted to choose their own way.
  public var sourceRoutes: UInt64 = 0
  /// Packets of a protocol that is not spoken here.
  public var unknownProtocols: UInt64 = 0
  /// Packets that no route leads for, or no address of ours could have sent.
  public var unroutable: UInt64 = 0
  /// Packets dropped because an interface's queue of datagrams was full.
  public var outputQueueDrops: UInt64 = 0
  /// Control messages dropped because an interface's queue of them was full.
  public var controlQueueDrops: UInt64 = 0
  /// Datagrams that were cut into fragments, and the fragments.
  public var datagramsFragmented: UInt64 = 0
  public var fragmentsSent: UInt64 = 0

  // Reassembly.

  public var fragmentsReceived: UInt64 = 0
  public var datagramsReassembled: UInt64 = 0
  /// Fragments that no sender makes: odd lengths, tiny beginnings, ends beyond 65,535.
  public var fragmentsInvalid: UInt64 = 0
  /// Fragments that were there already.
  public var fragmentsDuplicate: UInt64 = 0
  /// Fragments that contradicted others, or came too many; their datagram is dropped.
  public var fragmentsConflicting: UInt64 = 0
  /// Fragments of a datagram that was dropped before.
  public var fragmentsLate: UInt64 = 0
  public var reassemblyTimeouts: UInt64 = 0
  /// Datagrams that made room for newer ones.
  public var reassemblyEvictions: UInt64 = 0

  // Neighbours.

  public var arpReceived: UInt64 = 0
  /// ARP packets that told nothing anyone had asked.
  public var arpIgnored: UInt64 = 0
  public var neighborDiscoveryReceived: UInt64 = 0
  /// Neighbour discovery messages that told nothing anyone had asked.
  public var neighborDiscoveryIgnored: UInt64 = 0
  public var routerAdvertisements: UInt64 = 0
  /// Times another station claimed an address of ours, or had one we wanted.
  public var addressConflicts: UInt64 = 0
  /// Neighbours that did not answer.
  public var neighborFailures: UInt64 = 0
  /// Neighbours forgotten to make room for others.
  public var neighborEvictions: UInt64 = 0
  /// Packets dropped while their neighbour was asked for.
  public var neighborQueueDrops: UInt64 = 0

  // Groups.

  /// Routers' questions about groups, and reports to them.
  public var membershipQueries: UInt64 = 0
  public var membershipReports: UInt64 = 0
  /// Messages of IGMP and MLD that are not for hosts, or not from this link's routers.
  public var membershipIgnored: UInt64 = 0

  // ICMP.

  public var echoRequestsAnswered: UInt64 = 0
  /// Echo requests that get no answer: to groups, or with no room for one.
  public var echoRequestsIgnored: UInt64 = 0
  public var echoReplies: UInt64 = 0
  /// Errors about packets of ours.
  public var errorsReceived: UInt64 = 0
  /// Errors about packets that no living socket sent.
  public var errorsUnmatched: UInt64 = 0
  /// Messages that are out of use, or nobody's business.
  public var icmpIgnored: UInt64 = 0
  public var errorsSent: UInt64 = 0
  /// Errors not sent because the packet may not be answered with one.
  public var errorsForbidden: UInt64 = 0
  /// Errors not sent because their destination had its share.
  public var errorsLimited: UInt64 = 0
  /// Path MTUs learned, and reports of them that cannot be.
  public var pathUpdates: UInt64 = 0
  public var pathUpdatesIgnored: UInt64 = 0

  // UDP.

  public var datagramsReceived: UInt64 = 0
  public var datagramsSent: UInt64 = 0
  public var datagramsToNobody: UInt64 = 0
  public var datagramsBadChecksum: UInt64 = 0
  /// Datagrams with a port of zero.
  public var datagramsBadPort: UInt64 = 0
  /// Datagrams dropped because their socket's buffer was full.
  public var receiveBufferDrops: UInt64 = 0

  // Raw and packet sockets.

  public var rawPacketsSent: UInt64 = 0
  /// Copies that raw sockets took in.
  public var rawPacketsReceived: UInt64 = 0
  /// Copies dropped because a raw socket's buffer was full, and a packet socket's.
  public var rawBufferDrops: UInt64 = 0
  public var frameBufferDrops: UInt64 = 0

  /// A table was asked for what it does not have. Anything but zero is a bug.
  public var brokenInvariants: UInt64 = 0

  public init() {}
}

/// How many headers were refused for each reason.
public struct MalformedCounters: Equatable, Sendable {
  private var counts = InlineArray<14, UInt64>(repeating: 0)

  public init() {}

  public subscript(_ reason: Malformed) -> UInt64 {
    let index = Int(reason.rawValue)
    return index < counts.count ? counts[index] : 0
  }

  /// Headers refused for any reason.
  public var total: UInt64 {
    var sum: UInt64 = 0
    for index in counts.indices { sum &+= counts[index] }
    return sum
  }

  mutating func add(_ reason: Malformed) {
    let index = Int(reason.rawValue)
    if index < counts.count { counts[index] &+= 1 }
  }

  public static func == (a: Self, b: Self) -> Bool {
    for index in a.counts.indices where a.counts[index] != b.counts[index] { return false }
    return true
  }
}
