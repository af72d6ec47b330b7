/// Names a socket of a ``ProtocolStack``: a slot and the generation that filled it, so that a
/// handle that outlived its socket finds nothing rather than a stranger.
public struct SocketHandle: Hashable, Sendable {
  public var index: UInt32
  public var generation: UInt32

  public init(index: UInt32, generation: UInt32) {
    self.index = index
    self.generation = generation
  }
}
