package import Addresses
import BasicContainers
import Host
package import Logging
package import Packets
package import ProtocolStack

/// Puts a stack and its links together, before a thread runs them.
package struct StackBuilder: ~Copyable {
  private var stack: ProtocolStack
  private var ports = UniqueArray<NodePort>()
  private let capture: (any PacketCapture)?
  private let logger: Logger
  private var addresses: [Prefix] = []

  package init(
    configuration: StackConfiguration, capture: (any PacketCapture)? = nil,
    logger: Logger = .silent
  ) throws(SocketError) {
    do throws(SystemError) {
      let secrets = Secrets(try HostRandom.uint64(), try HostRandom.uint64())
      stack = ProtocolStack(configuration: configuration, secrets: secrets)
      self.capture = capture
      self.logger = logger
    } catch {
      throw SocketError(opening: error)
    }
  }

  /// As ``init(configuration:capture:logger:)``, with nothing left to chance.
  init(configuration: StackConfiguration, secrets: Secrets, logger: Logger = .silent) {
    stack = ProtocolStack(configuration: configuration, secrets: secrets)
    capture = nil
    self.logger = logger
  }

  /// Opens a device and makes it an interface, with a default route to Linux.
  package mutating func attach(_ attachment: StackAttachment) throws(SocketError) {
    let mode: TunnelConfiguration.Mode =
      switch attachment.kind {
      case .tun: .tun
      case .tap(let station): .tap(station)
      }
    var configuration = TunnelConfiguration(
      name: attachment.name, mode: mode, addresses: attachment.addresses)
    configuration.mtu = attachment.mtu
    configuration.offload = attachment.offload
    let tunnel = try Self.open(configuration)
    let linux = (try? HostInterface(named: tunnel.name).addresses()) ?? []
    let interface = try attach(NodeLink(tunnel), addresses: attachment.addresses)
    for address in attachment.addresses {
      addDefaultRoute(address, through: linux, on: interface, attachment)
    }
  }

  private static func open(
    _ configuration: TunnelConfiguration
  ) throws(SocketError) -> TunnelLink {
    do {
      return try TunnelLink(configuration)
    } catch {
      throw SocketError(opening: error)
    }
  }

  /// Makes a link an interface.
  package mutating func attach(
    _ link: consuming NodeLink, addresses: [Prefix], at now: Instant = HostClock.now()
  ) throws(SocketError) -> InterfaceIndex {
    let name = link.name
    do throws(StackError) {
      let interface = try stack.addInterface(name, link.abilities, at: now)
      for address in addresses { try stack.addAddress(address, on: interface, at: now) }
      self.addresses += addresses
      ports.append(NodePort(link, interface: interface, capture: capture))
      return interface
    } catch {
      throw SocketError(.open, reason: SocketError.Reason(error))
    }
  }

  /// Sends what is meant for elsewhere to Linux, who may forward it.
  private mutating func addDefaultRoute(
    _ address: Prefix, through linux: [Prefix], on interface: InterfaceIndex,
    _ attachment: StackAttachment
  ) {
    let any: IPAddress = address.address.isIPv4 ? .v4(.any) : .v6(.any)
    guard let everywhere = Prefix(any, length: 0) else { return }
    var gateway: IPAddress?
    if attachment.kind != .tun {
      gateway = linux.first { address.contains($0.address) }?.address
      guard gateway != nil else { return }
    }
    // A second address of one version finds the route in its place.
    try? stack.addRoute(everywhere, via: gateway, on: interface)
  }

  /// Sends what is meant for elsewhere over an interface.
  mutating func sendEverything(
    over interface: InterfaceIndex, takesAnyDestination: Bool
  ) {
    for any in [IPAddress.v4(.any), .v6(.any)] {
      guard let everywhere = Prefix(any, length: 0) else { continue }
      // A new stack has room for its first routes, and the interface is its own.
      try? stack.addRoute(everywhere, via: nil, on: interface)
    }
    try? stack.setTakesAnyDestination(takesAnyDestination, on: interface)
  }

  /// Gives the stack and its links to another driver than a ``StackCore``.
  package consuming func handOver<Result, Failure: Error>(
    to take: (consuming ProtocolStack, consuming PortSet) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try take(stack, PortSet(ports))
  }

  /// Starts the thread.
  ///
  /// - Parameter name: the thread's.
  consuming func build(name: String) throws(SocketError) -> StackCore {
    let reactor: Reactor
    do throws(SystemError) {
      reactor = try Reactor(name: name)
    } catch {
      throw SocketError(opening: error)
    }
    return build(on: reactor, name: name)
  }

  /// Gives all of it to a thread there is already.
  ///
  /// - Parameter name: the node's.
  consuming func build(on reactor: Reactor, name: String) -> StackCore {
    let logger = logger.naming(node: name)
    logger.info("node up", metadata: ["addresses": .array(addresses.map { "\($0)" })])
    return StackCore(name, reactor: reactor, stack: stack, ports: ports, logger: logger)
  }
}

extension SocketError {
  /// The machine's refusal to give a node what it needs.
  init(opening error: SystemError) { self.init(.open, reason: Reason(error)) }
}
