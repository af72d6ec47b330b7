/// An IP address, a port, and for scoped IPv6 addresses the zone they are meant in (RFC 4007).
///
/// With a transport protocol it becomes an ``Endpoint``.
public struct SocketAddress: Hashable, Sendable {
  public var address: IPAddress
  public var port: PortNumber
  /// The interface index a link-local address belongs to; zero where none is meant.
  public var zone: UInt32

  public init(_ address: IPAddress, port: PortNumber, zone: UInt32 = 0) {
    self.address = address
    self.port = port
    self.zone = zone
  }
}
