public import Addresses

/// What ``ProtocolStack/receiveEcho(_:into:at:)`` has to say: the answer to an echo request, or the
/// news that there will be none.
public struct EchoReply: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// The destination answered.
    case reply
    /// A router or the destination refused the request, with the code of its message (RFC 792,
    /// RFC 4443 §3.1).
    case unreachable(code: UInt8)
    /// The hop limit came to its end on the way.
    case timeExceeded
    /// The request is larger than a link on the way carries, in bytes of IP packet.
    case packetTooBig(mtu: UInt32)
  }

  /// Bytes of payload that were copied; zero for anything but a reply.
  public var count: Int
  /// Bytes of payload that arrived: more than ``count`` where the room offered was smaller.
  public var length: Int
  /// Who sent the message: for errors often a router.
  public var source: IPAddress
  /// The sequence number of the request this is about.
  public var sequence: UInt16
  public var kind: Kind
  /// The hop limit the message arrived with.
  public var hopLimit: UInt8

  public init(
    count: Int, length: Int, source: IPAddress, sequence: UInt16, kind: Kind, hopLimit: UInt8
  ) {
    self.count = count
    self.length = length
    self.source = source
    self.sequence = sequence
    self.kind = kind
    self.hopLimit = hopLimit
  }
}
