import ProtocolStack

/// What `poll` and epoll tell of a socket, bit for bit as Linux's `tcp_poll` and `datagram_poll`.
struct Readiness: OptionSet, Sendable {
  let rawValue: UInt32

  static let readable = Self(rawValue: 0x001)
  static let urgent = Self(rawValue: 0x002)
  static let writable = Self(rawValue: 0x004)
  static let failed = Self(rawValue: 0x008)
  static let hungUp = Self(rawValue: 0x010)
  static let invalid = Self(rawValue: 0x020)
  static let normalReadable = Self(rawValue: 0x040)
  static let normalWritable = Self(rawValue: 0x100)
  static let bandWritable = Self(rawValue: 0x200)
  static let remoteClosed = Self(rawValue: 0x2000)

  static let mayRead: Self = [.readable, .normalReadable]
  static let mayWrite: Self = [.writable, .normalWritable]
  /// Told without being asked for.
  static let always: Self = [.failed, .hungUp, .invalid]
}

extension NodeState {
  /// How a socket is ready. Asks the stack to tell when a full send buffer has emptied.
  mutating func readiness(_ index: Int) -> Readiness {
    records[index].isStream ? streamReadiness(index) : datagramReadiness(index)
  }

  private mutating func streamReadiness(_ index: Int) -> Readiness {
    let record = records[index]
    var result: Readiness = []
    if record.error != nil { result.insert(.failed) }
    result.formUnion(record.shutReadiness)
    switch record.phase {
    case .listening:
      guard let handle = record.handle, let standing = stack.readiness(handle) else { return [] }
      return standing.waiting > 0 ? .mayRead : []
    case .idle: result.formUnion([.hungUp, .mayWrite])
    case .connecting: break
    case .refused, .unconnectable, .ended:
      result.formUnion([.mayRead, .mayWrite, .remoteClosed, .hungUp])
    case .connected:
      guard let handle = record.handle, let standing = stack.readiness(handle) else { return [] }
      let hasEnded = standing.isFinished || record.isReadShut
      if hasEnded { result.formUnion([.mayRead, .remoteClosed]) }
      if standing.readableBytes >= max(Int(record.options.receiveLowWater), 1) {
        result.formUnion(.mayRead)
      }
      if record.isWriteShut || standing.isOver {
        result.formUnion(.mayWrite)
        if hasEnded { result.insert(.hungUp) }
      } else if isWritable(standing) {
        result.formUnion(.mayWrite)
      } else {
        stack.expectRoom(handle)
      }
    }
    return result
  }

  /// A third of the buffer is to be free, as in Linux.
  private func isWritable(_ standing: SocketReadiness) -> Bool {
    !standing.isUnsentLimited && standing.room > 0
      && standing.room >= standing.unacknowledgedBytes / 2
  }

  private func datagramReadiness(_ index: Int) -> Readiness {
    let record = records[index]
    var result: Readiness = [.mayWrite, .bandWritable]
    let standing = record.handle.flatMap { stack.readiness($0) }
    if record.error != nil || standing?.failure != nil { result.insert(.failed) }
    if standing?.waiting ?? 0 > 0 { result.formUnion(.mayRead) }
    return result.union(record.shutReadiness)
  }
}

extension SocketRecord {
  /// What its user shut down, as `poll` tells it.
  fileprivate var shutReadiness: Readiness {
    guard isReadShut else { return [] }
    return isWriteShut ? [.mayRead, .remoteClosed, .hungUp] : [.mayRead, .remoteClosed]
  }
}

extension SocketReadiness {
  /// Both sides have ended the connection, or it failed: on Linux the socket has none any more.
  var isOver: Bool { state == nil || state == .closed || state == .timeWait }
}
