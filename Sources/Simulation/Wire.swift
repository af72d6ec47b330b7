public import Addresses
public import Packets

/// What joins hosts: two or more ends, and for each the way its packets go.
struct Wire {
  /// One host's place on the wire.
  struct End {
    var host: Int
    var abilities: LinkAbilities
    var interface: UInt8
    /// The pipe from here into the wire.
    var outbound: Int
    /// The pipe from a switch to here; none where the wire is direct.
    var inbound: Int?
  }

  var kind: WireKind
  var ends: [End] = []
  /// What a switch has learned, or a router was told.
  var stations: [EthernetAddress: Int] = [:]
  var addresses: [IPAddress: Int] = [:]
}

/// How packets find their way from one end of a wire to another.
public enum WireKind: Sendable {
  /// Two ends: what goes in here comes out there.
  case direct
  /// Any number of ends with Ethernet framing around a switch that learns who is where.
  case switched
  /// Any number of ends without link header around a cloud that knows who has which address.
  case routed
}

/// How one host is plugged into a wire.
public struct WireAttachment: Sendable {
  public var host: Int
  /// The addresses of the interface, with the networks that are reached through it.
  public var prefixes: [Prefix]
  public var abilities: LinkAbilities
  /// The way from the host into the wire.
  public var outbound: WireConditions
  /// The way from the switch or cloud to the host; unused where the wire is direct.
  public var inbound: WireConditions

  public init(
    _ host: Int, _ prefixes: [Prefix], abilities: LinkAbilities = LinkAbilities(mtu: 1_500),
    outbound: WireConditions = WireConditions(), inbound: WireConditions = WireConditions()
  ) {
    self.host = host
    self.prefixes = prefixes
    self.abilities = abilities
    self.outbound = outbound
    self.inbound = inbound
  }
}
