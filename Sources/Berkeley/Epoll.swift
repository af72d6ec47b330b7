import CBerkeley
import Host
import Packets
import Synchronization
import SystemPackage

/// An epoll instance over sockets of any nodes.
///
/// A socket tells each instance that watches it when anything changes, which puts it into the
/// instance's list; a wait looks only at what is in the list. Locks are taken in the order of node,
/// instance, and never the other way.
final class Epoll: Sendable {
  /// Values of `epoll_ctl`'s operations, and flags beside the events.
  private static let add: CInt = 1
  private static let delete: CInt = 2
  private static let modify: CInt = 3
  static let edgeTriggered: UInt32 = 1 << 31
  static let oneShot: UInt32 = 1 << 30

  private struct Interest: Sendable {
    let socket: SocketReference
    var events: UInt32
    var data: UInt64
    /// What the socket had counted when it was last told of; nil: never.
    var toldEdges: UInt64?
    /// One shot was told.
    var isSpent = false
  }

  private struct State: Sendable {
    var interests: [CInt: Interest] = [:]
    /// Descriptors that may have news, the oldest first.
    var candidates: [CInt] = []
    var isCandidate: Set<CInt> = []
    var waiters: [Gate] = []

    mutating func tell(_ descriptor: CInt) {
      if isCandidate.insert(descriptor).inserted { candidates.append(descriptor) }
      for waiter in waiters { waiter.open() }
    }
  }

  private let state = Mutex(State())

  func tell(_ descriptor: CInt) { state.withLock { $0.tell(descriptor) } }

  /// - Throws: `EEXIST`, `ENOENT`, `EINVAL`, `EBADF`.
  func control(
    _ operation: CInt, _ descriptor: CInt, _ socket: SocketReference, events: UInt32, data: UInt64
  ) throws(Errno) {
    let interest = Interest(socket: socket, events: events, data: data)
    let isStale = state.withLock { state in
      state.interests[descriptor].map { !$0.socket.isSame(as: socket) } ?? false
    }
    // The socket that had the number is closed, and took its interest along.
    if isStale { forget(descriptor) }
    switch operation {
    case Self.add:
      let isNew = state.withLock { state in
        guard state.interests[descriptor] == nil else { return false }
        state.interests[descriptor] = interest
        return true
      }
      guard isNew else { throw .fileExists }
      try watch(descriptor, socket)
    case Self.modify:
      let isThere = state.withLock { state in
        guard state.interests[descriptor] != nil else { return false }
        state.interests[descriptor] = interest
        return true
      }
      guard isThere else { throw .noSuchFileOrDirectory }
      tell(descriptor)
    case Self.delete:
      guard forget(descriptor) else { throw .noSuchFileOrDirectory }
      socket.node.turn { state in
        guard let index = try? state.check(socket) else { return }
        state.records[index].watchers.removeAll { $0.epoll === self }
      }
    default: throw .invalidArgument
    }
  }

  @discardableResult
  private func forget(_ descriptor: CInt) -> Bool {
    state.withLock { state in
      guard state.interests.removeValue(forKey: descriptor) != nil else { return false }
      if state.isCandidate.remove(descriptor) != nil {
        state.candidates.removeAll { $0 == descriptor }
      }
      return true
    }
  }

  private func watch(_ descriptor: CInt, _ socket: SocketReference) throws(Errno) {
    try socket.node.turn { (state) throws(Errno) in
      let index = try state.check(socket)
      state.records[index].watchers.append(EpollWatcher(epoll: self, descriptor: descriptor))
    }
    tell(descriptor)
  }

  /// - Throws: `EINTR`.
  func wait(most: Int, timeout: Int64) throws(Errno) -> [berkeley_event] {
    let deadline = Instant(after: timeout)
    let gate = Gate()
    state.withLock { $0.waiters.append(gate) }
    defer { state.withLock { state in state.waiters.removeAll { $0 === gate } } }
    while true {
      gate.close()
      let found = collect(most: most)
      if !found.isEmpty || timeout == 0 { return found }
      switch gate.wait(until: deadline) {
      case .opened: continue
      case .deadlinePassed: return []
      case .interrupted: throw .interrupted
      }
    }
  }

  private func collect(most: Int) -> [berkeley_event] {
    let candidates = state.withLock { state in
      defer {
        state.candidates = []
        state.isCandidate = []
      }
      return state.candidates
    }
    var found: [berkeley_event] = []
    for (place, descriptor) in candidates.enumerated() {
      guard found.count < most else {
        for later in candidates[place...] { tell(later) }
        break
      }
      if let event = look(descriptor) { found.append(event) }
    }
    return found
  }

  /// What a candidate has to tell. A level that lasts stays a candidate.
  private func look(_ descriptor: CInt) -> berkeley_event? {
    guard let interest = state.withLock({ $0.interests[descriptor] }), !interest.isSpent else {
      return nil
    }
    let wanted = interest.events & 0xFFFF | Readiness.always.rawValue
    let standing = interest.socket.node.turn { state -> (mask: UInt32, edges: UInt64)? in
      guard let index = try? state.check(interest.socket) else { return nil }
      return (state.readiness(index).rawValue & wanted, state.records[index].edges)
    }
    guard let standing else {
      forget(descriptor)
      return nil
    }
    let isEdge = interest.events & Self.edgeTriggered != 0
    guard standing.mask != 0, !isEdge || interest.toldEdges != standing.edges else { return nil }
    let isOneShot = interest.events & Self.oneShot != 0
    state.withLock { state in
      state.interests[descriptor]?.toldEdges = standing.edges
      if isOneShot {
        state.interests[descriptor]?.isSpent = true
      } else if !isEdge, state.isCandidate.insert(descriptor).inserted {
        state.candidates.append(descriptor)
      }
    }
    return berkeley_event(events: standing.mask, data: interest.data)
  }
}

/// An instance that watches a socket, and the number it knows it by.
struct EpollWatcher: Sendable {
  let epoll: Epoll
  let descriptor: CInt

  func tell() { epoll.tell(descriptor) }
}

extension SocketReference {
  func isSame(as other: SocketReference) -> Bool {
    node === other.node && index == other.index && generation == other.generation
  }
}
