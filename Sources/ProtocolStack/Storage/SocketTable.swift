import Addresses

/// Sockets without connections, found by their handle or by the addresses they are bound to.
///
/// A socket stands under one or more keys. Keys are hashed under the stack's secret (ID-5), and
/// what a key means is compared in the socket itself.
struct SocketTable<Socket: ~Copyable>: ~Copyable {
  var slots: Slots<Socket>
  var keys = FlowTable()

  init(limit: Int, standIn: consuming Socket) {
    slots = Slots(limit: limit < 1 ? 1 : limit, standIn: standIn)
  }

  var count: Int { slots.count }

  /// The slot that a handle of the right kind names.
  func slot(_ handle: SocketHandle, _ kind: SocketHandle.Kind) -> UInt32? {
    guard handle.kind == kind, slots.contains(handle.index, generation: handle.generation)
    else { return nil }
    return handle.index
  }

  func handle(_ slot: UInt32, _ kind: SocketHandle.Kind) -> SocketHandle {
    SocketHandle(kind: kind, index: slot, generation: slots.generation(slot))
  }
}

/// The addresses and ports under which a socket is looked for. Without a remote one it stands for
/// every remote; the local address may be one of the two wildcards.
struct SocketKey: Equatable {
  var local: IPv6Address
  var remote: IPv6Address = .any
  var localPort: UInt16
  var remotePort: UInt16 = 0

  /// `0.0.0.0`, as tables have it.
  static var anyIPv4: IPv6Address { IPv6Address(mapping: .any) }

  @inline(__always)
  func hash(_ secrets: borrowing Secrets) -> UInt64 {
    secrets.tableHash(
      local.high, local.low, remote.high, remote.low,
      UInt64(localPort) &<< 16 | UInt64(remotePort))
  }
}
