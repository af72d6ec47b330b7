/// What sockets of all kinds can choose.
public protocol SocketChoices: Sendable {
  /// The differentiated services and congestion codepoints of what is sent, as one octet.
  var trafficClass: UInt8 { get set }
  /// The interface that packets go by and come by; nil: any.
  var device: InterfaceIndex? { get set }
  /// Kept and told, and without effect.
  var priority: UInt32 { get set }
  /// Kept and told, and without effect.
  var mark: UInt32 { get set }

  /// What a socket has that chooses nothing.
  init()
}

/// What UDP and raw sockets both can choose besides.
public protocol PacketChoices: SocketChoices {
  /// Bytes that may wait to be read, overheads included.
  var receiveBufferSize: Int { get set }
  /// Whether packets may go to broadcast addresses.
  var allowsBroadcast: Bool { get set }
  /// The hop limit of unicast packets; nil: the stack's.
  var hopLimit: UInt8? { get set }
  /// The hop limit of multicast packets.
  var multicastHopLimit: UInt8 { get set }
  /// Whether sockets here hear what this one sends to a group.
  var loopsMulticast: Bool { get set }
}

extension TCPSocketOptions: SocketChoices {}
extension UDPSocketOptions: PacketChoices {}
extension RawSocketOptions: PacketChoices {}
