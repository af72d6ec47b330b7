public import Addresses

/// What can be chosen about one datagram; where nothing is, its socket's options hold (ancillary
/// data, RFC 3542 §6).
///
/// ```
/// try await socket.send(answer.span, to: header.source, with: DatagramOptions(answering: header))
/// ```
public struct DatagramOptions: Hashable, Sendable {
  /// An address of the node's to send it from (`IP_PKTINFO`, `IPV6_PKTINFO`).
  public var source: IPAddress?
  /// The node's number of the interface it is to leave by; zero: the routes decide.
  public var interfaceIndex: UInt32
  /// `IP_TTL`, `IPV6_HOPLIMIT`; at least one.
  public var hopLimit: UInt8?
  /// `IP_TOS`, `IPV6_TCLASS`.
  public var trafficClass: TrafficClass?

  public init(
    source: IPAddress? = nil, interfaceIndex: UInt32 = 0, hopLimit: UInt8? = nil,
    trafficClass: TrafficClass? = nil
  ) {
    self.source = source
    self.interfaceIndex = interfaceIndex
    self.hopLimit = hopLimit
    self.trafficClass = trafficClass
  }

  /// For the answer to a datagram: from the address it was sent to, where that was for this node
  /// alone.
  public init(answering header: DatagramHeader) {
    self.init()
    let address = header.destination.address
    if !address.isMulticast, !address.isLimitedBroadcast, !address.isUnspecified {
      source = address
    }
  }

  var isDefault: Bool {
    source == nil && interfaceIndex == 0 && hopLimit == nil && trafficClass == nil
  }
}
