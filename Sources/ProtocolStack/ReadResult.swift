/// What reading a stream came to.
public enum ReadResult: Hashable, Sendable {
  /// So many bytes were copied out; at least one, unless there was no room for any.
  case bytes(Int)
  /// Nothing is there yet; ``Event/readable(_:)`` follows.
  case wouldBlock
  /// The peer has sent everything it will ever send, and all of it was read.
  case endOfStream
}
