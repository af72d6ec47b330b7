public import Addresses
import Packets

/// Datagrams to and from anybody, or one peer (RFC 768).
///
/// Any number of tasks may send and receive. Closes when its last reference goes.
public final class UDPSocket: Sendable {
  /// Where it is bound, with the port that was chosen where none was asked for.
  public let local: Endpoint
  let implementation: any DatagramImplementation

  package init(local: Endpoint, implementation: any DatagramImplementation) {
    self.local = local
    self.implementation = implementation
  }

  deinit { implementation.close() }

  /// Exchanges datagrams with `remote` alone from now on, and hears of errors on the way there. May
  /// be called again, for another peer. Sends nothing and does not wait; ``local`` stays.
  ///
  /// - Throws: ``SocketError/Reason/addressFamilyNotSupported`` for a peer of the other IP version,
  ///   and what routing says.
  public func connect(to remote: Endpoint) async throws(SocketError) {
    try remote.mustBe(.udp, for: .connect)
    do {
      try await implementation.connect(to: remote)
    } catch {
      throw SocketError(.connect, local: local, remote: remote, reason: error)
    }
  }

  /// As ``connect(to:)-(Endpoint)``, to an endpoint written like `udp://192.0.2.1:53`.
  public func connect(to remote: String) async throws(SocketError) {
    try await connect(to: .read(remote, for: .connect))
  }

  /// Sends one datagram; waits while the node has no room for it. Does not allocate unless it must
  /// wait. Cancelled or out of time, it has sent nothing.
  ///
  /// - Parameters:
  ///   - remote: a `udp://` endpoint; nil for the one the socket is connected to.
  ///   - options: what is to differ from the socket's own options.
  /// - Throws: among others ``SocketError/Reason/messageTooLong``;
  ///   ``SocketError/Reason/invalidOperation`` for an IPv6 source that is no address of the node's,
  ///   ``SocketError/Reason/networkUnreachable`` for an IPv4 one; on a connected socket also what
  ///   became of an earlier datagram (``SocketError/Reason/connectionRefused``).
  public func send(
    _ bytes: Span<UInt8>, to remote: Endpoint? = nil,
    with options: DatagramOptions = DatagramOptions(), timeout: Duration? = nil
  ) async throws(SocketError) {
    try remote?.mustBe(.udp, for: .send)
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.trySend(bytes, to: remote, with: options) {
        case .done: return
        case .wouldBlock: try await implementation.wait(.writing, until: deadline, &patience)
        case .elsewhere:
          return try await implementation.send(bytes, to: remote, with: options, until: deadline)
        }
      }
    } catch {
      throw SocketError(.send, local: local, remote: remote, reason: error)
    }
  }

  /// Receives one datagram into memory of the caller's; what it has no room for is lost. Does not
  /// allocate unless it must wait. Cancelled or out of time, it has taken nothing.
  ///
  /// - Throws: on a connected socket what became of an earlier datagram, once.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) -> DatagramHeader {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.tryReceive(into: &bytes) {
        case .done(let header): return header
        case .wouldBlock: try await implementation.wait(.reading, until: deadline, &patience)
        case .elsewhere: return try await implementation.receive(into: &bytes, until: deadline)
        }
      }
    } catch {
      throw SocketError(.receive, local: local, reason: error)
    }
  }

  /// Hears what is sent to a multicast group: from everybody, or from one source more
  /// (`MCAST_JOIN_GROUP`, `MCAST_JOIN_SOURCE_GROUP`; RFC 3678). Closing the socket leaves.
  ///
  /// - Parameters:
  ///   - source: the one to hear; nil for everybody.
  ///   - interface: the name of the interface to listen on; nil leaves the choice to the node.
  /// - Throws: ``SocketError/Reason/addressInUse`` for a group that was joined already;
  ///   ``SocketError/Reason/invalidOperation`` for what is no group;
  ///   ``SocketError/Reason/noSuchInterface`` where there is none of that name.
  public func join(
    _ group: IPAddress, from source: IPAddress? = nil, on interface: String? = nil
  ) async throws(SocketError) {
    do {
      try await implementation.changeMembership(
        .join, group, from: source, on: interface)
    } catch {
      throw SocketError(.configure, local: local, reason: error)
    }
  }

  /// Takes ``join(_:from:on:)`` back.
  ///
  /// - Throws: ``SocketError/Reason/addressNotAvailable`` where the socket has not joined.
  public func leave(
    _ group: IPAddress, from source: IPAddress? = nil, on interface: String? = nil
  ) async throws(SocketError) {
    do {
      try await implementation.changeMembership(
        .leave, group, from: source, on: interface)
    } catch {
      throw SocketError(.configure, local: local, reason: error)
    }
  }

  /// Hears one source no more of a group that was joined for everybody (`MCAST_BLOCK_SOURCE`,
  /// RFC 3678 §5.1.2).
  ///
  /// - Throws: ``SocketError/Reason/addressNotAvailable`` where the group was not joined so, or the
  ///   source is blocked already.
  public func block(
    _ source: IPAddress, in group: IPAddress, on interface: String? = nil
  ) async throws(SocketError) {
    do {
      try await implementation.changeMembership(.block, group, from: source, on: interface)
    } catch {
      throw SocketError(.configure, local: local, reason: error)
    }
  }

  /// Takes ``block(_:in:on:)`` back.
  ///
  /// - Throws: ``SocketError/Reason/addressNotAvailable`` where the source is not blocked.
  public func unblock(
    _ source: IPAddress, in group: IPAddress, on interface: String? = nil
  ) async throws(SocketError) {
    do {
      try await implementation.changeMembership(.unblock, group, from: source, on: interface)
    } catch {
      throw SocketError(.configure, local: local, reason: error)
    }
  }

  // What batches need of the implementation.

  func receiveBatch(
    _ batch: inout DatagramBatch, _ timeout: Duration?
  ) async throws(SocketError.Reason) {
    let deadline = implementation.deadline(after: timeout)
    var patience = Patience.brief
    while true {
      switch try implementation.tryReceive(into: &batch) {
      case .done: return
      case .wouldBlock: try await implementation.wait(.reading, until: deadline, &patience)
      case .elsewhere:
        let size = batch.maximumSize
        var storage = batch.storage.mutableSpan
        let header = try await implementation.receive(
          into: &storage, first: size, until: deadline)
        return batch.add(header)
      }
    }
  }

  func sendBatch(
    _ batch: borrowing DatagramBatch, _ timeout: Duration?
  ) async throws(SocketError.Reason) {
    let deadline = implementation.deadline(after: timeout)
    var patience = Patience.brief
    var sent = 0
    while sent < batch.count {
      switch try implementation.trySend(batch, from: sent) {
      case .done(let count): sent += count
      case .wouldBlock: try await implementation.wait(.writing, until: deadline, &patience)
      case .elsewhere:
        try await implementation.send(
          batch.bytes(at: sent), to: batch[sent].remote, with: batch[sent].options,
          until: deadline)
        sent += 1
      }
    }
  }

  /// Gives up the address; waiting calls throw ``SocketError/Reason/closed``. Returns at once; from
  /// any thread, any number of times.
  public func close() { implementation.close() }
}
