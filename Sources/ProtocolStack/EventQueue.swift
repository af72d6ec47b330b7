/// News for the owners of sockets without connections, in the order it came.
///
/// Each socket has at most one of each kind waiting, which its ``EventFlags`` remember.
struct EventQueue: ~Copyable {
  struct Entry: BitwiseCopyable {
    var kind: UInt8
    var isWritable: Bool
    var index: UInt32
    var generation: UInt32
  }

  private var entries = Ring<Entry>()

  mutating func append(_ handle: SocketHandle, isWritable: Bool) {
    entries.append(
      Entry(
        kind: handle.kind.rawValue, isWritable: isWritable, index: handle.index,
        generation: handle.generation))
  }

  mutating func popFirst() -> (handle: SocketHandle, isWritable: Bool)? {
    while let entry = entries.popFirst() {
      guard let kind = SocketHandle.Kind(rawValue: entry.kind) else { continue }
      let handle = SocketHandle(
        kind: kind, index: entry.index, generation: entry.generation)
      return (handle, entry.isWritable)
    }
    return nil
  }
}

/// Which events of a socket wait in the queue.
struct EventFlags {
  var isReadableTold = false
  var isWritableTold = false

  /// One of them has been told.
  mutating func noteTold(isWritable: Bool) {
    if isWritable { isWritableTold = false } else { isReadableTold = false }
  }
}
