public import Addresses
public import Logging
import Packets
package import ProtocolStack

/// A network host of our own: a protocol stack in this process, attached to a device.
///
/// ```
/// let node = try await StackNode(.tun("sock0", "10.7.0.2/24", "fd07::2/64"))
/// let connection = try await node.connect(to: "tcp://10.7.0.1:80")
/// ```
///
/// One thread runs everything of the node: packets, timers, and the tasks that prefer its
/// ``executor``. The node lives as long as it or one of its sockets is held; then its streams have
/// five seconds to end before they are reset and the device is closed. ``shutdown(within:)`` waits
/// for that.
public final class StackNode: NetworkNode {
  let lease: StackLease

  var core: StackCore { lease.core }

  /// - Parameter isDriven: whether the thread knows of the core already.
  init(_ core: StackCore, isDriven: Bool = false) {
    lease = StackLease(core)
    if !isDriven { core.reactor.attach(core) }
  }

  /// Opens a device and gives the node its addresses; on an Ethernet (TAP) waits a second or two
  /// until it is sure that no other station has them.
  ///
  /// - Throws: ``SocketError/Reason/system(errno:_:)`` with advice, where Linux refuses;
  ///   ``SocketError/Reason/addressInUse`` where another station has an address.
  ///
  /// - Parameter logger: hears of what no call tells; nil for nobody.
  public convenience init(
    _ attachments: StackAttachment..., logger: Logger? = nil
  ) async throws(SocketError) {
    try await self.init(
      attachments, configuration: StackConfiguration(), capture: nil, logger: logger)
  }

  /// As ``init(_:logger:)``, with the stack's own limits, and a look at every packet.
  package convenience init(
    _ attachments: [StackAttachment], configuration: StackConfiguration,
    capture: (any PacketCapture)?, logger: Logger? = nil
  ) async throws(SocketError) {
    var builder = try StackBuilder(
      configuration: configuration, capture: capture, logger: logger ?? .silent)
    for attachment in attachments { try builder.attach(attachment) }
    self.init(try builder.build(name: attachments.first?.name ?? "node"))
    if let taken = await core.settle().first {
      core.logger.error(
        "another station has this node's address", metadata: ["address": "\(taken)"])
      throw SocketError(.open, local: .ip(taken), reason: .addressInUse)
    }
  }

  public var executor: any TaskExecutor { core.reactor }

  public var clock: NodeClock { core.clock }

  public var logger: Logger { core.logger }

  public func connect(
    to remote: Endpoint, from local: Endpoint?, options: TCPOptions, timeout: Duration?
  ) async throws(SocketError) -> TCPConnection {
    try remote.mustBe(.tcp, for: .connect)
    try local?.mustBe(.tcp, for: .connect)
    let began = clock.moment
    do throws(SocketError.Reason) {
      let handle = try await core.connect(
        to: remote.socketAddress, from: local?.socketAddress, options,
        timeout: timeout)
      return try await StackConnection.make(handle, lease, began: began)
    } catch {
      throw SocketError(.connect, local: local, remote: remote, reason: error)
    }
  }

  public func listen(
    on local: Endpoint, backlog: Int, ipv6Only: Bool, options: TCPOptions
  ) async throws(SocketError) -> TCPListener {
    try local.mustBe(.tcp, for: .listen)
    do throws(SocketError.Reason) {
      let handle = try await core.listen(
        on: local.socketAddress, backlog: backlog, ipv6Only: ipv6Only,
        options)
      let address = await core.addresses(handle).local ?? local.socketAddress
      let endpoint = Endpoint(.tcp, address)
      return TCPListener(
        local: endpoint,
        implementation: StackListener(StackSocket(handle, lease)))
    } catch {
      throw SocketError(.listen, local: local, reason: error)
    }
  }

  public func bind(
    _ local: Endpoint, ipv6Only: Bool, options: UDPOptions
  ) async throws(SocketError) -> UDPSocket {
    try local.mustBe(.udp, for: .bind)
    do {
      let bound = try await core.bind(
        local.socketAddress, ipv6Only: ipv6Only, options)
      let endpoint = Endpoint(.udp, bound.local)
      return UDPSocket(
        local: endpoint,
        implementation: StackDatagramSocket(StackSocket(bound.handle, lease)))
    } catch {
      throw SocketError(.bind, local: local, reason: error)
    }
  }

  public func openEcho(_ version: EchoSocket.Version) async throws(SocketError) -> EchoSocket {
    do {
      let handle = try await core.openEcho(version == .v4 ? .v4 : .v6)
      return EchoSocket(
        version: version, implementation: StackEchoSocket(StackSocket(handle, lease)))
    } catch {
      throw SocketError(.open, reason: error)
    }
  }

  /// The node's sockets, counted. Takes time in proportion to their number.
  public func table() async -> SocketTable { await core.table() }

  /// What it is called in its lines in the log: the first device's name, where it has one.
  package var name: String { core.name }

  /// Whether it has been shut down, or has lost its devices.
  package var hasEnded: Bool { get async { await core.isFinished } }

  /// What the node's stack has seen and done.
  package func counters() async -> (stack: StackCounters, tcp: TCPCounters) {
    await core.counters()
  }

  /// Waits until the node's streams have ended, at most `limit`, then stops the node: the peers of
  /// streams that have not ended are reset, the device is closed, calls on the node's sockets throw
  /// ``SocketError/Reason/networkDown``. A device that takes no packets may delay this by another
  /// second. Cancellation does not shorten the wait.
  public func shutdown(within limit: Duration = .seconds(2)) async {
    await core.shutdown(within: Interval(limit))
  }
}
