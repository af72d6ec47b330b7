public import Packets

/// The limits and habits of a ``ProtocolStack``. Every table, queue and cache has its cap here, and
/// a policy and a counter at the cap.
public struct StackConfiguration: Sendable {
  /// What holds for all connections.
  public var tcp = TCPConfiguration()
  /// The hop limit packets leave with (RFC 1122 §3.2.1.7, RFC 4861 §6.3.2).
  public var hopLimit: UInt8 = 64
  /// The ports given to sockets that ask for none, of UDP and TCP (RFC 6056 §3.2), in either order.
  public var firstEphemeralPort: UInt16 = 32_768
  public var lastEphemeralPort: UInt16 = 60_999

  /// UDP sockets at most; one more is refused.
  public var udpSocketLimit = 65_536
  /// Echo sockets at most; one more is refused.
  public var echoSocketLimit = 1_024
  /// Raw sockets at most; one more is refused. Each is asked about every packet.
  public var rawSocketLimit = 256
  /// Packet sockets at most; one more is refused. Each is asked about every frame.
  public var packetSocketLimit = 64
  /// Interfaces at most, the loopback one included; one more is refused.
  public var interfaceLimit = 64
  /// Addresses of one interface at most; one more is refused.
  public var addressLimit = 16
  /// Groups that all sockets together have joined on one interface at most; one more is refused.
  public var groupLimit = 64
  /// Routes at most; one more is refused.
  public var routeLimit = 1_024

  /// Packets an interface's queue of datagrams holds; a sender waits for room, a reply is dropped.
  public var outputQueuePackets = 1_024
  /// Bytes an interface's queue of datagrams holds.
  public var outputQueueBytes = 2 << 20
  /// Packets an interface's queue of control messages (neighbour discovery, errors) holds; the
  /// newest is dropped.
  public var controlQueuePackets = 256
  /// Free packets kept for reuse; what comes back beyond is freed.
  public var packetPoolSize = 1_024

  /// Neighbours known per interface; the one not used for longest makes room (RFC 6583).
  public var neighborLimit = 512
  /// Of these, neighbours being asked for at one time; the oldest is given up.
  public var unresolvedNeighborLimit = 64
  /// Probes for an address already in use before ours is used on Ethernet, one second each; zero
  /// trusts the administrator (RFC 4862 §5.1, RFC 5227 §2.1).
  public var duplicateAddressProbes = 1
  /// Whether routers may give this host its IPv6 addresses and default routes (RFC 4862).
  public var acceptsRouterAdvertisements = false

  /// Bytes of fragments that wait for the rest of their datagrams, in all; the oldest datagram
  /// makes room.
  public var reassemblyBytes = 256 << 10
  /// Datagrams that wait for fragments, in all; the oldest makes room.
  public var reassemblyDatagrams = 64
  /// Of these, datagrams of one source; its oldest makes room.
  public var reassemblyDatagramsPerSource = 16
  /// Fragments of one datagram; with one more it is dropped.
  public var fragmentsPerDatagram = 64

  /// The mean time between two ICMP errors to the same destination (RFC 1812 §4.3.2.8, RFC 4443
  /// §2.4 f).
  public var errorInterval = Interval.milliseconds(100)
  /// ICMP errors a quiet destination may get at once, at least; up to twice as many, at random.
  public var errorBurst = 6
  /// Destinations whose path is known to take less than the link; the oldest makes room.
  public var pathLimit = 256

  public init() {}
}
