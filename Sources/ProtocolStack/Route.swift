public import Addresses

/// Where a flow's packets leave: the answer of a routing decision, kept by each connection.
public struct Route: Hashable, Sendable {
  public var interface: InterfaceIndex
  /// The local address packets carry.
  public var source: IPAddress
  /// The neighbour they are handed to: the destination itself where it is on the link.
  public var nextHop: IPAddress
  /// The largest IP packet the link takes, in bytes.
  public var maximumTransmissionUnit: Int
  /// Whether the link completes transport checksums.
  public var checksumOffload: Bool
  /// The largest super-segment the link cuts, in bytes of IP packet; zero where it cuts none.
  public var segmentationOffload: Int

  public init(
    interface: InterfaceIndex, source: IPAddress, nextHop: IPAddress, maximumTransmissionUnit: Int,
    checksumOffload: Bool = false, segmentationOffload: Int = 0
  ) {
    self.interface = interface
    self.source = source
    self.nextHop = nextHop
    self.maximumTransmissionUnit = maximumTransmissionUnit
    self.checksumOffload = checksumOffload
    self.segmentationOffload = segmentationOffload
  }
}
