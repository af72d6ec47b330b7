public import Addresses

// Groups of raw sockets, as UDP sockets have them (RFC 3678).
extension RawSocket {
  /// Hears what is sent to a multicast group: from everybody, or from one source more
  /// (`MCAST_JOIN_GROUP`, `MCAST_JOIN_SOURCE_GROUP`; RFC 3678). Closing the socket leaves.
  ///
  /// What others on the node have joined the socket hears anyhow, as on Linux
  /// (`IP_MULTICAST_ALL`): of a group of its own it hears the sources that it has joined for.
  ///
  /// - Parameters:
  ///   - source: the one to hear; nil for everybody.
  ///   - interface: the name of the interface to listen on; nil leaves the choice to the node.
  /// - Throws: ``SocketError/Reason/addressInUse`` for a group that was joined already;
  ///   ``SocketError/Reason/addressNotAvailable`` for one of the other IP version;
  ///   ``SocketError/Reason/invalidOperation`` for what is no group;
  ///   ``SocketError/Reason/noSuchInterface`` where there is none of that name.
  public func join(
    _ group: IPAddress, from source: IPAddress? = nil, on interface: String? = nil
  ) async throws(SocketError) {
    try await change(.join, group, from: source, on: interface)
  }

  /// Takes ``join(_:from:on:)`` back.
  ///
  /// - Throws: ``SocketError/Reason/addressNotAvailable`` where the socket has not joined.
  public func leave(
    _ group: IPAddress, from source: IPAddress? = nil, on interface: String? = nil
  ) async throws(SocketError) {
    try await change(.leave, group, from: source, on: interface)
  }

  /// Hears one source no more of a group that was joined for everybody (`MCAST_BLOCK_SOURCE`,
  /// RFC 3678 §5.1.2).
  ///
  /// - Throws: ``SocketError/Reason/addressNotAvailable`` where the group was not joined so, or the
  ///   source is blocked already.
  public func block(
    _ source: IPAddress, in group: IPAddress, on interface: String? = nil
  ) async throws(SocketError) {
    try await change(.block, group, from: source, on: interface)
  }

  /// Takes ``block(_:in:on:)`` back.
  ///
  /// - Throws: ``SocketError/Reason/addressNotAvailable`` where the source is not blocked.
  public func unblock(
    _ source: IPAddress, in group: IPAddress, on interface: String? = nil
  ) async throws(SocketError) {
    try await change(.unblock, group, from: source, on: interface)
  }

  private func change(
    _ change: MembershipChange, _ group: IPAddress, from source: IPAddress?,
    on interface: String?
  ) async throws(SocketError) {
    do {
      try await implementation.changeMembership(change, group, from: source, on: interface)
    } catch {
      throw SocketError(.configure, reason: error)
    }
  }
}
