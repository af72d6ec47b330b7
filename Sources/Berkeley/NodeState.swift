import Addresses
import Host
import Packets
import ProtocolStack
import Sockets
import SystemPackage

/// Everything a node's lock guards.
struct NodeState: ~Copyable, Sendable {
  var stack: ProtocolStack
  var ports: PortSet
  var records: [SocketRecord] = []
  private var free: [Int] = []
  private var generations: UInt32 = 0
  /// The place of each socket of the stack.
  private var owners: [SocketHandle: Int] = [:]
  private(set) var now = Instant.zero
  /// Time passes only by ``pass(to:)``.
  private let hasOwnTime: Bool
  private(set) var isClosed = false
  /// Takes the packets of a node whose network is its user.
  var tap: PacketTap?
  /// Until when the node's thread sleeps.
  private var driverSleepsUntil = Instant.distantFuture

  init(stack: consuming ProtocolStack, ports: consuming PortSet, hasOwnTime: Bool) {
    self.hasOwnTime = hasOwnTime
    self.stack = stack
    self.ports = ports
  }

  /// Whether calls were woken that have not looked yet.
  var hasWokenCalls: Bool { records.contains { $0.hasWoken && !$0.waiters.isEmpty } }

  // MARK: Turns

  mutating func readClock() {
    if !hasOwnTime { now = max(now, HostClock.now()) }
  }

  /// Lets time pass for a node whose time is its user's.
  mutating func pass(to instant: Instant) {
    now = max(now, instant)
    stack.advance(to: now)
  }

  /// Takes packets in and lets time pass.
  ///
  /// - Returns: whether there may be more.
  mutating func intake() -> Bool {
    let isBusy = ports.takePackets(into: &stack, at: now)
    stack.advance(to: now)
    return isBusy
  }

  /// Sends what is to be sent, and wakes whom news concerns. What travels over the loopback
  /// interface arrives at once, so this goes on until nothing does.
  mutating func settle() {
    for _ in 0..<64 {
      ports.givePackets(from: &stack, at: now)
      tap?.takePackets(from: &stack, at: now)
      announce()
      guard let deadline = stack.nextDeadline, deadline <= now else { return }
      stack.advance(to: now)
    }
  }

  private mutating func announce() {
    while let event = stack.nextEvent() {
      switch event {
      case .connected(let handle):
        guard let index = owners[handle] else { continue }
        if records[index].phase == .connecting { records[index].phase = .connected }
        records[index].changed()
      case .failed(let handle, let error):
        guard let index = owners[handle] else { continue }
        fail(index, Errno(error))
      case .readable(let handle), .writable(let handle), .acceptable(let handle),
        .closed(let handle):
        guard let index = owners[handle] else { continue }
        records[index].changed()
      }
    }
  }

  private mutating func fail(_ index: Int, _ error: Errno) {
    // A reset of what the peer had ended before tells only writers anything (`tcp_reset`).
    let hasEnded = records[index].handle.flatMap { stack.readiness($0) }?.isFinished ?? false
    let isTold = records[index].phase == .connected && records[index].isConnectTold
    if records[index].isStream, !isTold {
      records[index].phase = .refused
      releaseHandle(index)
    } else {
      records[index].phase = .ended
    }
    leavePort(index)
    records[index].error = error == .connectionReset && hasEnded ? .brokenPipe : error
    records[index].changed()
  }

  /// Whether the thread sleeps longer than the stack lets it. Then it is to be woken.
  mutating func isDriverLate() -> Bool {
    let deadline = stack.nextDeadline ?? .distantFuture
    guard deadline < driverSleepsUntil else { return isClosed }
    driverSleepsUntil = deadline
    return true
  }

  /// Until when the thread may sleep.
  mutating func sleepUntil(isBusy: Bool) -> Instant {
    driverSleepsUntil = isBusy ? now : stack.nextDeadline ?? .distantFuture
    return driverSleepsUntil
  }

  mutating func close() {
    _ = stack.abortConnections(because: .networkDown, at: now)
    settle()
    isClosed = true
    for index in records.indices where !records[index].isVacant { vacate(index) }
  }

  // MARK: Records

  mutating func insert(
    isStream: Bool, rawProtocol: UInt8? = nil, family: UInt8, isNonBlocking: Bool,
    options: SocketOptions
  ) -> Int {
    generations &+= 1
    let record = SocketRecord(
      isStream: isStream, rawProtocol: rawProtocol, family: family, generation: generations,
      isNonBlocking: isNonBlocking, options: options)
    if let index = free.popLast() {
      records[index] = record
      return index
    }
    records.append(record)
    return records.count - 1
  }

  mutating func remove(_ index: Int) {
    vacate(index)
    free.append(index)
  }

  private mutating func vacate(_ index: Int) {
    records[index].changed()
    records[index] = SocketRecord(
      isStream: true, family: 4, generation: 0, isNonBlocking: true,
      options: SocketOptions(isStream: true))
  }

  /// - Throws: `EBADF` where the socket was closed meanwhile.
  func check(_ reference: SocketReference) throws(Errno) -> Int {
    guard records.indices.contains(reference.index),
      records[reference.index].generation == reference.generation
    else { throw .badFileDescriptor }
    return reference.index
  }

  mutating func setHandle(_ handle: SocketHandle, of index: Int) {
    records[index].handle = handle
    owners[handle] = index
  }

  /// Gives the stack's socket back.
  mutating func releaseHandle(_ index: Int, aborting: Bool = false) {
    guard let handle = records[index].handle else { return }
    owners[handle] = nil
    records[index].handle = nil
    if aborting {
      stack.abort(handle, at: now)
    } else {
      stack.close(handle, at: now)
    }
  }
}
