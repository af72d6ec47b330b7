/// What carries a socket's bytes over IP.
public enum TransportProtocol: UInt8, Hashable, Sendable, CaseIterable {
  /// A stream of bytes (RFC 9293).
  case tcp
  /// Datagrams (RFC 768).
  case udp
  /// IP itself, without ports.
  case ip
}

/// The name of a socket to others: transport protocol, IP address, port and, where a scoped
/// address needs it, zone. Written `tcp://192.0.2.1:80`; TCP 53 and UDP 53 are two endpoints.
public struct Endpoint: Hashable, Sendable {
  public let transport: TransportProtocol
  public let socketAddress: SocketAddress

  /// The port is dropped where the transport is ``TransportProtocol/ip``, which has none.
  public init(_ transport: TransportProtocol, _ socketAddress: SocketAddress) {
    var socketAddress = socketAddress
    if transport == .ip { socketAddress.port = .any }
    self.transport = transport
    self.socketAddress = socketAddress
  }

  public static func tcp(_ address: IPAddress, port: PortNumber, zone: UInt32 = 0) -> Self {
    Self(.tcp, SocketAddress(address, port: port, zone: zone))
  }

  public static func udp(_ address: IPAddress, port: PortNumber, zone: UInt32 = 0) -> Self {
    Self(.udp, SocketAddress(address, port: port, zone: zone))
  }

  public static func ip(_ address: IPAddress, zone: UInt32 = 0) -> Self {
    Self(.ip, SocketAddress(address, port: .any, zone: zone))
  }

  public var address: IPAddress { socketAddress.address }
  public var port: PortNumber { socketAddress.port }
  /// The interface index a link-local address belongs to; zero where none is meant.
  public var zone: UInt32 { socketAddress.zone }
}
