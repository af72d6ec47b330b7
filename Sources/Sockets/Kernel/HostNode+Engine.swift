import Host

extension HostNode {
  /// How a node hears from the kernel about its sockets. All do the same at another price.
  public enum Engine: String, Hashable, Sendable, CaseIterable {
    /// What has measured better, which is epoll: with half as many system calls io_uring answers
    /// as fast over one connection, but fewer requests over 64 and more, where most of the time
    /// goes into sending, which is alike (`Benchmarks/sockets`). The node's ``HostNode/engine``
    /// tells the choice and ``HostNode/engineReason`` the reason.
    case automatic
    /// The kernel tells what a socket is ready for, each change once; every call is a system call.
    /// Works everywhere.
    case epoll
    /// The kernel receives for connections ahead of their readers, to buffers that all share, and
    /// one system call hands over everything that a turn of the node's thread has asked for.
    /// Datagrams, echo sockets and sockets between processes hear of readiness as with epoll.
    ///
    /// Needs Linux 6.1, and that nobody forbids io_uring: where it is refused, calls on the node
    /// throw the reason.
    case ioUring = "io_uring"

    /// Why io_uring cannot be had here; nil where it can. Found out once.
    public static let ioUringRefusal: String? = {
      do {
        try CompletionRing.probe()
        return nil
      } catch {
        return "\(error)"
      }
    }()

    func choose() -> (engine: Engine, reason: String?) {
      guard self == .automatic else { return (self, nil) }
      return (.epoll, Self.ioUringRefusal ?? "epoll answers more requests over many connections")
    }
  }
}
