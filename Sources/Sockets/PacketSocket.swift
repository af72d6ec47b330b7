public import Addresses
import Packets

/// Sees the frames that come and go on a node's interfaces, and sends frames of its own
/// (packet(7)).
///
/// On links with stations a frame begins with its Ethernet header, unless the socket is cooked; on
/// the others it is an IP packet. What finds no room in the socket's buffer is dropped, and counted
/// by ``takeCounts()``. On this machine it needs root, or `CAP_NET_RAW`.
public final class PacketSocket: Sendable {
  let implementation: any PacketImplementation

  package init(implementation: any PacketImplementation) { self.implementation = implementation }

  deinit { implementation.close() }

  /// Where a frame goes.
  public struct Place: Hashable, Sendable {
    /// The node's number of the interface; zero: the one the socket was opened for.
    public var interfaceIndex: UInt32
    /// Who gets it, of a cooked socket on a link with stations.
    public var station: EthernetAddress?
    /// What it is, for the same; nil: what the socket sees.
    public var etherType: UInt16?

    public init(
      interfaceIndex: UInt32 = 0, station: EthernetAddress? = nil, etherType: UInt16? = nil
    ) {
      self.interfaceIndex = interfaceIndex
      self.station = station
      self.etherType = etherType
    }
  }

  /// Sends one frame; waits while the interface has no room for it. Cancelled or out of time, it
  /// has sent nothing.
  ///
  /// - Throws: among others ``SocketError/Reason/messageTooLong`` for what the link does not carry,
  ///   ``SocketError/Reason/invalidOperation`` for what is no frame.
  public func send(
    _ bytes: Span<UInt8>, to place: Place = Place(), timeout: Duration? = nil
  ) async throws(SocketError) {
    do throws(SocketError.Reason) {
      let deadline = implementation.deadline(after: timeout)
      var patience = Patience.brief
      while true {
        switch try implementation.trySend(bytes, to: place) {
        case .done: return
        case .wouldBlock: try await implementation.wait(.writing, until: deadline, &patience)
        case .elsewhere:
          return try await implementation.send(bytes, to: place, until: deadline)
        }
      }
    } catch {
      throw SocketError(.send, reason: error)
    }
  }

  /// Receives one frame into memory of the caller's; what it has no room for is lost. Cancelled or
  /// out of time, it has taken nothing.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) -> FrameHeader {
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
      throw SocketError(.receive, reason: error)
    }
  }

  /// Frames that the socket was shown, and of these how many were dropped because its buffer was
  /// full, since this was last asked (`PACKET_STATISTICS`).
  public func takeCounts() async throws(SocketError) -> (seen: UInt64, dropped: UInt64) {
    do {
      return try await implementation.takeCounts()
    } catch {
      throw SocketError(.configure, reason: error)
    }
  }

  /// Waiting calls throw ``SocketError/Reason/closed``. Returns at once; from any thread, any
  /// number of times.
  public func close() { implementation.close() }
}

/// What a ``PacketSocket`` sees.
public struct PacketOptions: Hashable, Sendable {
  /// Frames come and go without their Ethernet header (`SOCK_DGRAM`).
  public var isCooked: Bool
  /// The frames to see; nil: all, and what the node sends as well.
  public var etherType: UInt16?
  /// The name of the interface; nil: every one.
  public var interface: String?
  /// Bytes that may wait to be read (`SO_RCVBUF`).
  public var receiveBufferLimit: Int?

  public init(
    isCooked: Bool = false, etherType: UInt16? = nil, interface: String? = nil,
    receiveBufferLimit: Int? = nil
  ) {
    self.isCooked = isCooked
    self.etherType = etherType
    self.interface = interface
    self.receiveBufferLimit = receiveBufferLimit
  }
}

/// What is known of a frame beside its bytes.
public struct FrameHeader: Hashable, Sendable {
  /// Whom the frame is for.
  public enum Direction: UInt8, Hashable, Sendable {
    case thisNode, broadcast, multicast, otherStation
    /// This node sent it.
    case outgoing
  }

  /// The bytes that were copied.
  public let count: Int
  /// All of its bytes.
  public let length: Int
  /// The node's number of the interface.
  public let interfaceIndex: UInt32
  /// What the frame carries: 0x0800 is IPv4, 0x86DD IPv6 (IANA "IEEE 802 Numbers").
  public let etherType: UInt16
  /// Whom it is for, or that it was sent here.
  public let direction: Direction
  /// The station that sent it; nil where the link has no stations.
  public let source: EthernetAddress?

  /// The frame was longer than the room for it; the rest is lost.
  public var isTruncated: Bool { count < length }

  package init(
    count: Int, length: Int, interfaceIndex: UInt32, etherType: UInt16, direction: Direction,
    source: EthernetAddress?
  ) {
    self.count = count
    self.length = length
    self.interfaceIndex = interfaceIndex
    self.etherType = etherType
    self.direction = direction
    self.source = source
  }
}
