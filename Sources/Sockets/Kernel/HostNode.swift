public import Addresses
import Host
public import Logging
import Packets
import SystemPackage

/// This machine: the kernel's own protocol stack and sockets.
///
/// ```
/// let node = HostNode()
/// let connection = try await node.connect(to: "tcp://127.0.0.1:80")
/// ```
///
/// Calls on its sockets are system calls on the caller's own thread. One thread hears from the
/// kernel what sockets are ready for, or what it has received for them (``Engine``), and runs the
/// tasks that prefer the node's ``executor``; there a connection costs least. The thread lives as
/// long as the node or one of its sockets is held.
public final class HostNode: NetworkNode {
  private let lease: Result<KernelLease, SystemError>
  /// What tells this node of its sockets: never ``Engine/automatic``.
  public let engine: Engine
  /// Why ``Engine/automatic`` did not come to be ``Engine/ioUring``, if it did not.
  public let engineReason: String?
  public let logger: Logger
  let counters = HostCounters()

  /// Starts the node's thread. Where the system refuses that, calls on the node throw its reason.
  ///
  /// - Parameter logger: hears of what no call tells; nil for nobody.
  public convenience init(engine: Engine = .automatic, logger: Logger? = nil) {
    self.init(engine: engine, RingSizes(), logger)
  }

  package init(engine: Engine, _ sizes: RingSizes, _ logger: Logger? = nil) {
    let logger = logger?.naming(node: "host") ?? .silent
    var engine = engine
    var reason: String?
    do {
      let ring: RingEngine?
      (ring, reason) = try engine.start(sizes)
      engine = ring == nil ? .epoll : .ioUring
      lease = .success(try KernelLease(ring, logger))
      var metadata: Logger.Metadata = ["engine": "\(engine)"]
      metadata["reason"] = reason.map { "\($0)" }
      logger.debug("node up", metadata: metadata)
    } catch {
      if engine == .automatic { engine = .epoll }
      lease = .failure(error)
      logger.error(
        "the system refuses what the node needs", error: error, metadata: ["engine": "\(engine)"])
    }
    self.engine = engine
    engineReason = reason
    self.logger = logger
  }

  public var executor: any TaskExecutor {
    switch lease {
    case .success(let lease): lease.core.reactor
    case .failure: globalConcurrentExecutor
    }
  }

  public var clock: NodeClock { .system }

  public func connect(
    to remote: Endpoint, from local: Endpoint?, options: TCPOptions, timeout: Duration?
  ) async throws(SocketError) -> TCPConnection {
    try remote.mustBe(.tcp, for: .connect)
    try local?.mustBe(.tcp, for: .connect)
    let began = clock.moment
    do throws(SocketError.Reason) {
      return try await connect(
        to: remote.socketAddress.unmapped, from: local?.socketAddress.unmapped, options,
        until: clock.deadline(after: timeout), began)
    } catch {
      counters.noteFailed()
      throw SocketError(.connect, local: local, remote: remote, reason: error)
    }
  }

  private func connect(
    to remote: SocketAddress, from local: SocketAddress?, _ options: TCPOptions,
    until deadline: Instant?, _ began: Instant
  ) async throws(SocketError.Reason) -> TCPConnection {
    if let local, local.address.isIPv6 != remote.address.isIPv6 {
      throw .addressFamilyNotSupported
    }
    try KernelSocket.mustExist(options.device)
    let lease = try self.running()
    let socket = try Self.openSocket(.stream, ipv6: remote.address.isIPv6)
    let stream = KernelStream(socket, lease, counters, isReady: false)
    let handle = stream.handle
    do throws(SocketError.Reason) {
      let isDone = try handle.use { socket throws(Errno) in
        try socket.set(options)
        if let local {
          try socket.set(.reuseAddress, to: 1)
          try socket.bind(to: local)
        }
        let isDone = try socket.connect(to: remote)
        if !isDone { handle.awaitRoom() }
        return isDone
      }
      try handle.register()
      // Without a wait where there is nothing to wait for; a cancelled task does not begin.
      var isUnderWay = !isDone
      var patience = Patience.lasting
      while isUnderWay {
        // A report may have been meant for a socket that had the place before this one.
        let attempt: Attempt<Void> = try handle.tryWriting { socket throws(Errno) in
          let state = TCPConnection.State(kernel: try socket.information().state)
          if state == .synSent {
            handle.awaitRoom()
            return nil
          }
          // After the state: it has left the handshake with its error, if there was one.
          try socket.takeError()
          return ((), true)
        }
        if case .done = attempt {
          isUnderWay = false
        } else {
          try await stream.wait(.writing, until: deadline, &patience)
        }
      }
      let addresses = try handle.use { socket throws(Errno) in
        do throws(Errno) {
          return (local: try socket.localAddress(), remote: try socket.remoteAddress())
        } catch {
          // Established, and given up by the peer since.
          throw error == .socketNotConnected ? .connectionReset : error
        }
      }
      stream.begin { counters.noteOpened() }
      return TCPConnection(
        local: Endpoint(.tcp, addresses.local), remote: Endpoint(.tcp, addresses.remote),
        implementation: stream, began: began)
    } catch {
      stream.abort()
      throw error
    }
  }

  public func listen(
    on local: Endpoint, backlog: Int, ipv6Only: Bool, options: TCPOptions
  ) async throws(SocketError) -> TCPListener {
    try local.mustBe(.tcp, for: .listen)
    do throws(SocketError.Reason) {
      try KernelSocket.mustExist(options.device)
      let lease = try running()
      let isIPv6 = local.address.isIPv6
      let handle = try Self.open(.stream, ipv6: isIPv6, lease)
      let address = try handle.use { socket throws(Errno) in
        // As every server wants it on Linux: connections that are still ending do not keep it from
        // starting again (socket(7)).
        try socket.set(.reuseAddress, to: 1)
        if options.reusesPort { try socket.set(.reusePort, to: 1) }
        if isIPv6 { try socket.set(.ipv6Only, to: ipv6Only ? 1 : 0) }
        try socket.set(options)
        try socket.bind(to: local.socketAddress)
        try socket.listen(backlog: backlog)
        return try socket.localAddress()
      }
      try handle.register()
      return TCPListener(
        local: Endpoint(.tcp, address), implementation: KernelListener(handle, lease, counters))
    } catch {
      throw SocketError(.listen, local: local, reason: error)
    }
  }

  public func bind(
    _ local: Endpoint, ipv6Only: Bool, options: UDPOptions
  ) async throws(SocketError) -> UDPSocket {
    try local.mustBe(.udp, for: .bind)
    do throws(SocketError.Reason) {
      let isIPv6 = local.address.isIPv6
      let interface = try KernelSocket.index(of: options.multicastInterface)
      try KernelSocket.mustExist(options.device)
      let handle = try Self.open(.datagram, ipv6: isIPv6, running())
      let address = try handle.use { socket throws(Errno) in
        if isIPv6 { try socket.set(.ipv6Only, to: ipv6Only ? 1 : 0) }
        try socket.set(options, multicastInterface: interface)
        try socket.bind(to: local.socketAddress)
        return try socket.localAddress()
      }
      try handle.register()
      return UDPSocket(
        local: Endpoint(.udp, address), implementation: KernelDatagrams(handle, local: address))
    } catch {
      throw SocketError(.bind, local: local, reason: error)
    }
  }

  public func openEcho(_ version: EchoSocket.Version) async throws(SocketError) -> EchoSocket {
    do throws(SocketError.Reason) {
      let isIPv6 = version == .v6
      let handle: KernelHandle
      do throws(SocketError.Reason) {
        handle = try Self.open(.echo, ipv6: isIPv6, running())
      } catch .permissionDenied {
        return try openRawEcho(version)
      }
      try handle.use { socket throws(Errno) in
        try socket.set(.receiveHopLimit(ipv6: isIPv6), to: 1)
        try socket.set(.receiveErrors(ipv6: isIPv6), to: 1)
      }
      try handle.register()
      return EchoSocket(version: version, implementation: KernelEcho(handle, version))
    } catch {
      throw SocketError(.open, reason: error)
    }
  }

  /// Where echo sockets are forbidden, a raw one will do, if those are allowed.
  private func openRawEcho(
    _ version: EchoSocket.Version
  ) throws(SocketError.Reason) -> EchoSocket {
    let isIPv6 = version == .v6
    let lease = try running()
    let handle: KernelHandle
    do throws(Errno) {
      let number: UInt8 = isIPv6 ? 58 : 1
      handle = KernelHandle(
        try KernelSocket.openRaw(ipv6: isIPv6, protocol: number), lease)
    } catch {
      throw .system(
        errno: Errno.permissionDenied.rawValue,
        """
        this user may not ping; have root allow it: \
        sysctl net.ipv4.ping_group_range="0 2147483647", or setcap cap_net_raw+ep PROGRAM
        """)
    }
    let identifier: UInt16
    do throws(SystemError) {
      identifier = UInt16(truncatingIfNeeded: try HostRandom.uint64())
    } catch {
      throw SocketError.Reason(error)
    }
    try handle.use { socket throws(Errno) in
      try socket.set(.receiveHopLimit(ipv6: isIPv6), to: 1)
    }
    try handle.register()
    return EchoSocket(
      version: version,
      implementation: KernelRawEcho(handle, version, identifier: identifier))
  }

  func running() throws(SocketError.Reason) -> KernelLease {
    do {
      return try lease.get()
    } catch {
      throw SocketError.Reason(error)
    }
  }

  private static func open(
    _ kind: KernelSocket.Kind, ipv6: Bool, _ lease: KernelLease
  ) throws(SocketError.Reason) -> KernelHandle {
    KernelHandle(try openSocket(kind, ipv6: ipv6), lease)
  }

  private static func openSocket(
    _ kind: KernelSocket.Kind, ipv6: Bool
  ) throws(SocketError.Reason) -> KernelSocket {
    do {
      return try KernelSocket.open(kind, ipv6: ipv6)
    } catch {
      throw SocketError.Reason(error)
    }
  }
}

extension SocketAddress {
  /// An IPv4-mapped address as the IPv4 address that it stands for.
  fileprivate var unmapped: SocketAddress {
    guard case .v6(let ipv6) = address, ipv6.isIPv4Mapped else { return self }
    return SocketAddress(IPAddress(unmapping: ipv6), port: port)
  }
}

extension KernelSocket {
  /// Sets what was chosen, and leaves to the kernel what was not. An IPv6 socket carries IPv4 too,
  /// which has options of its own.
  fileprivate func set(_ options: UDPOptions, multicastInterface: UInt32) throws(Errno) {
    if let device = options.device { try setDevice(device) }
    if multicastInterface != 0 { try setMulticastInterface(multicastInterface) }
    try set(.broadcast, to: options.allowsBroadcast ? 1 : 0)
    if options.reusesAddress { try set(.reuseAddress, to: 1) }
    if options.reusesPort { try set(.reusePort, to: 1) }
    if let limit = options.receiveBufferLimit { try set(.receiveBuffer, to: limit / 2) }
    for isIPv6 in isIPv6 ? [true, false] : [false] {
      try set(.packetInformation(ipv6: isIPv6), to: 1)
      try set(.receiveHopLimit(ipv6: isIPv6), to: 1)
      try set(.receiveTrafficClass(ipv6: isIPv6), to: 1)
      // Where nothing was chosen nothing is set: the kernel's own is not always zero.
      if options.trafficClass.rawValue != 0 {
        try set(.trafficClass(ipv6: isIPv6), to: Int(options.trafficClass.rawValue))
      }
      // A socket hears the groups that it joined, not those that others did (ip(7)).
      try set(.multicastAll(ipv6: isIPv6), to: 0)
      if let hopLimit = options.hopLimit {
        try set(.hopLimit(ipv6: isIPv6), to: Int(hopLimit))
      }
      try set(.multicastHopLimit(ipv6: isIPv6), to: Int(options.multicastHopLimit))
      try set(.multicastLoop(ipv6: isIPv6), to: options.loopsMulticast ? 1 : 0)
    }
  }
}
