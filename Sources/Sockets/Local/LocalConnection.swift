import Host
public import SystemPackage

/// A connection between two processes of this machine, or two tasks with a node of ours: bytes or
/// messages both ways, and between processes open descriptors.
///
/// One task may read while another writes. Closes when its last reference goes.
public final class LocalConnection: Sendable {
  /// What it carries.
  public enum Kind: Hashable, Sendable, CaseIterable {
    /// Bytes in order, without bounds between them (`SOCK_STREAM`).
    case stream
    /// Messages in order, each whole (`SOCK_SEQPACKET`).
    case packets
  }

  /// Who the other side was when it connected or listened (`SO_PEERCRED`).
  public struct Credentials: Hashable, Sendable {
    /// The number of the process.
    public let process: Int32
    /// Its effective user.
    public let user: UInt32
    /// Its effective group.
    public let group: UInt32
  }

  /// What it carries.
  public let kind: Kind
  /// This side's name; mostly none.
  public let local: LocalAddress
  /// The other side's name; mostly none on the side that has accepted.
  public let remote: LocalAddress
  private let socket: any LocalImplementation

  init(_ socket: any LocalImplementation, _ kind: Kind) throws(SocketError.Reason) {
    self.socket = socket
    self.kind = kind
    local = try socket.address(ofPeer: false)
    remote = try socket.address(ofPeer: true)
  }

  deinit { socket.close() }

  /// Who the other side is. Only a kernel knows: of a node of ours it throws
  /// ``SocketError/Reason/unsupported``.
  public var peerCredentials: Credentials {
    get throws(SocketError) {
      do {
        return try socket.peerCredentials()
      } catch {
        throw SocketError(.configure, address: remote, reason: error)
      }
    }
  }

  /// Reads what is there, at most `bytes.count`: of a stream at least one byte, of packets one
  /// message. Waits while there is nothing. Cancelled or out of time, it has read nothing.
  /// Descriptors that came along are closed.
  ///
  /// - Returns: how many bytes were read; zero at the end, and for an empty message. What a message
  ///   has more than there was room for is lost.
  public func read(
    into bytes: inout MutableSpan<UInt8>, timeout: Duration? = nil
  ) async throws(SocketError) -> Int {
    do throws(SocketError.Reason) {
      let deadline = socket.deadline(after: timeout)
      return try await socket.receive(into: &bytes, upTo: 0, until: deadline).count
    } catch {
      throw SocketError(.read, address: remote, reason: error)
    }
  }

  /// As ``read(into:timeout:)``, to an array of at most `limit` bytes.
  public func read(
    upTo limit: Int = 65_536, timeout: Duration? = nil
  ) async throws(SocketError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: limit)
    var span = bytes.mutableSpan
    let count = try await read(into: &span, timeout: timeout)
    return Array(bytes.prefix(count))
  }

  /// Reads as ``read(into:timeout:)`` does, and takes the descriptors that came along.
  ///
  /// - Parameter limit: the most descriptors to take; more are closed, and the message says so.
  public func receive(
    into bytes: inout MutableSpan<UInt8>, descriptors limit: Int = 253, timeout: Duration? = nil
  ) async throws(SocketError) -> LocalMessage {
    do throws(SocketError.Reason) {
      let deadline = socket.deadline(after: timeout)
      return try await socket.receive(into: &bytes, upTo: limit, until: deadline)
    } catch {
      throw SocketError(.receive, address: remote, reason: error)
    }
  }

  /// Writes all of `bytes`, packets as one message; waits while there is no room. Cancelled or out
  /// of time, a stream may have taken some of them.
  ///
  /// - Parameter descriptors: passed along, at most 253; the other side gets its own for the same
  ///   open files, these stay the caller's. A stream carries them with at least one byte. On a node
  ///   of ours any throw ``SocketError/Reason/unsupported``.
  public func write(
    _ bytes: Span<UInt8>, passing descriptors: [FileDescriptor] = [], timeout: Duration? = nil
  ) async throws(SocketError) {
    do throws(SocketError.Reason) {
      let deadline = socket.deadline(after: timeout)
      try await socket.send(bytes, to: nil, passing: descriptors, until: deadline)
    } catch {
      throw SocketError(.write, address: remote, reason: error)
    }
  }

  /// As ``write(_:passing:timeout:)-(Span<UInt8>,_,_)``.
  public func write(
    _ bytes: [UInt8], passing descriptors: [FileDescriptor] = [], timeout: Duration? = nil
  ) async throws(SocketError) {
    try await write(bytes.span, passing: descriptors, timeout: timeout)
  }

  /// Ends this side's direction: the peer reads what was written, then the end. Does not wait.
  public func shutdownSend() throws(SocketError) {
    do {
      try socket.shutdownSend()
    } catch {
      throw SocketError(.shutdown, address: remote, reason: error)
    }
  }

  /// Gives the connection up; calls that wait on it throw ``SocketError/Reason/closed``. Returns at
  /// once; from any thread, any number of times.
  public func close() { socket.close() }
}

/// What came with bytes on a socket between processes.
public struct LocalMessage: Sendable {
  /// The bytes that were copied.
  public let count: Int
  /// The message was longer than the room for it; the rest is lost.
  public let isTruncated: Bool
  /// Descriptors were lost: there was no room for them, or this process may open no more.
  public let hasLostDescriptors: Bool
  /// The sender's name.
  public let source: LocalAddress
  /// Open, and the receiver's to close.
  public let descriptors: [FileDescriptor]

  init(count: Int, isTruncated: Bool, source: LocalAddress) {
    self.count = count
    self.isTruncated = isTruncated
    self.source = source
    hasLostDescriptors = false
    descriptors = []
  }

  init(_ arrival: LocalSocket.Arrival) {
    count = arrival.count
    isTruncated = arrival.isTruncated
    hasLostDescriptors = arrival.hasLostDescriptors
    source = LocalAddress(bytes: arrival.source)
    descriptors = arrival.descriptors
  }
}
