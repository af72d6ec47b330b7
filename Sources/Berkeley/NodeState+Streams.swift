import Addresses
import CBerkeley
import ProtocolStack
import SystemPackage

/// The life of a stream socket, as Linux's `inet_stream_connect` and its neighbours lead it.
extension NodeState {
  /// Linux's `net.core.somaxconn`.
  private static var longestBacklog: Int { 4_096 }

  // MARK: Connecting

  /// - Parameter hasBegun: set by the first try of a call, which may not find a connection begun by
  ///   another.
  /// - Returns: nil while the handshake goes on.
  mutating func connect(
    _ index: Int, to remote: SocketAddress, hasBegun: inout Bool
  ) throws(Errno) -> Int? {
    switch records[index].phase {
    case .listening, .ended: throw .socketIsConnected
    case .connected:
      guard !records[index].isConnectTold else { throw .socketIsConnected }
      records[index].isConnectTold = true
      return 0
    case .refused:
      let error = records[index].takeError()
      disconnect(index)
      throw error ?? .connectionAbort
    case .unconnectable: throw .invalidArgument
    case .connecting:
      if !hasBegun, records[index].isNonBlocking { throw .alreadyInProcess }
      hasBegun = true
      return nil
    case .idle:
      // What was begun in this call and undone by another.
      if hasBegun { throw records[index].takeError() ?? .connectionAbort }
      hasBegun = true
      try begin(index, to: remote)
      return nil
    }
  }

  private mutating func begin(_ index: Int, to remote: SocketAddress) throws(Errno) {
    let peer = remote.orLoopback
    guard !peer.address.isMulticast, !peer.address.isLimitedBroadcast else {
      throw .networkUnreachable
    }
    guard peer.port != .any else { throw .connectionRefused }
    let options = records[index].options.stream
    var local = records[index].place
    if case .v6(let address) = peer.address, address.isIPv4Mapped {
      guard !records[index].options.isIPv6Only else { throw .networkUnreachable }
      if let place = local, place.address.isUnspecified {
        local = SocketAddress(.v4(.any), port: place.port)
      }
    }
    let handle: SocketHandle
    do throws(StackError) {
      handle = try stack.connectTCP(to: peer, from: local, options: options, at: now)
    } catch {
      throw error == .addressInUse ? .addressNotAvailable : Errno(error, to: peer)
    }
    setHandle(handle, of: index)
    records[index].bound = stack.localAddress(handle)
    records[index].holdsPort = true
    records[index].phase = .connecting
    records[index].error = nil
    records[index].isConnectTold = false
  }

  /// What `connect` with `AF_UNSPEC` does (`tcp_disconnect`): the connection is given up, and the
  /// socket may be used for another. What it gave up is told as a reset.
  mutating func disconnect(_ index: Int) {
    let isClosed = isClosed(index)
    if !isClosed, records[index].phase != .listening { records[index].error = .connectionReset }
    // A port that is held without a connection stays the socket's own.
    if !isClosed || !holdsPort(index) { leavePort(index) }
    // One that is over may still have its TIME-WAIT to wait.
    releaseHandle(index, aborting: !isClosed)
    let everywhere = records[index].wildcard.address
    if !records[index].isAddressChosen { records[index].bound?.address = everywhere }
    records[index].phase = .idle
    records[index].isBoundAgain = false
    records[index].isReadShut = false
    records[index].isWriteShut = false
    records[index].changed()
  }

  // MARK: Listening

  mutating func listen(_ index: Int, backlog: Int) throws(Errno) {
    guard records[index].isStream else { throw .notSupportedOnSocket }
    switch records[index].phase {
    case .idle: break
    // The queue keeps the length it began with.
    case .listening: return
    default: throw .invalidArgument
    }
    let record = records[index]
    // A negative number is a large one, and one more than said may wait.
    let length = backlog < 0 ? Self.longestBacklog : min(backlog, Self.longestBacklog)
    let local = record.place ?? record.wildcard
    let handle = try refusing { () throws(StackError) in
      try stack.listenTCP(
        on: local, backlog: length + 1, ipv6Only: record.options.isIPv6Only,
        options: record.options.stream, at: now)
    }
    setHandle(handle, of: index)
    if let bound = stack.localAddress(handle) {
      records[index].bound = SocketAddress(local.address, port: bound.port, zone: local.zone)
    }
    records[index].holdsPort = true
    records[index].phase = .listening
  }

  /// - Returns: the place of the new socket; nil where no connection waits.
  mutating func accept(_ index: Int, isNonBlocking: Bool) throws(Errno) -> Int? {
    guard records[index].isStream else { throw .notSupportedOnSocket }
    guard records[index].phase == .listening, let listener = records[index].handle else {
      throw .invalidArgument
    }
    let now = now
    let accepted = try refusing { () throws(StackError) in
      try stack.acceptTCP(listener, at: now)
    }
    guard let accepted else { return nil }
    let parent = records[index]
    let place = insert(
      isStream: true, family: parent.family, isNonBlocking: isNonBlocking,
      options: parent.options)
    // As on Linux, a connection has its listener's options but for this one.
    records[place].options.kept[CInt(BERKELEY_PRIORITY)] = nil
    setHandle(accepted, of: place)
    records[place].bound = stack.localAddress(accepted)
    records[place].holdsPort = true
    records[place].isAddressChosen = parent.isAddressChosen
    records[place].phase = .connected
    records[place].isConnectTold = true
    try? stack.setOptions(accepted, parent.options.stream, at: now)
    return place
  }

  // MARK: Ending

  /// As `inet_shutdown`, which shuts down what is not connected, too, and says that it was not.
  ///
  /// - Parameter how: 0 for reading, 1 for writing, 2 for both.
  mutating func shutdown(_ index: Int, how: Int) throws(Errno) {
    guard (0...2).contains(how) else { throw .invalidArgument }
    let reading = how != 1
    let writing = how != 0
    switch records[index].phase {
    case .listening:
      if reading { disconnect(index) }
      return
    case .connecting: return disconnect(index)
    case .refused: records[index].phase = .unconnectable
    case .idle, .unconnectable, .ended, .connected: break
    }
    records[index].isConnectTold = true
    if reading { records[index].isReadShut = true }
    if writing, !records[index].isWriteShut {
      records[index].isWriteShut = true
      if records[index].isStream, let handle = records[index].handle {
        try? stack.shutdownSend(handle, at: now)
      }
    }
    records[index].changed()
    let isConnected = records[index].phase == .connected
    guard isConnected, !records[index].isStream || !isClosed(index) else {
      throw .socketNotConnected
    }
  }

  /// Whether closing must wait, and for how many nanoseconds (`SO_LINGER`).
  func lingering(_ index: Int) -> Int64 {
    guard let seconds = records[index].options.linger, seconds > 0,
      records[index].phase == .connected, records[index].isStream,
      let handle = records[index].handle, let standing = stack.readiness(handle),
      standing.readableBytes == 0
    else { return 0 }
    return min(seconds, 1_000_000) * 1_000_000_000
  }

  /// Begins to close and answers once the peer has everything.
  mutating func linger(_ index: Int) -> Int? {
    guard let handle = records[index].handle, records[index].phase == .connected else { return 0 }
    if !records[index].isWriteShut {
      records[index].isWriteShut = true
      try? stack.shutdownSend(handle, at: now)
    }
    guard let standing = stack.readiness(handle), standing.failure == nil,
      !standing.isAllAcknowledged
    else { return 0 }
    // Acknowledgments are no news for users, but room is.
    stack.expectRoom(handle)
    return nil
  }

  mutating func close(_ index: Int) {
    let aborts = records[index].options.linger == 0 && records[index].phase == .connected
    releaseHandle(index, aborting: aborts && records[index].isStream)
    remove(index)
  }

  // MARK: Names

  func localAddress(_ index: Int) -> SocketAddress {
    let record = records[index]
    if !record.isStream, let handle = record.handle, !record.isForGroups,
      var local = stack.localAddress(handle)
    {
      if record.rawProtocol != nil { local.port = record.wildcard.port }
      return local
    }
    return record.bound ?? record.wildcard
  }

  func remoteAddress(_ index: Int) throws(Errno) -> SocketAddress {
    guard records[index].phase == .connected, let handle = records[index].handle,
      !records[index].isStream || !isClosed(index), var remote = stack.remoteAddress(handle)
    else { throw .socketNotConnected }
    if records[index].rawProtocol != nil {
      remote.port = records[index].rawPort
      guard remote.port != .any else { throw .socketNotConnected }
    }
    return remote
  }
}
