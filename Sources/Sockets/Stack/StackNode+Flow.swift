import Addresses
public import Logging
import Packets
import ProtocolStack

extension StackNode {
  /// A node whose link is in the program's hands.
  ///
  /// - Parameters:
  ///   - flow: no other node's.
  ///   - addresses: the node's own, with their networks: `"10.7.0.1/24"`. What is meant for
  ///     elsewhere goes into the flow too.
  ///   - takesAnyDestination: take packets to any address for the node's own, as the far end of a
  ///     tunnel does that carries connections on: ``listenAnywhere(backlog:options:)``. The node
  ///     then answers echo requests to any address as well, so a ping through it proves nothing
  ///     about the host it was meant for. Without it only packets to `addresses` are.
  ///   - logger: hears of what no call tells; nil for nobody.
  /// - Throws: ``SocketError/Reason/invalidOperation`` where another node has the flow.
  public convenience init(
    _ flow: PacketFlow, _ addresses: String..., takesAnyDestination: Bool = false,
    logger: Logger? = nil
  ) throws(SocketError) {
    let prefixes = try StackAttachment.read(addresses)
    try flow.take()
    var builder = try StackBuilder(
      configuration: StackConfiguration(), logger: logger ?? .silent)
    let link = NodeLink(
      from: flow.inward, to: flow.outward, LinkAbilities(mtu: flow.mtu), name: "flow0")
    let interface = try builder.attach(link, addresses: prefixes)
    builder.sendEverything(over: interface, takesAnyDestination: takesAnyDestination)
    let core = try builder.build(name: "flow")
    self.init(core)
    let reactor = core.reactor
    flow.connect { [weak reactor] in reactor?.nudge() }
  }

  /// Waits for TCP connections to any address and any port that nobody else listens at. A
  /// connection's ``TCPConnection/local`` is the address that its peer meant.
  ///
  /// For nodes that take packets to any destination (``PacketFlow``): without that, any port of the
  /// node's own addresses.
  ///
  /// - Parameter backlog: the connections that may wait to be accepted.
  /// - Throws: ``SocketError/Reason/addressInUse`` where there is such a listener already.
  public func listenAnywhere(
    backlog: Int = 1024, options: TCPOptions = TCPOptions()
  ) async throws(SocketError) -> TCPListener {
    let local = Endpoint(.tcp, SocketAddress(.v6(.any), port: .any))
    do throws(SocketError.Reason) {
      let handle = try await lease.core.listenAnywhere(
        backlog: backlog, options)
      return TCPListener(
        local: local, implementation: StackListener(StackSocket(handle, lease)))
    } catch {
      throw SocketError(.listen, local: local, reason: error)
    }
  }

  /// Receives the UDP datagrams to any address and any port that no other socket is bound to; their
  /// ``DatagramHeader/destination`` is the one that their senders meant.
  ///
  /// It only receives. Whoever answers binds a socket to that destination, which a node that takes
  /// packets to any destination allows, and sends from there; what follows arrives at that socket.
  ///
  /// - Throws: ``SocketError/Reason/addressInUse`` where there is such a socket already.
  public func bindAnywhere(
    options: UDPOptions = UDPOptions()
  ) async throws(SocketError) -> UDPSocket {
    let local = Endpoint(.udp, SocketAddress(.v6(.any), port: .any))
    do throws(SocketError.Reason) {
      let handle = try await lease.core.bindAnywhere(options)
      return UDPSocket(
        local: local, implementation: StackDatagramSocket(StackSocket(handle, lease)))
    } catch {
      throw SocketError(.bind, local: local, reason: error)
    }
  }
}

extension StackCore {
  fileprivate func listenAnywhere(
    backlog: Int, _ choices: TCPOptions
  ) throws(SocketError.Reason) -> SocketHandle {
    let options = try options(choices)
    obeyCommands()
    do {
      return try stack.listenTCPAnywhere(backlog: backlog, options: options, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }

  fileprivate func bindAnywhere(
    _ options: UDPOptions
  ) throws(SocketError.Reason) -> SocketHandle {
    obeyCommands()
    var chosen = UDPSocketOptions(options)
    chosen.device = try device(options.device)
    do {
      return try stack.bindUDPAnywhere(options: chosen, at: now)
    } catch {
      throw SocketError.Reason(error)
    }
  }
}
