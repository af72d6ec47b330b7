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
    do {
      let handle = try stack.bindUDP(local, ipv6Only: ipv6Only, options: options, at: now)
      return (handle, stack.localAddress(handle) ?? local)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func connectDatagrams(
    _ socket: SocketHandle, to remote: SocketAddress
  ) throws(SocketError.Reason) {
    try remote.mustNameLink(or: stack.localAddress(socket)?.zone ?? 0)
    do {
      try stack.connectUDP(socket, to: remote, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  nonisolated func trySend(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices
  ) throws(SocketError.Reason) -> Attempt<Void> {
    do {
      return try stack.sendDatagram(socket, bytes, to: remote, with: choices, at: now)
        ? .done(()) : .wouldBlock
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func send(
    _ socket: SocketHandle, _ bytes: Span<UInt8>, to remote: SocketAddress?,
    _ choices: DatagramChoices, until deadline: Instant?
  ) async throws(SocketError.Reason) {
    while true {
      let seen = newsCount(socket, .writing)
      if case .done = try trySend(socket, bytes, to: remote, choices) { return }
      try await waitForWriting(socket, since: seen, until: deadline)
    }
  }

  nonisolated func tryReceive(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(SocketError.Reason) -> Attempt<Datagram> {
    do {
      guard let datagram = try stack.receiveDatagram(socket, into: &bytes, at: now) else {
        return .wouldBlock
      }
      return .done(datagram)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  func receive(
    _ socket: SocketHandle, into bytes: inout MutableSpan<UInt8>, until deadline: Instant?
  ) async throws(SocketError.Reason) -> Datagram {
    while true {
      let seen = newsCount(socket, .reading)
      if case .done(let datagram) = try tryReceive(socket, into: &bytes) { return datagram }
      try await waitForReading(socket, since: seen, until: deadline)
    }
  }

  func changeMembership(
    _ socket: SocketHandle, _ change: MembershipChange, _ group: IPAddress,
    from source: IPAddress?, on interface: String?
  ) throws(SocketError.Reason) {
    let index = try self.index(of: interface)
    do throws(StackError) {
      switch change {
      case .join: try stack.joinGroup(socket, group, from: source, on: index, at: now)
      case .leave: try stack.leaveGroup(socket, group, from: source, on: index, at: now)
      case .block, .unblock:
        guard let source else { throw StackError.invalidOperation }
        try stack.setBlocked(
          change == .block, source, in: group, for: socket, on: index, at: now)
      }
    } catch {
      throw SocketError.Reason(error)
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
