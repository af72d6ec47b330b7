/// Names a socket of a ``ProtocolStack``: a slot and the generation that filled it, so that a
/// handle that outlived its socket finds nothing rather than a stranger.
public struct SocketHandle: Hashable, Sendable {
  /// Which table the slot is in.
  public enum Kind: UInt8, Sendable {
    case tcpConnection, tcpListener, udp, echo, raw, packet
  }

  public var kind: Kind
  public var index: UInt32
  public var generation: UInt32

  public init(kind: Kind, index: UInt32, generation: UInt32) {
    self.kind = kind
    self.index = index
    self.generation = generation
  }
}

/// Names an interface of a ``ProtocolStack``: its place in the order of being added.
public struct InterfaceIndex: Hashable, Sendable {
  public var rawValue: UInt8

  public init(rawValue: UInt8) { self.rawValue = rawValue }
}
