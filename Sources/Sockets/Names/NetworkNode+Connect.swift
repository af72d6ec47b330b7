import Addresses

extension NetworkNode {
  /// Connects to a place given by name, and does not wait for addresses that do not answer (Happy
  /// Eyeballs, RFC 8305): it tries the name's addresses in the resolver's order, IPv6 and IPv4 by
  /// turns, one every quarter of a second, or as soon as an earlier one has failed, and takes the
  /// first connection that stands. The other attempts are given up.
  ///
  /// When its task is cancelled, or on any error, nothing of the attempts is left.
  ///
  /// - Parameters:
  ///   - remote: with TCP as its transport. A numeric address is connected to at once.
  ///   - resolver: asks for the addresses; nil for the node's own.
  ///   - timeout: for all of it, the name's resolution too.
  /// - Throws: what the resolver throws; for one address what its attempt threw, for several
  ///   ``SocketError/Reason/allFailed(_:)``, which lists what was tried and why it failed.
  public func connect(
    to remote: NamedEndpoint, resolver: (any NameResolver)? = nil,
    options: TCPOptions = TCPOptions(), timeout: Duration? = nil
  ) async throws(SocketError) -> TCPConnection {
    if let numeric = remote.numeric {
      return try await connect(to: numeric, from: nil, options: options, timeout: timeout)
    }
    guard remote.transport == .tcp else {
      throw SocketError(
        .connect, reason: .badEndpoint("\(remote) is no tcp:// endpoint"))
    }
    let time = TimeAllowed(timeout, on: clock)
    let began = clock.moment
    let addresses = try await (resolver ?? self.resolver).addresses(
      of: remote.host, timeout: time.left)
    let race = ConnectionRace(
      node: self,
      endpoints: ConnectionRace.interleaved(addresses).map { address in
        Endpoint(.tcp, SocketAddress(address.address, port: remote.port, zone: address.zone))
      }, options: options, time: time, began: began, resolved: clock.moment)
    return try await race.run()
  }

  /// As ``connect(to:resolver:options:timeout:)``, to a place written like `tcp://192.0.2.1:80` or
  /// `tcp://www.example.org:80`. A zone may be the name of one of the node's interfaces.
  public func connect(
    to remote: String, options: TCPOptions = TCPOptions(), timeout: Duration? = nil
  ) async throws(SocketError) -> TCPConnection {
    let target: NamedEndpoint
    do throws(AddressError) {
      target = try NamedEndpoint(parsing: remote, usual: nil, zones: zone)
    } catch {
      throw SocketError(.connect, reason: .badEndpoint(error.description))
    }
    return try await connect(to: target, options: options, timeout: timeout)
  }
}
