import Addresses
import ProtocolStack
import SystemPackage

/// Flags of the calls that move bytes, with Linux's values.
struct MessageFlags: OptionSet, Sendable {
  let rawValue: CInt

  static let outOfBand = Self(rawValue: 0x1)
  static let peek = Self(rawValue: 0x2)
  static let endOfRecord = Self(rawValue: 0x80)
  static let truncate = Self(rawValue: 0x20)
  static let doNotWait = Self(rawValue: 0x40)
  static let waitForAll = Self(rawValue: 0x100)
  static let errorQueue = Self(rawValue: 0x2000)
  static let more = Self(rawValue: 0x8000)
}

/// Moving bytes, in the order in which Linux's `tcp_sendmsg`, `tcp_recvmsg` and their like look at
/// what may be in the way.
extension NodeState {
  // MARK: Sending

  /// Whether a stream may be written to.
  ///
  /// - Returns: the stack's socket; nil where the handshake goes on.
  mutating func mayWrite(_ index: Int) throws(Errno) -> SocketHandle? {
    if let error = records[index].takeError() { throw error }
    switch records[index].phase {
    case .idle, .listening, .refused, .unconnectable, .ended: throw .brokenPipe
    case .connecting: return nil
    case .connected:
      guard !records[index].isWriteShut, let handle = records[index].handle else {
        throw .brokenPipe
      }
      return handle
    }
  }

  /// - Returns: how many bytes were taken.
  mutating func write(
    _ handle: SocketHandle, _ bytes: Span<UInt8>
  ) throws(Errno) -> Int {
    do throws(StackError) {
      var taken = try stack.send(handle, bytes, at: now)
      // Where it is what was never sent that is limited, sending makes room.
      while taken < bytes.count, stack.readiness(handle)?.room ?? 0 > 0 {
        settle()
        let more = try stack.send(handle, bytes.extracting(droppingFirst: taken), at: now)
        if more == 0 { break }
        taken += more
      }
      return taken
    } catch {
      throw Errno(error)
    }
  }

  /// - Returns: nil where the node's queue is full.
  mutating func sendDatagram(
    _ index: Int, _ bytes: Span<UInt8>, to remote: SocketAddress?
  ) throws(Errno) -> Int? {
    if records[index].rawProtocol != nil { return try sendRaw(index, bytes, to: remote) }
    try mustBeBound(index)
    guard let handle = records[index].handle else { throw .badFileDescriptor }
    guard bytes.count <= 65_535 else { throw .messageTooLong }
    if remote?.port == .any { throw .invalidArgument }
    guard remote != nil || records[index].phase == .connected else { throw .addressRequired }
    if let error = records[index].takeError() { throw error }
    if records[index].isWriteShut {
      throw stack.takeFailure(handle).map { Errno($0) } ?? .brokenPipe
    }
    do throws(StackError) {
      return try stack.sendDatagram(handle, bytes, to: remote?.orLoopback, at: now)
        ? bytes.count : nil
    } catch {
      throw error == .notConnected ? .addressRequired : Errno(error, to: remote)
    }
  }

  // MARK: Receiving

  /// What a stream has for a reader.
  enum Supply {
    case bytes(SocketHandle, Int)
    case ended
    case nothingYet
  }

  /// - Parameter hasSome: bytes were taken in this call already, so errors wait for the next.
  mutating func supply(_ index: Int, hasSome: Bool) throws(Errno) -> Supply {
    let record = records[index]
    if record.phase == .listening { throw .socketNotConnected }
    if record.phase == .connected, let handle = record.handle,
      let standing = stack.readiness(handle)
    {
      if standing.readableBytes > 0 { return .bytes(handle, standing.readableBytes) }
      if !hasSome, let error = records[index].takeError() { throw error }
      return standing.isFinished || record.isReadShut || standing.isOver ? .ended : .nothingYet
    }
    // A reset of what the peer had ended before: a reader has seen the end.
    if hasSome || record.error == .brokenPipe { return .ended }
    if let error = records[index].takeError() { throw error }
    if record.isReadShut { return .ended }
    switch record.phase {
    case .ended, .refused, .unconnectable: return .ended
    case .connecting: return .nothingYet
    case .idle, .listening, .connected: throw .socketNotConnected
    }
  }

  mutating func read(
    _ handle: SocketHandle, into bytes: inout MutableSpan<UInt8>
  ) throws(Errno) -> Int {
    do throws(StackError) {
      if case .bytes(let count) = try stack.read(handle, into: &bytes, at: now) { return count }
      return 0
    } catch {
      throw Errno(error)
    }
  }

  /// - Returns: nil where no datagram waits; `.some(nil)` at the end that `shutdown` made.
  mutating func receiveDatagram(
    _ index: Int, into bytes: inout MutableSpan<UInt8>, isPeek: Bool
  ) throws(Errno) -> Datagram?? {
    if let error = records[index].takeError() { throw error }
    if let handle = records[index].handle {
      let datagram: Datagram?
      do throws(StackError) {
        if isPeek {
          datagram = try stack.peekDatagram(handle, into: &bytes)
        } else if records[index].rawProtocol == nil {
          datagram = try stack.receiveDatagram(handle, into: &bytes, at: now)
        } else {
          datagram = try stack.receiveRaw(handle, into: &bytes, at: now)
        }
      } catch {
        throw Errno(error)
      }
      if let datagram { return .some(datagram) }
    }
    return records[index].isReadShut ? .some(nil) : nil
  }
}
