import Addresses
import ProtocolStack
import SystemPackage

/// What only datagram sockets do: be connected without a handshake.
extension NodeState {
  /// - Parameter remote: nil for `AF_UNSPEC`: the socket hears everybody again.
  mutating func connectDatagrams(_ index: Int, to remote: SocketAddress?) throws(Errno) {
    guard let remote = remote?.orLoopback else {
      if let handle = records[index].handle { stack.disconnect(handle) }
      records[index].phase = .idle
      return
    }
    try mustBeBound(index)
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    if records[index].rawProtocol == nil {
      try refusing { () throws(StackError) in
        try stack.connectUDP(handle, to: remote, at: now)
      }
    } else {
      try connectRaw(index, handle, to: remote)
    }
    records[index].phase = .connected
  }
}
