import Addresses
import BasicContainers
import Packets
import ProtocolStack

// What UDP sockets ask of the stack, at once or waiting.
extension StackCore {
  func bind(
    _ local: SocketAddress, ipv6Only: Bool, _ choices: UDPOptions
  ) throws(SocketError.Reason) -> (handle: SocketHandle, local: SocketAddress) {
    obeyCommands()
    try local.mustNameLink()
    var options = UDPSocketOptions(choices)
    if let interface = choices.multicastInterface {
      options.multicastInterface = try index(of: interface)
    }
    options.device = try device(choices.device)
    let handle = try ask(stack.bindUDP(local, ipv6Only: ipv6Only, options: options, at: now))
    return (handle, stack.localAddress(handle) ?? local)
  }

  func connectDatagrams(
    _ socket: SocketHandle, to remote: SocketAddress
  ) throws(SocketError.Reason) {
    try remote.mustNameLink(or: stack.localAddress(socket)?.zone ?? 0)
    try ask(stack.connectUDP(socket, to: remote, at: now))
  }

  nonisolated func trySend(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices
  ) throws(SocketError.Reason) -> Attempt<Void> {
    let isSent = try ask(stack.sendDatagram(socket, bytes, to: remote, with: choices, at: now))
    return isSent ? .done(()) : .wouldBlock
  }

  func send(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    try await outlast(
      socket, .writing, until: deadline, trySend(socket, bytes, to: remote, choices))
  }

  nonisolated func tryReceive(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Datagram> {
    guard let datagram = try ask(stack.receiveDatagram(socket, into: &bytes, at: now)) else {
      return .wouldBlock
    }
    return .done(datagram)
  }

  func receive(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Datagram {
    try await outlast(socket, .reading, until: deadline, tryReceive(socket, into: &bytes))
  }

  func changeMembership(
    _ socket: SocketHandle, _ change: MembershipChange, _ group: IPAddress,
    from source: IPAddress?, on interface: String?
  ) throws(SocketError.Reason) {
    let index = try self.index(of: interface)
    switch change {
    case .join: try ask(stack.joinGroup(socket, group, from: source, on: index, at: now))
    case .leave: try ask(stack.leaveGroup(socket, group, from: source, on: index, at: now))
    case .block, .unblock:
      guard let source else { throw .invalidOperation }
      try ask(
        stack.setBlocked(change == .block, source, in: group, for: socket, on: index, at: now))
    }
  }

  /// The interface that a socket is bound to, by its name; nil for none.
  func device(_ name: String?) throws(SocketError.Reason) -> InterfaceIndex? {
    guard let name, !name.isEmpty else { return nil }
    if name == stack.name(of: ProtocolStack.loopback) { return ProtocolStack.loopback }
    return try index(of: name)
  }

  /// The interface of a device, by the device's name; that of the first device where none is named.
  func index(of interface: String?) throws(SocketError.Reason) -> InterfaceIndex {
    for port in ports.indices where interface == nil || ports[port].link.name == interface {
      return ports[port].interface
    }
    throw .noSuchInterface(interface ?? "")
  }
}
