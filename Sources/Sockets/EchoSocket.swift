public import Addresses
import Packets

/// Sends ICMP echo requests and hears what becomes of them (RFC 792, RFC 4443 §4): what ping needs.
///
/// Closes when its last reference goes.
public final class EchoSocket: Sendable {
  /// The version of the Internet Protocol it speaks.
  public enum Version: Hashable, Sendable { case v4, v6 }

  /// The version it was opened for.
  public let version: Version
  let implementation: any EchoImplementation

  package init(version: Version, implementation: any EchoImplementation) {
    self.version = version
    self.implementation = implementation
  }

  deinit { implementation.close() }

  /// Sends one request. Does not wait: where there is no room for it, it is lost.
  ///
  /// - Parameters:
  ///   - zone: the interface index a link-local address belongs to; zero for other addresses.
  ///   - sequence: comes back with the answer.
  ///   - payload: up to 65,507 bytes; comes back with the answer.
  ///   - hopLimit: the routers that may pass it on, and one; at least one.
  /// - Throws: ``SocketError/Reason/addressFamilyNotSupported`` for an address of the other
  ///   version, ``SocketError/Reason/messageTooLong``, and what routing says.
  public func send(
    _ payload: Span<UInt8>, to remote: IPAddress, zone: UInt32 = 0, sequence: UInt16,
    hopLimit: UInt8 = 64
  ) async throws(SocketError) {
    do {
      try await implementation.send(
        payload, to: remote, zone: zone, sequence: sequence, hopLimit: hopLimit)
    } catch {
      throw SocketError(.send, remote: .ip(remote, zone: zone), reason: error)
    }
  }

  /// Waits for the next answer to a request of this socket's. Cancelled or out of time, it has
  /// taken nothing.
  ///
  /// - Parameter payload: room for what comes back; what does not fit is lost.
  public func receive(
    into payload: inout MutableSpan<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) -> EchoAnswer {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.tryReceive(into: &payload) {
        case .done(let answer): return answer
        case .wouldBlock: try await implementation.wait(.reading, until: deadline, &patience)
        case .elsewhere: return try await implementation.receive(into: &payload, until: deadline)
        }
      }
    } catch {
      throw SocketError(.receive, reason: error)
    }
  }

  /// Waiting calls throw ``SocketError/Reason/closed``. Returns at once; from any thread, any
  /// number of times.
  public func close() { implementation.close() }
}

/// What became of an echo request.
public struct EchoAnswer: Hashable, Sendable {
  /// What the network says of a request.
  public enum Kind: Hashable, Sendable {
    /// The destination answered.
    case reply
    /// A router or the destination refused the request, with the code of its ICMP message.
    case unreachable(code: UInt8)
    /// The hop limit came to its end on the way.
    case timeExceeded
    /// The request is larger than a link on the way carries, in bytes of IP packet.
    case packetTooBig(mtu: UInt32)
  }

  /// What the message is.
  public let kind: Kind
  /// Who sent the message: for errors often a router.
  public let source: IPAddress
  /// The sequence number of the request.
  public let sequence: UInt16
  /// The hop limit the message arrived with.
  public let hopLimit: UInt8
  /// Payload bytes copied; zero for anything but a reply.
  public let count: Int
  /// Payload bytes that came back.
  public let length: Int

  package init(
    kind: Kind, source: IPAddress, sequence: UInt16, hopLimit: UInt8, count: Int, length: Int
  ) {
    self.kind = kind
    self.source = source
    self.sequence = sequence
    self.hopLimit = hopLimit
    self.count = count
    self.length = length
  }
}
