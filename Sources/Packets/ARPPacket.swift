public import Addresses

/// An address resolution packet for IPv4 on Ethernet (RFC 826), 28 bytes.
///
/// ```
///    0                   1                   2                   3
///    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///   +-------------------------------+-------------------------------+
///   |       Hardware Type (1)       |     Protocol Type (0x0800)    |
///   +---------------+---------------+-------------------------------+
///   |  HW Length 6  | Proto Length 4|           Operation           |
///   +---------------+---------------+-------------------------------+
///   |                Sender Hardware Address (48 bits)              |
///   +                               +-------------------------------+
///   |                               |    Sender Protocol Address    |
///   +-------------------------------+-------------------------------+
///   |      ... (32 bits)            |    Target Hardware Address    |
///   +-------------------------------+                               +
///   |                          (48 bits)                            |
///   +---------------------------------------------------------------+
///   |                Target Protocol Address (32 bits)              |
///   +---------------------------------------------------------------+
/// ```
public struct ARPPacket: Equatable, Sendable {
  /// What the sender wants.
  public enum Operation: UInt16, Sendable {
    case request = 1
    case reply = 2
  }

  /// Bytes on the wire.
  public static var size: Int { 28 }

  public var operation: Operation
  public var senderHardwareAddress: EthernetAddress
  public var senderProtocolAddress: IPv4Address
  public var targetHardwareAddress: EthernetAddress
  public var targetProtocolAddress: IPv4Address

  @inline(__always)
  public init(
    operation: Operation, senderHardwareAddress: EthernetAddress,
    senderProtocolAddress: IPv4Address, targetHardwareAddress: EthernetAddress,
    targetProtocolAddress: IPv4Address
  ) {
    self.operation = operation
    self.senderHardwareAddress = senderHardwareAddress
    self.senderProtocolAddress = senderProtocolAddress
    self.targetHardwareAddress = targetHardwareAddress
    self.targetProtocolAddress = targetProtocolAddress
  }

  /// Accepts requests and replies; every other operation is ``Malformed/badType``, every other
  /// kind of address ``Malformed/badValue``. Bytes behind the packet are padding.
  public init(parsing bytes: Span<UInt8>) throws(Malformed) {
    guard bytes.count >= Self.size else { throw .truncated }
    guard bytes.uint32(at: 0) == 0x0001_0800 else { throw .badValue }
    guard bytes.uint16(at: 4) == 0x0604 else { throw .badLength }
    switch bytes.uint16(at: 6) {
    case 1: operation = .request
    case 2: operation = .reply
    default: throw .badType
    }
    senderHardwareAddress = bytes.ethernetAddress(at: 8)
    senderProtocolAddress = bytes.ipv4Address(at: 14)
    targetHardwareAddress = bytes.ethernetAddress(at: 18)
    targetProtocolAddress = bytes.ipv4Address(at: 24)
  }

  /// Writes ``size`` bytes.
  public func write(into bytes: inout MutableSpan<UInt8>, at offset: Int = 0) {
    bytes.store(0x0001_0800 as UInt32, at: offset)
    bytes.store(0x0604 as UInt16, at: offset &+ 4)
    bytes.store(operation == .request ? 1 as UInt16 : 2, at: offset &+ 6)
    bytes.store(senderHardwareAddress, at: offset &+ 8)
    bytes.store(senderProtocolAddress, at: offset &+ 14)
    bytes.store(targetHardwareAddress, at: offset &+ 18)
    bytes.store(targetProtocolAddress, at: offset &+ 24)
  }
}
