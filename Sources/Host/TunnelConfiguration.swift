public import Addresses

/// Which device a ``TunnelLink`` opens, and how Linux's end of it is to stand.
public struct TunnelConfiguration: Hashable, Sendable {
  /// What the device carries.
  public enum Mode: Hashable, Sendable {
    /// IP packets.
    case tun
    /// Ethernet frames; our station has this address, or a random locally administered one.
    case tap(EthernetAddress? = nil)
  }

  /// The device's name, 1 to 15 bytes, or a pattern such as `sock%d` for the first free number.
  public var name: String
  public var mode: Mode
  /// Let the kernel checksum and cut what we send, and give us its own packets unchecksummed and
  /// uncut. Without it every packet is whole and at most an MTU long.
  public var offload = true
  /// Open the device for more than one queue; see ``TunnelLink/openQueue()``.
  public var multipleQueues = false
  /// The device's IP MTU in bytes, 68 to 65,535 (IPv6 needs 1,280, RFC 8200 §5); nil keeps what
  /// the device has, 1,500 for a new one.
  public var mtu: Int?
  /// The addresses of *our* end. Linux's end gets the first other address of each prefix, unless
  /// it has one there already.
  public var addresses: [Prefix]

  public init(name: String = "sock%d", mode: Mode = .tun, addresses: [Prefix] = []) {
    self.name = name
    self.mode = mode
    self.addresses = addresses
  }
}
