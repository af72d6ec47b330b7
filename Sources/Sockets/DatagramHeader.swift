public import Addresses

/// What came with the bytes of a datagram.
public struct DatagramHeader: Hashable, Sendable {
  /// The bytes that were copied.
  public let count: Int
  /// The datagram was longer than the room for it; the rest is lost.
  public let isTruncated: Bool
  /// Who sent it, as far as anybody can know.
  public let source: Endpoint
  /// The address it was sent to: one of this node's, or a broadcast or multicast address.
  public let destination: Endpoint
  /// The node's number of the interface it came by (`IP_PKTINFO`, `IPV6_PKTINFO`).
  public let interfaceIndex: UInt32
  /// The hop limit it arrived with (`IP_RECVTTL`, `IPV6_RECVHOPLIMIT`).
  public let hopLimit: UInt8
  /// What it arrived with, routers' congestion marks included (`IP_RECVTOS`, `IPV6_RECVTCLASS`).
  public let trafficClass: TrafficClass

  package init(
    count: Int, isTruncated: Bool, source: Endpoint, destination: Endpoint,
    interfaceIndex: UInt32, hopLimit: UInt8, trafficClass: TrafficClass
  ) {
    self.count = count
    self.isTruncated = isTruncated
    self.source = source
    self.destination = destination
    self.interfaceIndex = interfaceIndex
    self.hopLimit = hopLimit
    self.trafficClass = trafficClass
  }
}

/// A datagram as it was received.
public struct ReceivedDatagram: Hashable, Sendable {
  /// All of them.
  public let bytes: [UInt8]
  /// What came with it.
  public let header: DatagramHeader

  /// Who sent it.
  public var source: Endpoint { header.source }
  /// The address it was sent to: one of this node's, or a broadcast or multicast address.
  public var destination: Endpoint { header.destination }
}
