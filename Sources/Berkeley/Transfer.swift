import Addresses
import CBerkeley
import Packets
import ProtocolStack
import SystemPackage

/// What the calls that move bytes do with the memory they were given.
extension SocketReference {
  // MARK: Sending

  /// - Returns: how many bytes were taken: of a blocking call fewer than all only where something
  ///   ended it.
  func send(
    _ pieces: UnsafeBufferPointer<berkeley_piece>, _ flags: MessageFlags, to remote: SocketAddress?
  ) throws(Errno) -> Int {
    if flags.contains(.outOfBand) { throw .notSupportedOnSocket }
    let isPatient = !flags.contains(.doNotWait)
    var done = 0
    var piece = 0
    var inside = 0
    do throws(Errno) {
      return try call(.writing, isPatient: isPatient) { (state, index) throws(Errno) -> Int? in
        guard state.records[index].isStream else {
          guard pieces.count > 0 else { return nil }
          guard unsafe pieces[0].bytes != nil || pieces[0].count == 0 else { throw .badAddress }
          return try state.sendDatagram(index, unsafe span(pieces[0], from: 0), to: remote)
        }
        guard let handle = try state.mayWrite(index) else { return nil }
        state.stack.expectMore(handle, flags.contains(.more))
        while piece < pieces.count {
          let count = unsafe pieces[piece].count
          if inside < count {
            guard unsafe pieces[piece].bytes != nil else { throw .badAddress }
            let taken = try state.write(handle, unsafe span(pieces[piece], from: inside))
            done += taken
            inside += taken
            if inside < count { return nil }
          }
          piece += 1
          inside = 0
        }
        if flags.contains(.endOfRecord) { state.stack.endRecord(handle) }
        return done
      }
    } catch {
      // What was sent counts; the error waits for the next call.
      if done > 0 {
        if error != .wouldBlock, error != .interrupted { keep(error) }
        return done
      }
      throw error
    }
  }

  /// Has the next call answer with an error.
  private func keep(_ error: Errno) {
    guard error != .brokenPipe else { return }
    node.turn { state in
      if let index = try? state.check(self) { state.records[index].error = error }
    }
  }

  // MARK: Receiving

  /// - Returns: how many bytes were copied, or with `MSG_TRUNC` the datagram's length.
  func receive(
    _ pieces: UnsafeBufferPointer<berkeley_piece>, _ flags: MessageFlags,
    _ facts: inout berkeley_facts
  ) throws(Errno) -> Int {
    if flags.contains(.errorQueue) { throw .resourceTemporarilyUnavailable }
    let isPatient = !flags.contains(.doNotWait)
    var progress = Progress()
    var wanted = 0
    for piece in 0..<pieces.count { wanted += unsafe pieces[piece].count }
    do throws(Errno) {
      return try call(.reading, isPatient: isPatient) { (state, index) throws(Errno) -> Int? in
        guard state.records[index].isStream else {
          return try unsafe receiveDatagram(pieces, flags, &facts, &state, index)
        }
        if flags.contains(.outOfBand) { throw .invalidArgument }
        let lowWater = Int(clamping: state.records[index].options.receiveLowWater)
        let target = flags.contains(.waitForAll) ? wanted : min(lowWater, wanted)
        return try unsafe take(pieces, flags, &progress, max(target, 1), &state, index)
      }
    } catch {
      if progress.done > 0 {
        if error != .wouldBlock, error != .interrupted { keep(error) }
        return progress.done
      }
      throw error
    }
  }

  /// How far a read from a stream has come.
  private struct Progress {
    var done = 0
    var piece = 0
    var inside = 0
  }

  private func take(
    _ pieces: UnsafeBufferPointer<berkeley_piece>, _ flags: MessageFlags,
    _ progress: inout Progress, _ target: Int, _ state: inout NodeState, _ index: Int
  ) throws(Errno) -> Int? {
    let isPeek = flags.contains(.peek)
    // A peek begins anew every time: what it saw is still there.
    if isPeek { progress = Progress() }
    while true {
      let supply = try state.supply(index, hasSome: progress.done > 0)
      guard case .bytes(let handle, let available) = supply, !isPeek || progress.done < available
      else {
        if case .ended = supply { return progress.done }
        return progress.done >= target ? progress.done : nil
      }
      guard progress.piece < pieces.count else { return progress.done }
      let piece = unsafe pieces[progress.piece]
      if unsafe progress.inside >= piece.count {
        progress.piece += 1
        progress.inside = 0
        continue
      }
      var taken: Int
      if flags.contains(.truncate) {
        taken = unsafe min(available, piece.count - progress.inside)
        if !isPeek { taken = try discard(taken, handle, &state) }
      } else {
        guard unsafe piece.bytes != nil else { throw .badAddress }
        var target = unsafe mutableSpan(piece, from: progress.inside)
        taken =
          isPeek
          ? state.stack.peek(handle, from: progress.done, into: &target)
          : try state.read(handle, into: &target)
      }
      guard taken > 0 else { return progress.done }
      progress.inside += taken
      progress.done += taken
    }
  }

  /// Takes bytes out of a stream and forgets them.
  private func discard(
    _ count: Int, _ handle: SocketHandle, _ state: inout NodeState
  ) throws(Errno) -> Int {
    var scratch: [2_048 of UInt8] = .init(repeating: 0)
    var bytes = scratch.mutableSpan
    var piece = bytes._mutatingExtracting(first: min(count, 2_048))
    return try state.read(handle, into: &piece)
  }

  private func receiveDatagram(
    _ pieces: UnsafeBufferPointer<berkeley_piece>, _ flags: MessageFlags,
    _ facts: inout berkeley_facts, _ state: inout NodeState, _ index: Int
  ) throws(Errno) -> Int? {
    guard pieces.count > 0 else { return nil }
    if flags.contains(.outOfBand), state.records[index].rawProtocol != nil {
      throw .notSupportedOnSocket
    }
    guard unsafe pieces[0].bytes != nil || pieces[0].count == 0 else { throw .badAddress }
    var target = unsafe mutableSpan(pieces[0], from: 0)
    let found = try state.receiveDatagram(
      index, into: &target, isPeek: flags.contains(.peek))
    guard let found else { return nil }
    guard let datagram = found else {
      // Only who would wait hears of the end.
      return flags.contains(.doNotWait) || state.records[index].isNonBlocking ? nil : 0
    }
    facts.source = berkeley_address(datagram.source)
    facts.destination = berkeley_address(datagram.destination)
    facts.interface_index = UInt32(datagram.interface.rawValue)
    facts.traffic_class = datagram.trafficClass
    facts.flags = datagram.truncated ? MessageFlags.truncate.rawValue : 0
    return flags.contains(.truncate) ? datagram.length : datagram.count
  }
}

/// The memory of a piece, as long as the caller's pointer is good: during the call.
@_lifetime(borrow piece)
private func span(_ piece: borrowing berkeley_piece, from offset: Int) -> Span<UInt8> {
  let memory = unsafe UnsafeRawBufferPointer(start: piece.bytes, count: piece.count)
  let bytes = unsafe Span<UInt8>(_unsafeBytes: memory)
  return unsafe _overrideLifetime(bytes.extracting(droppingFirst: offset), borrowing: piece)
}

@_lifetime(borrow piece)
private func mutableSpan(
  _ piece: borrowing berkeley_piece, from offset: Int
) -> MutableSpan<UInt8> {
  let start = unsafe piece.bytes?.advanced(by: offset)
  let memory = unsafe UnsafeMutableRawBufferPointer(start: start, count: piece.count - offset)
  let bytes = unsafe MutableSpan<UInt8>(_unsafeBytes: memory)
  return unsafe _overrideLifetime(bytes, borrowing: piece)
}
