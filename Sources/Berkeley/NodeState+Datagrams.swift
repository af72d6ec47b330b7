import Addresses
import ProtocolStack
import SystemPackage

/// What only datagram sockets do: be connected without a handshake.
extension NodeState {
  /// - Parameter remote: nil for `AF_UNSPEC`: the socket hears everybody again.
  mutating func connectDatagrams(_ index: Int, to remote: SocketAddress?) throws(Errno) {
    guard let remote = remote?.orLoopback else {
      records[index].phase = .idle
      guard records[index].rawProtocol == nil, !records[index].isPortChosen else {
        if let handle = records[index].handle { stack.disconnect(handle) }
        return
      }
      // A port that nobody asked for goes with the peer.
      releaseHandle(index)
      records[index].holdsPort = false
      records[index].bound = records[index].place
      if !records[index].groups.isEmpty { try openForGroups(index) }
      return
    }
    try mustBeBound(index)
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    if records[index].rawProtocol == nil {
      do throws(StackError) {
        try stack.connectUDP(handle, to: remote, at: now)
      } catch {
        throw Errno(error, to: remote)
      }
    } else {
      try connectRaw(index, handle, to: remote)
    }
    records[index].phase = .connected
  }
}
