import Host
import Packets
import SystemPackage

/// Calls that try, and wait until they may try again.
extension SocketReference {
  /// How long a call waits, and what it answers then.
  enum Patience: Sendable {
    /// `SO_RCVTIMEO`, then `EAGAIN`.
    case reading
    /// `SO_SNDTIMEO`, then `EAGAIN`.
    case writing
    /// `SO_SNDTIMEO`, then `EINPROGRESS`.
    case connecting
    /// A number of nanoseconds, then success.
    case lingering(Int64)
  }

  /// Tries until `attempt` has an answer.
  ///
  /// - Parameters:
  ///   - isPatient: false for `MSG_DONTWAIT`.
  ///   - attempt: nil where it would block.
  /// - Throws: what `attempt` throws; `EAGAIN` or `EINPROGRESS` where the socket does not block or
  ///   its time is up; `EINTR` after a signal; `EBADF` when the socket is closed meanwhile.
  func call(
    _ patience: Patience, isPatient: Bool = true,
    _ attempt: (inout NodeState, Int) throws(Errno) -> Int?
  ) throws(Errno) -> Int {
    var gate: Gate?
    var limit: Instant?
    while true {
      let answer = try node.turn { (state) throws(Errno) -> Int? in
        let index = try state.check(self)
        if let gate {
          state.records[index].forget(gate)
        }
        if let answer = try attempt(&state, index) { return answer }
        guard isPatient, !state.records[index].isNonBlocking || patience.outlastsNonBlocking else {
          throw patience.refusal
        }
        if let limit, state.now >= limit {
          guard case .lingering = patience else { throw patience.timedOut }
          return 0
        }
        if gate == nil {
          let length = patience.limit(state.records[index].options)
          limit = length > 0 ? state.now + Interval(nanoseconds: length) : nil
        }
        let own = gate ?? Gate()
        own.close()
        gate = own
        state.records[index].waiters.append(own)
        return nil
      }
      if let answer { return answer }
      guard let gate else { continue }
      if gate.wait(until: limit) == .interrupted {
        node.turn { state in
          guard let index = try? state.check(self) else { return }
          state.records[index].forget(gate)
        }
        throw .interrupted
      }
    }
  }
}

extension SocketReference.Patience {
  fileprivate func limit(_ options: SocketOptions) -> Int64 {
    switch self {
    case .reading: options.receiveTimeout
    case .writing, .connecting: options.sendTimeout
    case .lingering(let length): length
    }
  }

  /// Closing waits for what lingers on non-blocking sockets as well.
  fileprivate var outlastsNonBlocking: Bool {
    if case .lingering = self { true } else { false }
  }

  fileprivate var refusal: Errno {
    if case .connecting = self { .nowInProgress } else { .wouldBlock }
  }

  fileprivate var timedOut: Errno { refusal }
}
