public import Addresses

/// What a ``StackNode`` is attached to, and the addresses it has there.
public struct StackAttachment: Hashable, Sendable {
  /// What a device carries.
  public enum Kind: Hashable, Sendable {
    /// IP packets to and from Linux.
    case tun
    /// Ethernet frames to and from Linux; a random station address where none is given.
    case tap(EthernetAddress?)
  }

  /// What the device carries.
  public var kind: Kind
  /// The device: it is created where it does not stand, and then goes with the node.
  public var name: String
  /// The node's own addresses. Linux's end gets the first other address of each prefix, unless it
  /// has one there.
  public var addresses: [Prefix]
  /// The largest IP packet, in bytes; nil for the device's own.
  public var mtu: Int?
  /// Let Linux checksum and cut what is sent, and take its packets unchecksummed and uncut. Without
  /// it every packet is whole, as on a real wire.
  public var offload = true

  /// An attachment with the device's own MTU, and with offload.
  public init(_ kind: Kind, name: String, addresses: [Prefix]) {
    self.kind = kind
    self.name = name
    self.addresses = addresses
  }

  /// A TUN device: `.tun("sock0", "10.7.0.2/24", "fd07::2/64")`.
  ///
  /// - Throws: ``SocketError/Reason/badEndpoint(_:)`` for what is no address and length.
  public static func tun(
    _ name: String, _ addresses: String...
  ) throws(SocketError) -> StackAttachment {
    StackAttachment(.tun, name: name, addresses: try read(addresses))
  }

  /// A TAP device: `.tap("sock0", "10.7.0.2/24", "fd07::2/64")`; throws as ``tun(_:_:)``.
  public static func tap(
    _ name: String, _ addresses: String...
  ) throws(SocketError) -> StackAttachment {
    StackAttachment(.tap(nil), name: name, addresses: try read(addresses))
  }

  static func read(_ addresses: [String]) throws(SocketError) -> [Prefix] {
    var prefixes: [Prefix] = []
    for address in addresses {
      do {
        prefixes.append(try Prefix(parsing: address))
      } catch {
        throw SocketError(.open, reason: .badEndpoint(error.description))
      }
    }
    return prefixes
  }
}
