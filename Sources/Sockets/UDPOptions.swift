/// What can be chosen about a UDP socket, with the POSIX or Linux names.
public struct UDPOptions: Hashable, Sendable {
  /// Bytes that may wait to be read; what arrives beyond is dropped (`SO_RCVBUF`).
  public var receiveBufferLimit: Int?
  /// Whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
  public var allowsBroadcast: Bool
  /// The hop limit of unicast datagrams; nil: the node's (`IP_TTL`, `IPV6_UNICAST_HOPS`).
  public var hopLimit: UInt8?
  /// The hop limit of multicast datagrams (`IP_MULTICAST_TTL`, `IPV6_MULTICAST_HOPS`).
  public var multicastHopLimit: UInt8
  /// Whether members on this node hear what the socket sends to a group (`IP_MULTICAST_LOOP`,
  /// `IPV6_MULTICAST_LOOP`).
  public var loopsMulticast: Bool
  /// The name of the interface that multicast datagrams leave by; nil: the routes decide
  /// (`IP_MULTICAST_IF`, `IPV6_MULTICAST_IF`).
  public var multicastInterface: String?
  /// What datagrams leave with (`IP_TOS`, `IPV6_TCLASS`).
  public var trafficClass: TrafficClass
  /// Shares its address and port with sockets that say so, too (`SO_REUSEADDR`): the newest hears
  /// what is for one of them, all hear what is for a group or for everybody.
  public var reusesAddress: Bool
  /// Shares its address and port with sockets that say so, too (`SO_REUSEPORT`): each hears a part
  /// of the peers.
  public var reusesPort: Bool
  /// The name of the interface that datagrams go by and come by; nil: any (`SO_BINDTODEVICE`).
  public var device: String?

  public init(
    receiveBufferLimit: Int? = nil, allowsBroadcast: Bool = false, hopLimit: UInt8? = nil,
    multicastHopLimit: UInt8 = 1, loopsMulticast: Bool = true, multicastInterface: String? = nil,
    trafficClass: TrafficClass = TrafficClass(), reusesAddress: Bool = false,
    reusesPort: Bool = false, device: String? = nil
  ) {
    self.receiveBufferLimit = receiveBufferLimit
    self.allowsBroadcast = allowsBroadcast
    self.hopLimit = hopLimit
    self.multicastHopLimit = multicastHopLimit
    self.loopsMulticast = loopsMulticast
    self.multicastInterface = multicastInterface
    self.trafficClass = trafficClass
    self.reusesAddress = reusesAddress
    self.reusesPort = reusesPort
    self.device = device
  }
}
