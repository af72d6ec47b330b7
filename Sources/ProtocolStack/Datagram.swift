public import Addresses
public import Packets

/// What ``ProtocolStack/receiveDatagram(_:into:at:)`` has to say about the bytes it copied out.
public struct Datagram: Hashable, Sendable {
  /// Bytes that were copied. Zero is a datagram too.
  public var count: Int
  /// The datagram was longer than the room that was offered; its rest is gone.
  public var truncated: Bool
  /// All of its bytes, those included that there was no room for.
  public var length: Int
  public var source: SocketAddress
  /// The address it was sent to: one of ours, or a broadcast or multicast address.
  public var destination: SocketAddress
  public var interface: InterfaceIndex
  /// The differentiated services and congestion codepoints it arrived with, as one octet (RFC 2474,
  /// RFC 3168).
  public var trafficClass: UInt8
  /// The hop limit it arrived with.
  public var hopLimit: UInt8

  /// What routers said about congestion on the way (RFC 3168).
  public var ecn: ECNCodepoint { ECNCodepoint(bits: trafficClass) }

  public init(
    count: Int, truncated: Bool = false, source: SocketAddress, destination: SocketAddress,
    interface: InterfaceIndex, trafficClass: UInt8 = 0, hopLimit: UInt8 = 0, length: Int? = nil
  ) {
    self.count = count
    self.length = length ?? count
    self.truncated = truncated
    self.source = source
    self.destination = destination
    self.interface = interface
    self.trafficClass = trafficClass
    self.hopLimit = hopLimit
  }
}

/// What can be chosen about one datagram; where nothing is, its socket's options hold (RFC 3542
/// §6).
public struct DatagramChoices: Hashable, Sendable {
  /// An address of ours to send it from (`IP_PKTINFO`).
  public var source: IPAddress?
  /// Where it is to leave.
  public var interface: InterfaceIndex?
  /// `IP_TTL`, `IPV6_HOPLIMIT`.
  public var hopLimit: UInt8?
  /// `IP_TOS`, `IPV6_TCLASS`.
  public var trafficClass: UInt8?

  public init() {}
}

/// What can be chosen about a UDP socket.
public struct UDPSocketOptions: Hashable, Sendable {
  /// Bytes that may wait to be read. Each datagram counts with its length and an overhead of
  /// ``datagramOverhead``, so that empty ones cannot pile up either (`SO_RCVBUF`).
  public var receiveBufferSize = 1 << 20
  /// Whether datagrams may go to broadcast addresses (`SO_BROADCAST`).
  public var allowsBroadcast = false
  /// The hop limit of unicast datagrams; nothing: the stack's (`IP_TTL`, `IPV6_UNICAST_HOPS`).
  public var hopLimit: UInt8?
  /// The hop limit of multicast datagrams (`IP_MULTICAST_TTL`, RFC 1112 §6.1).
  public var multicastHopLimit: UInt8 = 1
  /// Shares its address and port with others that say so, too (`SO_REUSEADDR`): the newest of them
  /// hears what is for one of them, all hear what is for a group or for everybody.
  public var reusesAddress = false
  /// Shares its address and port with others that say so, too (`SO_REUSEPORT`): each hears a part
  /// of the conversations, the same for their whole length.
  public var reusesPort = false
  /// Whether sockets here hear what is sent to groups they joined (`IP_MULTICAST_LOOP`).
  public var loopsMulticast = true
  /// Where datagrams to groups leave; nothing: as the routing table says (`IP_MULTICAST_IF`).
  public var multicastInterface: InterfaceIndex?
  /// The differentiated services and congestion codepoints that datagrams leave with, as one octet
  /// (`IP_TOS`, `IPV6_TCLASS`; RFC 2474, RFC 3168 §5).
  public var trafficClass: UInt8 = 0
  /// The interface its packets go by and come by; nil: any (`SO_BINDTODEVICE`).
  public var device: InterfaceIndex?
  /// Kept and told, and without effect: no queue and no filter below looks at them (`SO_PRIORITY`,
  /// `SO_MARK`).
  public var priority: UInt32 = 0
  public var mark: UInt32 = 0

  /// What a waiting datagram counts in addition to its bytes.
  public static let datagramOverhead = 128

  public init() {}
}
