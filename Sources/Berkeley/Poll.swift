import CBerkeley
import Host
import Packets
import SystemPackage

extension Instant {
  /// The end of a wait of so many nanoseconds; a negative number is no limit, which is told as a
  /// year, for `poll` and its like are cut short by every signal.
  init(after nanoseconds: Int64) {
    let year = Interval.seconds(365 * 86_400)
    self = HostClock.now() + (nanoseconds < 0 ? year : Interval(nanoseconds: nanoseconds))
  }
}

/// `poll`: looks at every socket, and where none is ready leaves one gate with all of them.
///
/// - Returns: how many have something to tell.
/// - Throws: `EINTR`.
func poll(_ interests: inout [berkeley_interest], timeout: Int64) throws(Errno) -> Int {
  let sockets = interests.map { interest -> SocketReference? in
    guard interest.descriptor >= 0 else { return nil }
    return try? Descriptors.shared.socket(interest.descriptor)
  }
  let deadline = Instant(after: timeout)
  let gate = Gate()
  var isEnlisted = false
  defer { if isEnlisted { remove(gate, from: sockets) } }
  while true {
    gate.close()
    var found = 0
    for index in interests.indices {
      let mask = look(interests[index], sockets[index], isEnlisted || timeout == 0 ? nil : gate)
      interests[index].returned = mask
      if mask != 0 { found += 1 }
    }
    isEnlisted = isEnlisted || timeout != 0
    if found > 0 || timeout == 0 { return found }
    switch gate.wait(until: deadline) {
    case .opened: continue
    case .deadlinePassed: return 0
    case .interrupted: throw .interrupted
    }
  }
}

/// - Parameter gate: left with the socket, if any.
private func look(
  _ interest: berkeley_interest, _ socket: SocketReference?, _ gate: Gate?
) -> Int16 {
  guard interest.descriptor >= 0 else { return 0 }
  guard let socket else {
    // An epoll instance is not told of; what is no descriptor is.
    let isThere = Descriptors.shared[interest.descriptor] != nil
    return isThere ? 0 : Int16(Readiness.invalid.rawValue)
  }
  let wanted = UInt32(UInt16(bitPattern: interest.events)) | Readiness.always.rawValue
  return socket.node.turn { state in
    guard let index = try? state.check(socket) else { return Int16(Readiness.invalid.rawValue) }
    if let gate { state.records[index].waiters.append(gate) }
    state.records[index].hasWoken = false
    return Int16(truncatingIfNeeded: state.readiness(index).rawValue & wanted)
  }
}

private func remove(_ gate: Gate, from sockets: [SocketReference?]) {
  for socket in sockets {
    guard let socket else { continue }
    socket.node.turn { state in
      guard let index = try? state.check(socket) else { return }
      state.records[index].forget(gate)
    }
  }
}
