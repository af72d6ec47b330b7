import Host

extension HostNode {
  /// How a node hears from the kernel about its sockets. All do the same at another price.
  public enum Engine: String, Hashable, Sendable, CaseIterable {
    /// io_uring where it can be had, else epoll. io_uring answers as many requests or more for the
    /// same work (`Benchmarks/sockets`). The node's ``HostNode/engine`` tells the choice, and
    /// ``HostNode/engineReason`` what stood in the way.
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

    /// Sets up what this engine needs.
    ///
    /// - Returns: the ring, nil for epoll; and why it is epoll, where that was not asked for.
    /// - Throws: why io_uring cannot be had, where it was asked for.
    func start(_ sizes: RingSizes) throws(SystemError) -> (ring: RingEngine?, reason: String?) {
      switch self {
      case .epoll: return (nil, nil)
      case .ioUring: return (try RingEngine(sizes), nil)
      case .automatic:
        if let refusal = Self.ioUringRefusal { return (nil, refusal) }
        do {
          return (try RingEngine(sizes), nil)
        } catch {
          return (nil, "\(error)")
        }
      }
    }
  }
}
