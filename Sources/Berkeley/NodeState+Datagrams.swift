import Addresses
import ProtocolStack
import SystemPackage

/// What only datagram sockets do: be connected without a handshake, and join groups.
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
    if records[index].handle == nil { try openDatagrams(index, at: records[index].wildcard) }
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    let now = now
    try refusing { () throws(StackError) in
      try stack.connectUDP(handle, to: remote, at: now)
    }
    records[index].phase = .connected
  }

  /// - Parameter interface: zero for the one that the routing table would choose, here the first.
  mutating func changeGroup(
    _ index: Int, _ group: IPAddress, joins: Bool, interface: UInt32
  ) throws(Errno) {
    guard group.isMulticast else { throw .invalidArgument }
    if records[index].handle == nil { try openDatagrams(index, at: records[index].wildcard) }
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    let number = InterfaceIndex(rawValue: UInt8(clamping: interface == 0 ? 1 : interface))
    let now = now
    do throws(StackError) {
      if joins {
        try stack.joinGroup(handle, group, on: number, at: now)
      } else {
        try stack.leaveGroup(handle, group, on: number, at: now)
      }
    } catch {
      throw error == .networkDown ? .noSuchDevice : Errno(error)
    }
  }
}

extension Errno {
  /// ENODEV by the name Linux means it by.
  fileprivate static var noSuchDevice: Errno { .operationNotSupportedByDevice }
}
