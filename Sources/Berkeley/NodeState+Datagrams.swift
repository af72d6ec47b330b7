import Addresses
import ProtocolStack
import SystemPackage

/// What only datagram sockets do: be connected without a handshake.
extension NodeState {
  /// - Parameter remote: nil for `AF_UNSPEC`: the socket hears everybody again.
  mutating func connectDatagrams(_ index: Int, to remote: SocketAddress?) throws(Errno) {
    guard var remote else {
      if let handle = records[index].handle { stack.disconnectUDP(handle) }
      records[index].phase = .idle
      return
    }
    if case .v4(.any) = remote.address { remote.address = .v4(.loopback) }
    if case .v6(.any) = remote.address { remote.address = .v6(.loopback) }
    try mustBeBound(index)
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    let now = now
    try refusing { () throws(StackError) in
      try stack.connectUDP(handle, to: remote, at: now)
    }
    records[index].phase = .connected
  }
}
