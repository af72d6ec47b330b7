/// Keeps a node's stack running: every handle outside holds it. When the last is gone, the streams
/// may end and then the thread lets go.
final class StackLease: Sendable {
  let core: StackCore

  init(_ core: StackCore) { self.core = core }

  deinit { core.post(.release) }
}
